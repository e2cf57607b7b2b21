"""How `tuitrain run` shows a run as it goes: a live line, plain lines, or JSON.

Each is given the events as they are recorded. None knows processes or databases.
"""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TextIO

from tuitrain import units
from tuitrain.cli import output
from tuitrain.messages import (
    AlertRaised,
    CheckpointSaved,
    Evaluated,
    Event,
    PreparationReported,
    PresetChanged,
    SettingChanged,
    StepsTaken,
    TrainingContinued,
    TrainingEnded,
    TrainingPaused,
    TrainingPrepared,
    TrainingResumed,
    to_plain,
)
from tuitrain.runs.rows import JobLimit
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.view import format as text
from tuitrain.view.jobtext import job_words
from tuitrain.view.osc import CLEAR_TO_END

PLAIN_PROGRESS_S = 10.0
PLAIN_EVALUATION_S = 1.0
_SPEED_MEMORY = 0.8


class Progress(Protocol):
    """Somebody who shows a run."""

    def begin(self) -> None:
        """Say what there is to say before the first event."""
        ...

    def observe(self, event: Event) -> None:
        """Take in one event."""
        ...


@dataclass(slots=True)
class RunProgress:
    """How far a run is and how fast it goes, as the events tell."""

    name: str
    epochs: int
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    steps_per_s: float = 0.0
    samples_per_s: float = 0.0
    loss: float | None = None
    monitor: str = ""
    """The validation metric that matters most."""
    job: JobLimit | None = None
    """The scheduler's job that it is in."""
    clock: Callable[[], float] = time.time
    metrics: dict[str, float] = field(default_factory=dict)
    _train_s: float = 0.0

    def prepare(self, event: TrainingPrepared) -> None:
        """Begin at the step that training begins at."""
        self.step, self.total_steps = event.start_step, event.total_steps
        self.epoch = (event.start_step + event.ahead) / event.steps_per_epoch

    def advance(self, event: StepsTaken) -> None:
        """Take in steps; speed is a running mean, so that the time left does not jump."""
        took_s, steps = event.train_s - self._train_s, event.last_step - self.step
        if self._train_s and took_s > 0:
            now = steps / took_s
            before = self.steps_per_s or now
            self.steps_per_s = _SPEED_MEMORY * before + (1 - _SPEED_MEMORY) * now
        self._train_s = event.train_s
        self.step, self.epoch = event.last_step, event.epoch
        for points in event.points:
            if points.name == "train/loss":
                self.loss = points.values[-1]
            elif points.name == "samples_per_s":
                self.samples_per_s = points.values[-1]

    def evaluate(self, event: Evaluated) -> None:
        """Take in an evaluation."""
        self.metrics = dict(event.metrics)

    def line(self, width: int | None = None) -> str:
        """Return where the run stands, on one line.

        Where `width` cells do not hold it all, what a person can do without first goes first.
        """
        left_s = (self.total_steps - self.step) / self.steps_per_s if self.steps_per_s else None
        # (how soon it may go, what it says), in the order shown.
        parts = [
            (0, self.name),
            (0, units.progress(self.step, self.total_steps)),
            (3, f"epoch {self.epoch:.1f}/{self.epochs}"),
            (5, f"step {self.step}/{self.total_steps}"),
            (1, f"train/loss {text.metric_value(self.loss)}"),
            *(
                (2 if name == self.monitor else 6, f"{name} {text.metric_value(value)}")
                for name, value in self.metrics.items()
            ),
            (4, units.rate(self.samples_per_s, "samples")),
            (0, f"{units.duration(left_s)} left" if left_s else ""),
            (1, self._job_words(left_s)),
        ]
        return _fit([part for part in parts if part[1]], width)

    def _job_words(self, left_s: float | None) -> str:
        if self.job is None or not left_s:
            return ""
        now = self.clock()
        return job_words(self.job, now + left_s, now)


def _fit(parts: list[tuple[int, str]], width: int | None) -> str:
    """Join parts, leaving out the dispensable ones until `width` holds the rest."""
    line = "  ".join(part for _, part in parts)
    if width is None or text.display_width(line) <= width:
        return line
    most = max(place for place, _ in parts)
    if not most:
        return text.shorten(line, width)
    return _fit([part for part in parts if part[0] < most], width)


def told(event: Event) -> str | None:
    """Return an event that deserves a line of its own as one, else None."""
    match event:
        case TrainingPrepared():
            return (
                f"training on {event.device}: {units.count(event.parameters)} parameters, "
                f"{event.total_steps} steps ({event.steps_per_epoch} an epoch)"
            )
        case TrainingResumed():
            return f"resumed from step {event.step}" if event.path else "starts again at step 0"
        case AlertRaised() if event.kind != "ended":
            return f"alert: {event.text}"
        case SettingChanged():
            return f"{event.key}: {event.old:.6g} -> {event.new:.6g} from step {event.step + 1} on"
        case PresetChanged():
            return f"{event.text} from step {event.step + 1} on"
        case TrainingPaused():
            return f"paused at step {event.step}: {event.reason}"
        case TrainingContinued():
            return f"continues from step {event.step}"
        case CheckpointSaved() if set(event.names) - {"last", "best"}:
            return f"checkpoint {', '.join(event.names)} at step {event.step}"
        case TrainingEnded():
            return f"{event.state}: {event.reason}"
    return None


