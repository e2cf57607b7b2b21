"""Commands: what the supervisor tells the worker. One class each, named in the imperative."""

from dataclasses import dataclass

Setting = float | int


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
class Profile:
    """Profile the next steps; refused while a profile is under way."""

    command_id: int
    steps: int
    """Steps that are recorded; waiting and warming up come on top."""
    name: str
    """The folder under profiles/ that takes the trace."""
    stacks: bool
    """With the source lines that called each operator."""


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
class StartTraining:
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
    live: tuple[tuple[str, float], ...] = ()
    """Live settings that whoever resumes gives: they hold from the step that it goes on from."""
    abandoned: tuple[str, ...] = ()
    """Paths of checkpoints of a history given up: neither resumed from nor counted."""


Command = (
    StartTraining
    | EstimateCost
    | Pause
    | Continue
    | Stop
    | SaveCheckpoint
    | Evaluate
    | ChangeSetting
    | Profile
    | Acknowledge
    | Hold
    | Release
)
