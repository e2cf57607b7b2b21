"""Every event and command that crosses the queues between worker and supervisor.

Plain frozen data, one class a message, so that this module can be imported by both sides
without importing anything of either. Events are named in the past, commands in the imperative.
Times are seconds since the epoch, durations end in `_s`, sizes in `_bytes`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import GenericAlias
from typing import Any, Literal, get_args, get_origin, get_type_hints

RunState = Literal[
    "queued", "starting", "running", "paused", "finished", "stopped", "failed", "lost"
]
"""`lost` is never recorded: a reader concludes it from the lock."""

FINAL_STATES: frozenset[str] = frozenset({"finished", "stopped", "failed"})

Setting = float | int


# --- events: worker -> supervisor ---------------------------------------------------------------


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
    environment: Mapping[str, Any]
    """Versions, device names, thread counts: plain JSON data."""


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
class Evaluated:
    """A pass over the validation set."""

    time: float
    step: int
    epoch: float
    duration_s: float
    metrics: Mapping[str, float]
    """By full name: val/loss, val/accuracy, ..."""
    counts: Mapping[str, Any] | None
    """Classification: `classes` (names), `support`, `predicted`, `correct`, one number a class, and
    for up to 128 classes `confusion` (rows: true, columns: predicted). None for regression."""


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
class WarmedUp:
    """Imports and devices are done: training could start at once. Never recorded."""

    devices: tuple[Mapping[str, Any], ...]
    """Of each device: name, product, free_bytes, total_bytes."""


@dataclass(frozen=True, slots=True)
class CostEstimated:
    """What a preset would take; never recorded."""

    config: str
    """The TOML text that it is of."""
    estimate: Mapping[str, Any]
    """device, parameters, weights_bytes, gradients_bytes, optimizer_bytes, activations_bytes,
    data_bytes, steps_per_epoch, total_steps; with `error` where there is none."""


Event = (
    WorkerStarted
    | PreparationReported
    | TrainingPrepared
    | TrainingResumed
    | StepsTaken
    | Evaluated
    | CheckpointSaved
    | CheckpointRemoved
    | SettingChanged
    | TrainingPaused
    | TrainingContinued
    | AlertRaised
    | CommandDone
    | TrainingEnded
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


# --- commands: supervisor -> worker -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pause:
    """Checkpoint at the next boundary, then hold; with `release` end the worker as well."""

    command_id: int
    release: bool = False


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on after a pause."""

    command_id: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Checkpoint at the next boundary, then end; `reason` is recorded."""

    command_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class SaveCheckpoint:
    """Save a checkpoint at the next boundary; a `name` keeps it for good."""

    command_id: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Evaluate at the next boundary."""

    command_id: int


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """Give a live setting, e.g. optimizer.lr, a new value from the next step on."""

    command_id: int
    key: str
    value: Setting


@dataclass(frozen=True, slots=True)
class EstimateCost:
    """Say what a preset would take; only to a worker that has no order yet."""

    config: str
    data_directory: str
    code_folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Everything up to `sequence` is on disk in the record."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Hold:
    """The record can't be written: hold at the next boundary until `Release`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """The record can be written again."""


@dataclass(frozen=True, slots=True)
class StartOrder:
    """Everything a worker needs to begin or to resume: the command that ends its waiting."""

    run_directory: str
    config: str
    """The resolved preset as TOML text."""
    attempt: int
    data_directory: str
    code_folders: tuple[str, ...]
    """Folders for user code (`package.module:Name`), put first on the import path."""
    resume: bool
    """Restore the newest whole checkpoint first."""
    had_checkpoint: bool
    """The record knows of a checkpoint: finding none that loads is then an error."""
    settings: tuple[tuple[int, str, float], ...]
    """Live changes on record as (step, key, value), to be made again at the same steps."""
    checkpoint: str = ""
    """Resume from this file of the run, its path relative to the run; empty: from the newest."""
    abandoned: tuple[str, ...] = ()
    """Paths of checkpoints of a history given up: neither resumed from nor counted."""


Command = (
    StartOrder
    | EstimateCost
    | Pause
    | Continue
    | Stop
    | SaveCheckpoint
    | Evaluate
    | ChangeSetting
    | Acknowledge
    | Hold
    | Release
)


# --- as text: for checkpoints, and for `run --json` ---------------------------------------------


def to_plain(message: Any) -> dict[str, Any]:
    """Return a message as JSON data, its class under `type`."""
    plain = {field.name: _plain_value(getattr(message, field.name)) for field in fields(message)}
    return {"type": type(message).__name__, **plain}


def _plain_value(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(value)
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain_value(item) for key, item in value.items()}
    return value


def encode_pending(events: list[Numbered]) -> str:
    """Write numbered events as one JSON text; NaN and infinities survive."""
    return json.dumps([[item.attempt, item.sequence, to_plain(item.event)] for item in events])


def decode_pending(text: str) -> list[Numbered]:
    """Read what `encode_pending` wrote.

    Raises:
        ValueError: the text is not such a list, or names an unknown event.
    """
    if not text:
        return []
    return [
        Numbered(attempt, sequence, _from_plain(plain))
        for attempt, sequence, plain in json.loads(text)
    ]


_EVENTS: dict[str, type] = {kind.__name__: kind for kind in (*get_args(Event), MetricPoints)}


def _from_plain(plain: Mapping[str, Any]) -> Any:
    kind = _EVENTS.get(plain["type"])
    if kind is None:
        raise ValueError(f"unknown event {plain['type']!r}")
    hints = get_type_hints(kind)
    values = {
        field.name: _restore(plain[field.name], hints[field.name])
        for field in fields(kind)
        if field.name in plain
    }
    return kind(**values)


def _restore(value: Any, hint: Any) -> Any:
    """Undo `_plain_value`: lists become the tuples that the frozen messages hold."""
    if not isinstance(value, list):
        return value
    options = get_args(hint) if get_origin(hint) is not tuple else (hint,)
    if any(get_origin(option) is tuple or isinstance(option, GenericAlias) for option in options):
        return tuple(_from_plain(item) if isinstance(item, dict) else item for item in value)
    return value