class LiveLine:
    """On a terminal: one line that moves, and above it what deserves to stay."""

    def __init__(self, progress: RunProgress, stream: TextIO = sys.stdout) -> None:
        self._progress = progress
        self._stream = stream

    def begin(self) -> None:
        """Nothing to say yet."""

    def observe(self, event: Event) -> None:
        """Redraw the line, or put a lasting one above it."""
        match event:
            case PreparationReported():
                self._draw(f"{self._progress.name}  {text.sanitise(event.text)}")
            case StepsTaken():
                self._progress.advance(event)
                self._draw(self._progress.line(self._width()))
            case Evaluated():
                self._progress.evaluate(event)
            case TrainingPrepared():
                self._progress.prepare(event)
        if isinstance(event, TrainingEnded) and self._progress.step:
            self._stream.write(f"\r{self._progress.line(self._width())}{CLEAR_TO_END}\n")
        line = told(event)
        if line is not None:
            self._keep(line, ended=isinstance(event, TrainingEnded))

    def _width(self) -> int:
        # One cell stays free: a full line makes some terminals wrap.
        return shutil.get_terminal_size().columns - 1

    def _draw(self, line: str) -> None:
        self._stream.write(f"\r{text.shorten(line, self._width())}{CLEAR_TO_END}")
        self._stream.flush()

    def _keep(self, line: str, ended: bool) -> None:
        moving = self._progress.line(self._width()) if self._progress.total_steps else ""
        self._stream.write(f"\r{CLEAR_TO_END}{text.sanitise(line)}\n")
        self._stream.flush()
        if moving and not ended:
            self._draw(moving)


class PlainLines:
    """Into a file or a pipe: lines without control characters, at a pace that a person reads."""

    def __init__(
        self,
        progress: RunProgress,
        write: Callable[[str], None] = output.data,
        clock: Callable[[], float] = time.monotonic,
        *,
        preparations: bool = False,
    ) -> None:
        """Write lines.

        Args:
            progress: how far the run is.
            write: takes a line.
            clock: seconds.
            preparations: with a line for each step of the preparation too.
        """
        self._preparations = preparations
        self._progress = progress
        self._write = write
        self._clock = clock
        self._last = float("-inf")
        self._written_step = 0

    def begin(self) -> None:
        """Nothing to say yet."""

    def observe(self, event: Event) -> None:
        """Write a line where the event is worth one and the last is long enough ago."""
        match event:
            case StepsTaken():
                self._progress.advance(event)
                self._pace(PLAIN_PROGRESS_S)
            case Evaluated():
                self._progress.evaluate(event)
                self._pace(PLAIN_EVALUATION_S)
            case PreparationReported() if self._preparations:
                self._write(text.sanitise(event.text))
            case TrainingPrepared():
                self._progress.prepare(event)
                self._last = self._clock()
            case TrainingEnded() if self._progress.step != self._written_step:
                self._pace(0.0)
        line = told(event)
        if line is not None:
            self._write(text.sanitise(line))

    def _pace(self, least_s: float) -> None:
        now = self._clock()
        if now - self._last >= least_s:
            self._last = now
            self._written_step = self._progress.step
            self._write(self._progress.line())


class JsonLines:
    """For programs: every event as one object a line."""

    def __init__(self, run_id: str, path: str) -> None:
        self._created = {"type": "RunCreated", "id": run_id, "path": path}

    def begin(self) -> None:
        """Say which run it is."""
        output.data_json(self._created, indent=None)

    def observe(self, event: Event) -> None:
        """Write the event."""
        output.data_json(to_plain(event), indent=None)


class ProgressPrinter(Observer):
    """Shows a run for as long as somebody reads: a run outlives its terminal and its pipe."""

    name = "what shows the run"

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._heard = True

    def begin(self) -> None:
        """Say what there is to say before the first event."""
        self._show(self._inner.begin)

    def waits(self, words: str) -> None:
        """Say what the run waits for."""
        self._show(lambda: output.say(f"queued: {words}"))

    def recorded(self, event: Event) -> Alerts:
        """Show the event; once nobody reads, show nothing more."""
        self._show(partial(self._inner.observe, event))
        return ()

    def told(self, alert: AlertRaised) -> None:
        """Show the alert."""
        self._show(partial(self._inner.observe, alert))

    def _show(self, show: Callable[[], None]) -> None:
        if not self._heard:
            return
        try:
            show()
        except (OSError, output.StreamError) as error:
            self._heard = False
            output.go_silent(1)
            reason = getattr(error, "strerror", None) or str(error).rstrip(".")
            output.say(f"nothing more is printed, the run goes on: {reason}")
