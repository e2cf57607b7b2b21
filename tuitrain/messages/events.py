"""Events: what the worker tells the supervisor. One class each, named in the past."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tuitrain.messages.payloads import (
    ABSENT,
    CostEstimate,
    DeviceMemory,
    Environment,
    MemoryAccount,
    NoEstimate,
    OomAccount,
    PerClassCounts,
    ProfileFacts,
)

RunState = Literal[
    "queued", "starting", "running", "paused", "finished", "stopped", "failed", "lost"
]
"""`lost` is never recorded: a reader concludes it from the lock."""

FINAL_STATES: frozenset[str] = frozenset({"finished", "stopped", "failed"})


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """The worker's interpreter is up; nothing heavy is imported yet."""

    time: float
    pid: int


@dataclass(frozen=True, slots=True)
class PreparationReported:
    """What the worker does before its first step, in words ("loading data")."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class TrainingPrepared:
    """Data, model and optimizer stand; the next step is `start_step + 1`."""

    time: float
    start_step: int
    total_steps: int
    steps_per_epoch: int
    parameters: int
    """Trainable parameters."""
    device: str
    environment: Environment
    ahead: int = 0
    """Added to a step, it gives the place in the epochs: a resume may change a step's size."""


@dataclass(frozen=True, slots=True)
class TrainingResumed:
    """State was restored from a checkpoint: what was recorded after `step` no longer holds."""

    time: float
    step: int
    path: str
    """The checkpoint's path relative to the run's directory; empty: started again from zero."""
    pending: str
    """Events up to `step` that the record may lack, from the checkpoint, as `encode_pending`."""


@dataclass(frozen=True, slots=True)
class MetricPoints:
    """Values of one metric; without `steps` they belong to first_step, first_step + 1, ..."""

    name: str
    first_step: int
    values: tuple[float, ...]
    steps: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class StepsTaken:
    """The steps since the last message of this kind, one or more."""

    time: float
    """When the last of these steps ended."""
    first_step: int
    last_step: int
    epoch: float
    """Epochs completed at `last_step`, with its fraction."""
    train_s: float
    """Seconds spent in training steps over all of the run up to `last_step`, checkpoints and
    evaluations apart."""
    points: tuple[MetricPoints, ...]


@dataclass(frozen=True, slots=True)
class ActivityBegun:
    """Between two steps something began that may take long; the next `StepsTaken` is after it."""

    time: float
    step: int
    what: Literal["validating", "saving"]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A pass over the validation set."""

    time: float
    step: int
    epoch: float
    duration_s: float
    metrics: Mapping[str, float]
    """By full name: val/loss, val/accuracy, ..."""
    counts: PerClassCounts | None
    """None where there are no classes, as in regression."""


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A checkpoint is whole, on disk, and in place under every one of its names."""

    time: float
    step: int
    path: str
    """Relative to the run's directory, e.g. checkpoints/step-00000150.pt."""
    names: tuple[str, ...]
    """Names that point to it from now on: last, best, or a user's own."""
    digest: str
    """sha256 of the weights."""
    size_bytes: int
    held_up_s: float
    """How long training stood still for it."""
    write_s: float
    """How long the thread wrote."""
    metrics: Mapping[str, float]
    """Last known metrics at that step."""


@dataclass(frozen=True, slots=True)
class CheckpointRemoved:
    """An older checkpoint made room, or was found damaged and set aside."""

    time: float
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A live setting holds its new value from step `step + 1` on."""

    time: float
    step: int
    key: str
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class PresetChanged:
    """A resume gave a setting that can't change while a run is live another value."""

    time: float
    step: int
    key: str
    text: str
    """The change in words: `train.epochs 10 -> 20`."""


GOES_ON_BY_ITSELF: Final = "training goes on by itself"
"""Stands in the reason of a pause that no command ends."""


@dataclass(frozen=True, slots=True)
class TrainingPaused:
    """Training holds at `step`, after a checkpoint where one could be written."""

    time: float
    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class TrainingContinued:
    """Training goes on after a pause."""

    time: float
    step: int


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Something that a person should know. `kind` is a short fixed word, e.g. nonfinite."""

    time: float
    step: int
    kind: str
    text: str
    detail: str = ""
    """What there is to read beside it: stacks, a traceback."""


@dataclass(frozen=True, slots=True)
class WorkerMeasured:
    """What only the worker can read: torch's allocator, at a flush, once a second at the most."""

    time: float
    step: int
    readings: Mapping[str, float]
    """By name, as `tuitrain.metric_names` lists them."""


