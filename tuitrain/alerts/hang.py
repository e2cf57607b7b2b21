"""The rule on hangs: no step for much longer than steps take in this run.

Knows events and the time at which they came in, by a clock that stands still with the machine;
whoever collects the stacks asks `poll` and tells the alert.
"""

from collections import deque
from collections.abc import Iterator
from statistics import median

from tuitrain.config.schema import AlertsSection, TrainSection
from tuitrain.messages import (
    Evaluated,
    Event,
    StepsTaken,
    TrainingContinued,
    TrainingEnded,
    TrainingPaused,
    TrainingPrepared,
)
from tuitrain.units import rough_time

_KEPT = 200
_LONGEST_FACTOR = 2.0
"""What took so long once, as a loader that begins anew, may take up to twice as long again."""
_FEW = 5
"""Until so many are known, the first step says how long others may take."""
_COMMAND_MESSAGES = 3
"""A command is carried out before the third message of steps after it: one may be on its way, one
is sent right before it is obeyed."""
_LOOK_GAP_S = 5.0
"""Whoever looks less often was held up itself: events may wait that were not yet taken in."""


class Durations:
    """How long things took in this run.

    Attributes:
        intervals: seconds from one message of steps to the next, where nothing unusual lay between.
        longest_s: the longest of them that was no hang.
        longest_evaluation_s: the longest evaluation that was no hang.
        longest_after_s: from an evaluation to the next message of steps; None before the first.
        first_s: until the first message of steps.
    """

    def __init__(self) -> None:
        self.intervals: deque[float] = deque(maxlen=_KEPT)
        self.longest_s = 0.0
        self.longest_evaluation_s = 0.0
        self.longest_after_s: float | None = None
        self.first_s = 0.0

    def add_interval(self, waited_s: float, *, hung: bool) -> None:
        """Take in how long a usual message of steps took to come."""
        self.intervals.append(waited_s)
        self.longest_s = max(self.longest_s, 0.0 if hung else waited_s)

    def add_after_evaluation(self, waited_s: float) -> None:
        """Take in how long the first message of steps after an evaluation took to come."""
        self.longest_after_s = max(self.longest_after_s or 0.0, waited_s)

    def usual(self, evaluates: bool) -> str:
        """Return in words how long it usually takes; empty where that is not known."""
        if self.intervals and not evaluates:
            return f" (usually at least one every {rough_time(median(self.intervals))})"
        if evaluates and self.longest_evaluation_s:
            return f" (the longest took {rough_time(self.longest_evaluation_s)})"
        return ""

    def step_limits(self, factor: float) -> Iterator[float]:
        """Yield seconds that the next message of steps may well take."""
        if len(self.intervals) < _FEW:
            yield _LONGEST_FACTOR * self.first_s
        if self.intervals:
            yield factor * median(self.intervals)
            yield _LONGEST_FACTOR * self.longest_s


class EvaluationSchedule:
    """After which steps a run evaluates."""

    def __init__(self, train: TrainSection) -> None:
        self._train = train
        self._steps_per_epoch = self._total_steps = self._ahead = 0

    def prepare(self, event: TrainingPrepared) -> None:
        """Take in how long the run is."""
        self._steps_per_epoch, self._total_steps = event.steps_per_epoch, event.total_steps
        self._ahead = event.ahead

    def is_last(self, step: int) -> bool:
        """Return whether the run has taken its last step."""
        return 0 < self._total_steps <= step

    def is_due(self, step: int) -> bool:
        """Return whether an evaluation comes right after a step."""
        due = (
            (self._train.evaluate_every_epochs * self._steps_per_epoch, step + self._ahead),
            (self._train.evaluate_every_steps, step),
        )
        return self.is_last(step) or any(p and at % p == 0 for p, at in due)


class Hang:
    """Says when a run stands still that should not, and when it goes on."""

    def __init__(self, settings: AlertsSection, train: TrainSection) -> None:
        self._settings = settings
        self._durations = Durations()
        self._schedule = EvaluationSchedule(train)
        self._since: float | None = None
        """When the last sign of training came; None while none is expected."""
        self._looked: float | None = None
        self._stepped = self._told = False
        self._evaluates = self._evaluated = False
        self._command_messages = 0

    def expect_command(self) -> None:
        """Note that the worker was told to do something that may take longer than a step."""
        self._command_messages = _COMMAND_MESSAGES

    def take(self, event: Event, now: float) -> str:
        """Take in an event that came in at `now`; say so where a run that hung goes on."""
        match event:
            case TrainingPrepared():
                self._schedule.prepare(event)
                self._evaluates, self._since = self._schedule.is_last(event.start_step), now
            case TrainingContinued():
                self._since = now
            case TrainingPaused() | TrainingEnded():
                self._since, self._told = None, False
            case StepsTaken():
                return self._take_steps(event, now)
            case Evaluated():
                return self._take_evaluation(event, now)
        return ""

    def _take_evaluation(self, event: Evaluated, now: float) -> str:
        waited_s = None if self._since is None else now - self._since
        told, self._told = self._told, False
        if not told:
            durations = self._durations
            durations.longest_evaluation_s = max(durations.longest_evaluation_s, event.duration_s)
        self._since = now
        # The best state may be written then, and after the last evaluation the last one.
        self._evaluates = self._schedule.is_last(event.step)
        self._evaluated = True
        if not told or waited_s is None:
            return ""
        return f"the evaluation is done after {rough_time(waited_s)}"

    def _take_steps(self, event: StepsTaken, now: float) -> str:
        waited_s = None if self._since is None else now - self._since
        unusual = self._evaluates or self._evaluated or self._command_messages
        usual = self._stepped and not unusual
        told, self._told = self._told, False
        if waited_s is not None and self._evaluated and not told:
            self._durations.add_after_evaluation(waited_s)
        if waited_s is not None and usual:
            self._durations.add_interval(waited_s, hung=told)
        elif waited_s is not None and not self._stepped:
            self._durations.first_s = waited_s
        self._since, self._stepped, self._evaluated = now, True, False
        self._command_messages = max(0, self._command_messages - 1)
        self._evaluates = self._schedule.is_due(event.last_step)
        return (
            f"steps continue after {rough_time(waited_s)}" if told and waited_s is not None else ""
        )

    def poll(self, now: float) -> str:
        """Say so where the run has hung since the last look."""
        held_up = self._looked is not None and now - self._looked > _LOOK_GAP_S
        self._looked = now
        if self._since is None or self._told:
            return ""
        if held_up:
            self._since = max(self._since, now - self._limit_s() / 2)
        waited_s = now - self._since
        if waited_s < self._limit_s():
            return ""
        self._told = True
        usual = self._durations.usual(self._evaluates)
        return f"no {self._awaited()} for {rough_time(waited_s)}{usual}"

    def _awaited(self) -> str:
        if self._evaluates:
            return "evaluation"
        return "step" if self._stepped else "first step"

    def _limit_s(self) -> float:
        settings, durations = self._settings, self._durations
        limits = [settings.hang_s, *durations.step_limits(settings.hang_factor)]
        if not self._stepped:
            limits.append(settings.hang_first_step_s)
        if self._evaluates:
            limits.append(settings.hang_factor * durations.longest_evaluation_s)
        if self._evaluated and durations.longest_after_s is not None:
            limits.append(_LONGEST_FACTOR * durations.longest_after_s)
        elif self._evaluates or self._evaluated or self._command_messages:
            limits.append(settings.hang_evaluation_s)
        return max(limits)
