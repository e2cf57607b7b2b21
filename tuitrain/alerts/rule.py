"""What a rule is, and the two things that rules share: where the run stands, and episodes.

Knows events and times that are passed in; reads no clock.
"""

from collections.abc import Iterable, Mapping

from tuitrain.messages import (
    Event,
    StepsTaken,
    TrainingEnded,
    TrainingPaused,
    TrainingPrepared,
)


class Rule:
    """Is told what happens and what is read, and answers with the texts of new alerts."""

    on_learning = False
    """What it makes of steps and evaluations holds over a resume: those before it are told again.
    What it makes of a process or a machine does not: the next worker may run elsewhere."""

    def take(self, event: Event) -> Iterable[str]:
        """Take in an event; return what is to be told of it."""
        del event
        return ()

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterable[str]:
        """Take in readings, by the names of `tuitrain.metric_names`; return what is to be told."""
        del time_s, readings
        return ()


class RunStatus:
    """Where the run stands, as far as rules ask."""

    def __init__(self) -> None:
        self.step = 0
        self.running = False
        """Steps are being taken: false before the first one, in a pause, and after the end."""
        self.running_since = 0.0

    def take(self, event: Event) -> None:
        """Take in an event, before the rules do."""
        match event:
            case TrainingPrepared():
                self.step = event.start_step
            case StepsTaken():
                if not self.running:
                    self.running, self.running_since = True, event.time
                self.step = event.last_step
            case TrainingPaused() | TrainingEnded():
                self.running = False
                self.step = event.step or self.step


class Hysteresis:
    """Turns bad moments into episodes: one begins after a while of bad, ends after as much good."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._since: float | None = None
        self.under_way = False

    def begins(self, time_s: float, bad: bool) -> bool:
        """Take in how it is now; return whether an episode begins with that."""
        if bad == self.under_way:
            self._since = None
            return False
        if self._since is None:
            self._since = time_s
        if time_s - self._since < self._after_s:
            return False
        self.under_way, self._since = bad, None
        return bad