@dataclass(frozen=True, slots=True)
class MemoryAccounted:
    """What the worker's memory is made of, measured after its first steps, and again on change."""

    time: float
    step: int
    account: MemoryAccount


@dataclass(frozen=True, slots=True)
class WorkCounted:
    """How much arithmetic a step is."""

    time: float
    flops_per_sample: float
    """Floating-point operations of forward and backward for one sample; a multiply-add counts 2."""
    peak_flops: float | None
    """What the device can do a second in the run's precision; None where that is not known."""
    peak_source: str
    """Where the peak comes from, in words; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class BatchSplit:
    """A step's samples go through the model in smaller batches from `step + 1` on."""

    time: float
    step: int
    old: int
    new: int
    """Samples in one forward pass."""
    accumulate: int
    """Batches a step from now on: the samples of a step stay as they were."""
    reason: str


@dataclass(frozen=True, slots=True)
class MemoryRanOut:
    """An allocation failed: the account of it."""

    time: float
    step: int
    account: OomAccount


@dataclass(frozen=True, slots=True)
class ProfileWritten:
    """A profile's trace is on disk; what it says is worked out by another process."""

    time: float
    command_id: int
    name: str
    """The folder's name under profiles/."""
    first_step: int
    last_step: int
    facts: ProfileFacts


@dataclass(frozen=True, slots=True)
class CommandDone:
    """What became of a command: done or refused, and why, in words."""

    time: float
    command_id: int
    outcome: Literal["done", "refused"]
    text: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class TrainingEnded:
    """The worker's last word. `paused` means released: checkpointed, and the memory given back."""

    time: float
    step: int
    state: Literal["finished", "stopped", "failed", "paused"]
    reason: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class ScriptSeen:
    """What a script that somebody else wrote can be asked for by now, and what is seen of it."""

    time: float
    ability: Literal["watched", "stepped", "checkpoint"]
    """`stepped`: it was seen to take steps, so that it can be paused, stopped and given another
    rate; `checkpoint`: it can be asked to save, too."""
    by: tuple[str, ...] = ()
    """Where steps and metrics come from, in words."""
    total_steps: int = 0
    """How many there will be; 0: nobody said."""


@dataclass(frozen=True, slots=True)
class ScriptConfigured:
    """The settings that a script told of itself."""

    time: float
    config: str
    """As TOML text."""


@dataclass(frozen=True, slots=True)
class WarmedUp:
    """Imports and devices are done: training could start at once. Never recorded."""

    devices: tuple[DeviceMemory, ...]
    holds_devices: bool | None = field(default=None, metadata=ABSENT)
    """The worker has a context of a GPU: an agent of several ranks must have none."""


@dataclass(frozen=True, slots=True)
class CostEstimated:
    """What a preset would take; never recorded."""

    config: str
    """The TOML text that it is of."""
    estimate: CostEstimate | NoEstimate


Event = (
    WorkerStarted
    | PreparationReported
    | TrainingPrepared
    | TrainingResumed
    | StepsTaken
    | ActivityBegun
    | Evaluated
    | CheckpointSaved
    | CheckpointRemoved
    | SettingChanged
    | PresetChanged
    | TrainingPaused
    | TrainingContinued
    | AlertRaised
    | WorkerMeasured
    | MemoryAccounted
    | WorkCounted
    | BatchSplit
    | MemoryRanOut
    | ProfileWritten
    | CommandDone
    | TrainingEnded
    | ScriptSeen
    | ScriptConfigured
    | WarmedUp
    | CostEstimated
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event with its place in the worker's sequence, so that none is recorded twice.

    A worker keeps an event until the supervisor has acknowledged its number, and every
    checkpoint carries those that were not yet acknowledged.
    """

    attempt: int
    """Which worker of this run sent it, counted from 1."""
    sequence: int
    """Counted from 1 within the attempt."""
    event: Event
