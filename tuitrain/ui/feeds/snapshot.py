"""What a screen knows of a run at one moment: frozen, read off the record in one go.

Made by `tuitrain.ui.feeds.run` in a thread, used by widgets; knows nothing of either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuitrain.analysis.diagnosis.diagnosis import Diagnosis
from tuitrain.analysis.memory_breakdown import training_device
from tuitrain.failures.explain import Failure
from tuitrain.ranks import Standing
from tuitrain.runs.rows import (
    AlertRow,
    AttemptRow,
    CheckpointRow,
    CommandRow,
    MarkRow,
    MetricRow,
    ProfileRow,
    ProgressRow,
    RunFacts,
    SpeedRow,
    StateRow,
    TimeBreakdown,
)
from tuitrain.runs.series import Series
from tuitrain.runs.summary import RunSummary
from tuitrain.view.run.sidetext import Devices


@dataclass(frozen=True, slots=True)
class Request:
    """What a screen wants read."""

    metrics: tuple[str, ...] | None = None
    """Names of those to draw; None: all."""
    first_step: int | None = None
    last_step: int | None = None
    """The window; None: from the first, or to the last step."""
    columns: int = 80
    times: bool = True
    """Time and epoch along the window, for an axis of these."""
    by_powers: bool = False
    """Columns as wide on an axis of powers of ten, not of steps."""


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """One run at one moment."""

    id: str
    summary: RunSummary | None = None
    """None where the record can't be read: `error` says why."""
    error: str = ""
    state: StateRow | None = None
    end_step: int = 0
    """The right edge of the whole run: beyond its last step where more are to come."""
    metric_names: tuple[str, ...] = ()
    metrics: Mapping[str, MetricRow] = field(default_factory=dict)
    series: Mapping[str, Series] = field(default_factory=dict)
    step_times: tuple[ProgressRow, ...] = ()
    """Time and epoch along the window."""
    speed: SpeedRow | None = None
    """Over the last seconds of training; None where it is not known, or the curves of a run that is
    over are all that was read."""
    states: tuple[StateRow, ...] = ()
    """All states that the run entered, oldest first."""
    attempts: tuple[AttemptRow, ...] = ()
    """Its workers, oldest first."""
    samples: Mapping[str, float] = field(default_factory=dict)
    """The latest readings of GPU, host and worker, by the names of `tuitrain.metric_names`."""
    sampled: float | None = None
    """When the newest of them was taken."""
    devices: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the devices beside their readings, as `telemetry` gives it."""
    split: Mapping[str, float] = field(default_factory=dict)
    """Seconds a step of each part of it, of late, by the names of `tuitrain.metric_names`."""
    spent: TimeBreakdown | None = None
    """What the run's time went into."""
    facts: RunFacts = field(default_factory=RunFacts)
    """What is known of the run as a whole."""
    profiles: tuple[ProfileRow, ...] = ()
    marks: tuple[MarkRow, ...] = ()
    alerts: tuple[AlertRow, ...] = ()
    failures: tuple[Failure, ...] = ()
    """Why the run failed, as far as it is known, the likeliest cause first."""
    ranks: tuple[Standing, ...] = ()
    """Where each of several ranks is, while they train."""
    ranks_gone: frozenset[int] = frozenset()
    """Those of them whose process runs no more."""
    diagnoses: tuple[Diagnosis, ...] = ()
    """What the curves show, the gravest first; empty where the screen does not ask for it."""
    commands: tuple[CommandRow, ...] = ()
    checkpoints: tuple[CheckpointRow, ...] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    place: Mapping[str, str] = field(default_factory=dict)
    """Where it ran: code, packages, machine and data, in words by name."""
    steps_per_epoch: int = 0
    parameters: int = 0
    activity: str = ""
    """What a live run does between two steps and takes long for: validating, saving."""
    live: bool = False
    """A supervisor owns the run and hears commands."""

    @property
    def first_step(self) -> int:
        """Return the left edge of the whole run: other programs count from 0."""
        return self.facts.first_step

    @property
    def until(self) -> float:
        """Return when the run came to rest, or what is known last of it."""
        if self.summary is not None and self.summary.ended is not None:
            return self.summary.ended
        return max([self.sampled or 0.0, *(row.time for row in self.states)])

    @property
    def left_s(self) -> float | None:
        """Return the expected time to the last step, where there is one to come."""
        summary = self.summary
        if summary is None or self.speed is None or not summary.total_steps:
            return None
        if summary.state != "running":
            return None
        return (summary.total_steps - summary.step) / self.speed.steps_per_s


def devices_of(snapshot: RunSnapshot) -> Devices:
    """Return what a snapshot knows of the devices, and which of them is trained on."""
    device = snapshot.summary.device if snapshot.summary else None
    environment = snapshot.facts.environment
    training = training_device(device, environment, snapshot.samples, snapshot.devices)
    as_of = None if snapshot.live else snapshot.sampled
    return Devices(snapshot.samples, snapshot.devices, training, as_of)
