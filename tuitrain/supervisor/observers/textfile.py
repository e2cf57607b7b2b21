"""What Prometheus is to know of a run, as a file for node_exporter's textfile collector.

Nothing listens: the exporter reads the folder. Knows events, readings and the text format.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from tuitrain.messages import (
    AlertRaised,
    Evaluated,
    Event,
    RunState,
    StepsTaken,
    TrainingContinued,
    TrainingEnded,
    TrainingPaused,
    TrainingPrepared,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.observers.delivery import DeliveryQueue
from tuitrain.supervisor.observers.observer import Alerts, Observer
from tuitrain.whole_file import written_whole

EVERY_S = 5.0
"""Scrapes are 15 s and more apart."""
_KEPT_S = 24 * 3600.0
"""How long the file of a run that ended stays, for whoever asks how."""
_STATES = tuple(state for state in get_args(RunState) if state != "lost")
_KIND = "tracker"


@dataclass(slots=True)
class Figures:
    """What is said of a run."""

    run: str
    name: str
    preset: str
    state: str = "starting"
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    train_s: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    readings: Mapping[str, float] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)

    def take(self, event: Event) -> None:
        """Take in an event that is on record."""
        match event:
            case TrainingPrepared():
                self.state, self.step = "running", event.start_step
                self.total_steps = event.total_steps
            case StepsTaken():
                self.state, self.step, self.epoch = "running", event.last_step, event.epoch
                self.train_s = event.train_s
                self.metrics |= {each.name: each.values[-1] for each in event.points if each.values}
            case Evaluated():
                self.metrics |= event.metrics
            case TrainingPaused():
                self.state = "paused"
            case TrainingContinued():
                self.state = "running"
            case TrainingEnded():
                self.state, self.readings = event.state, {}
            case AlertRaised():
                self.alerts[event.kind] += 1
            case _:
                pass

    def text(self, now: float) -> str:
        """Return all of it in the form that Prometheus reads."""
        return "".join(self._families(now))

    def _families(self, now: float) -> Iterator[str]:
        gauge = _Family(self.run, "gauge")
        yield gauge("run_info", "A run; always 1.", {(self.name, self.preset): 1}, "name", "preset")
        states = _keyed({each: float(each == self.state) for each in _STATES})
        yield gauge("state", "1 for the state that the run is in.", states, "state")
        yield gauge("step", "Updates done.", {(): self.step})
        yield gauge("total_steps", "Updates to do.", {(): self.total_steps})
        yield gauge("epoch", "Passes over the data done.", {(): self.epoch})
        yield gauge("train_seconds", "Time spent in steps.", {(): self.train_s})
        yield gauge("metric", "A metric's last value.", _keyed(self.metrics), "metric")
        yield gauge("reading", "What a device does.", _keyed(self.readings), "name")
        counter = _Family(self.run, "counter")
        alerts = _keyed(self.alerts)
        yield counter("alerts_total", "Alerts since the supervisor began.", alerts, "kind")
        yield gauge("updated_seconds", "When this was written.", {(): now})


@dataclass(frozen=True, slots=True)
class _Family:
    """Writes the samples of one run that have one name."""

    run: str
    kind: str

    def __call__(
        self, name: str, meaning: str, values: Mapping[tuple[str, ...], float], *labels: str
    ) -> str:
        head = f"# HELP tuitrain_{name} {meaning}\n# TYPE tuitrain_{name} {self.kind}\n"
        lines = [
            f"tuitrain_{name}{{{self._labels(labels, key)}}} {_number(value)}\n"
            for key, value in values.items()
        ]
        return head + "".join(lines) if lines else ""

    def _labels(self, names: Sequence[str], values: Sequence[str]) -> str:
        pairs = [("run", self.run), *zip(names, values, strict=True)]
        return ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)


def _keyed(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(key,): value for key, value in values.items()}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))


class TextfileWriter(Observer):
    """Keeps the file of one run."""

    name = "the file for Prometheus"

    def __init__(
        self,
        directory: RunDirectory,
        name: str,
        preset: str,
        folder: Path,
        clock: Callable[[], float] = time.time,
        every_s: float = EVERY_S,
    ) -> None:
        """Keep a run's file in a folder.

        Args:
            directory: the run.
            name: of the run.
            preset: its name.
            folder: that node_exporter's `--collector.textfile.directory` names.
            clock: seconds since the epoch.
            every_s: how often it is written while nothing of weight happens.
        """
        self._figures = Figures(directory.id, name, preset)
        self._path = folder / f"tuitrain-{directory.id}.prom"
        self._clock, self._every_s = clock, every_s
        self._due = 0.0
        # A folder of the network may take its time.
        self._queue: DeliveryQueue[str] = DeliveryQueue(self._write, "textfile")

    def recorded(self, event: Event) -> Alerts:
        """Take in an event; a change of state is written at once."""
        before = self._figures.state
        self._figures.take(event)
        self._put(at_once=self._figures.state != before)
        return ()

    def told(self, alert: AlertRaised) -> None:
        """Count an alert."""
        self._figures.take(alert)

    def sampled(self, time_s: float, readings: Mapping[str, float]) -> Alerts:
        """Take in readings."""
        del time_s
        self._figures.readings = readings
        self._put()
        return ()

    def poll(self, worker_pid: int) -> Alerts:
        """Say once that the file can't be written."""
        del worker_pid
        return self._failure()

    def ended(self) -> Alerts:
        """Write how the run ended."""
        self._put(at_once=True)
        self._queue.wait()
        return self._failure()

    def _put(self, *, at_once: bool = False) -> None:
        if at_once or time.monotonic() >= self._due:
            self._due = time.monotonic() + self._every_s
            self._queue.put(self._figures.text(self._clock()))

    def _failure(self) -> Alerts:
        if failure := self._queue.take_failure():
            text = f"{self._path} can't be written for Prometheus, the run goes on: {failure}"
            yield AlertRaised(self._clock(), self._figures.step, _KIND, text)

    def _write(self, text: str) -> None:
        # What is not whole has another ending than the exporter looks for.
        with written_whole(self._path) as draft:
            draft.write_text(text, encoding="utf-8")
            # The exporter is another user.
            draft.chmod(0o644)
        self._sweep()

    def _sweep(self) -> None:
        """Remove files of runs that have long ended."""
        for path in self._path.parent.glob("tuitrain-*.prom"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _KEPT_S:
                    path.unlink()
