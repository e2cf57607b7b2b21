"""What the record says, as frozen values: the shapes that readers hand on.

Plain data only: knows nothing of SQL or of terminals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StateRow:
    """The run entered a state."""

    time: float
    state: str
    reason: str
    step: int | None
    detail: str
    """A traceback, where there is one."""


@dataclass(frozen=True, slots=True)
class MarkRow:
    """Something that belongs on the curve: setting, pause, continue, resume, best or batch."""

    step: int
    time: float
    kind: str
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """Something that a person should know."""

    step: int | None
    time: float
    kind: str
    text: str
    detail: str = ""
    """What there is to read beside it: stacks, a traceback."""


@dataclass(frozen=True, slots=True)
class DevicesRow:
    """What was last known of the devices beside their readings."""

    time: float
    facts: Mapping[str, Any]
    """As `telemetry` gives them."""


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A profile: its trace, and what it says once that is worked out."""

    name: str
    """Of its folder under profiles/."""
    time: float
    state: str
    """`reading` while it is worked out, `done`, or `failed`."""
    first_step: int
    last_step: int
    facts: Mapping[str, Any]
    """As `messages.ProfileWritten` has them."""
    summary: Mapping[str, Any]
    """What a list and `tuitrain show` say of it; a failed one has `error`."""


@dataclass(frozen=True, slots=True)
class CommandRow:
    """What somebody wanted done, and what became of it."""

    id: int
    given: float
    given_by: str
    kind: str
    arguments: Mapping[str, Any]
    taken: float | None
    done: float | None
    outcome: str | None
    """done or refused; None while it is under way."""
    text: str
    step: int | None


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """A pass over the validation set."""

    step: int
    time: float
    epoch: float
    duration_s: float
    metrics: Mapping[str, float]
    counts: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint file, whether it is still there or not."""

    path: str
    step: int
    time: float
    names: tuple[str, ...]
    """Names that lead to this file: last, best, a user's own."""
    digest: str
    size_bytes: int
    held_up_s: float
    write_s: float
    metrics: Mapping[str, float]
    removed: float | None
    removed_reason: str
    superseded: bool
    """Training was resumed from an earlier step since: it belongs to a history given up."""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric's last and best value; NaN and infinities are never best."""

    name: str
    last: float
    last_step: int
    best: float | None
    best_step: int | None


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """Where the run stood at a time."""

    step: int
    time: float
    epoch: float
    train_s: float


@dataclass(frozen=True, slots=True)
class SpeedRow:
    """How fast training went over some of its steps, pauses and evaluations apart."""

    steps_per_s: float
    samples_per_s: float | None
    """Over the same steps; None where it is not on record."""


@dataclass(frozen=True, slots=True)
class TimeBreakdown:
    """What a run's time went into, over all its workers."""

    worked_s: float
    """How long workers lived."""
    train_s: float
    """In steps that still count: those that a resume took back are left out."""
    evaluation_s: float
    checkpoint_s: float
    """How long training stood still for checkpoints."""
    paused_s: float
    """How long a worker was held."""

    @property
    def rest_s(self) -> float:
        """Starting, preparing, and steps that were done again after a resume."""
        known_s = self.train_s + self.evaluation_s + self.checkpoint_s + self.paused_s
        return max(0.0, self.worked_s - known_s)


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One worker's life."""

    attempt: int
    started: float
    pid: int | None
    ended: float | None
