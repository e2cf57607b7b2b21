"""Commands: what people ask of a run, and what the supervisor tells the worker.

One class each, named in the imperative. What people may ask is a `Request`: it is stored as a row
of its kind with its fields as arguments, until the run's supervisor takes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Setting = float | int

NOT_STORED: Final = {"stored": False}
"""Marks a field that the supervisor fills in: a row does not have it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Checkpoint at the next boundary, then hold; with `release` end the worker as well."""

    command_id: int = field(default=0, metadata=NOT_STORED)
    """The row's number, under which it is answered; 0: nobody waits for an answer."""
    release: bool = False


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on after a pause."""

    command_id: int = field(default=0, metadata=NOT_STORED)


@dataclass(frozen=True, slots=True)
class Stop:
    """Checkpoint at the next boundary, then end; `reason` is recorded."""

    command_id: int = field(default=0, metadata=NOT_STORED)
    reason: str = field(default="by command", metadata=NOT_STORED)
    now: bool = False
    """The supervisor kills the worker at once, without a checkpoint."""


@dataclass(frozen=True, slots=True)
class SaveCheckpoint:
    """Save a checkpoint at the next boundary; a `name` keeps it for good."""

    command_id: int = field(default=0, metadata=NOT_STORED)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Evaluate at the next boundary."""

    command_id: int = field(default=0, metadata=NOT_STORED)


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """Give a live setting, e.g. optimizer.lr, a new value from the next step on."""

    command_id: int = field(metadata=NOT_STORED)
    key: str
    value: Setting


@dataclass(frozen=True, slots=True)
class Profile:
    """Profile the next steps; refused while a profile is under way."""

    command_id: int = field(metadata=NOT_STORED)
    steps: int
    """Steps that are recorded; waiting and warming up come on top."""
    name: str = field(default="", metadata=NOT_STORED)
    """The folder under profiles/ that takes the trace."""
    stacks: bool = True
    """With the source lines that called each operator."""
    ranks: tuple[int, ...] = ()
    """Those that are profiled, all over the same steps; empty: rank 0 alone."""


@dataclass(frozen=True, slots=True)
class TakeStacks:
    """Record where every thread of the worker is; the supervisor does, training continues."""

    command_id: int = field(default=0, metadata=NOT_STORED)


Request = Pause | Continue | Stop | SaveCheckpoint | Evaluate | ChangeSetting | Profile | TakeStacks
"""What people may ask of a live run."""

KINDS: Final[Mapping[str, type[Request]]] = {
    "pause": Pause,
    "resume": Continue,
    "stop": Stop,
    "checkpoint": SaveCheckpoint,
    "evaluate": Evaluate,
    "set": ChangeSetting,
    "profile": Profile,
    "stacks": TakeStacks,
}
"""A request by its kind, as rows and `--json` have it."""


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
class HoldForRecord:
    """The record can't be written: hold at the next boundary until `RecordWritable`."""

    reason: str


@dataclass(frozen=True, slots=True)
class RecordWritable:
    """The record can be written again."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The machines of one run, and which of them this is."""

    number: int
    rank: int
    """Of this one, from 0 on; 0 has the record and the rendezvous."""
    host: str
    """Where they meet: node 0, as the others reach it."""
    port: int

    @property
    def rendezvous(self) -> str:
        """Where they meet, as it is typed."""
        return f"{self.host}:{self.port}"


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
    nodes: Nodes | None = None
    """Where several machines train, each with `train.ranks` ranks; None: this one alone does."""
    usr1_stops: bool = False
    """SIGUSR1 stops, as SIGTERM does; else it saves a checkpoint."""


@dataclass(frozen=True, slots=True)
class StartScript:
    """Begin with a script that somebody else wrote; its process is told nothing of this."""

    attempt: int


Command = (
    StartTraining
    | StartScript
    | EstimateCost
    | Pause
    | Continue
    | Stop
    | SaveCheckpoint
    | Evaluate
    | ChangeSetting
    | Profile
    | Acknowledge
    | HoldForRecord
    | RecordWritable
)
