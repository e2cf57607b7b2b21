"""What the record says, as frozen values: the shapes that readers hand on.

Plain data only: knows nothing of SQL or of terminals.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuitrain.messages import (
    ABSENT,
    Environment,
    MemoryAccount,
    OomAccount,
    PerClassCounts,
    ProfileFacts,
)


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
class NoMarkData:
    """What a pause or a continuation carries: nothing."""


@dataclass(frozen=True, slots=True)
class SettingMark:
    """What a changed setting's mark carries."""

    key: str = ""
    old: float | None = field(default=None, metadata=ABSENT)
    new: float | None = field(default=None, metadata=ABSENT)
    """None where only a resume could change it: the mark's text says to what."""


@dataclass(frozen=True, slots=True)
class BatchMark:
    """What the mark of smaller batches carries: samples in one forward pass, and batches a step."""

    old: int
    new: int
    accumulate: int = 1


@dataclass(frozen=True, slots=True)
class ResumeMark:
    """What a resume's mark carries."""

    path: str = ""
    """The checkpoint that it went on from; empty: from the beginning."""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class BestMark:
    """What the mark of a best value carries."""

    path: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


NO_MARK_DATA = NoMarkData()
MarkData = SettingMark | BatchMark | ResumeMark | BestMark | NoMarkData

MARK_DATA: Mapping[str, type[MarkData]] = {
    "setting": SettingMark,
    "batch": BatchMark,
    "resume": ResumeMark,
    "best": BestMark,
}
"""By a mark's kind; what is not listed carries nothing."""


@dataclass(frozen=True, slots=True)
class MarkRow:
    """Something that belongs on the curve: setting, pause, continue, resume, best or batch."""

    step: int
    time: float
    kind: str
    text: str
    data: MarkData = NO_MARK_DATA


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
    facts: ProfileFacts
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
    counts: PerClassCounts | None


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
class MemoryRow(MemoryAccount):
    """What one step's memory is made of, as it was accounted last."""

    step: int = 0


@dataclass(frozen=True, slots=True)
class OutOfMemoryRow(OomAccount):
    """The last allocation that failed."""

    time: float = 0.0
    step: int = 0
    """The last whole one."""


@dataclass(frozen=True, slots=True)
class WorkRow:
    """How much arithmetic a step is, as `messages.WorkCounted` has it."""

    flops_per_sample: float
    peak_flops: float | None
    peak_source: str = ""


REPLAY = "a replay"
"""Kind of a log that is a record of this program's own, played again."""


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """What began between two steps; it is over once steps are taken after its time."""

    what: str
    """validating or saving."""
    time: float


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """Somebody else's log that a record follows."""

    path: str
    kind: str
    """Who writes such logs, as in `TensorBoard`."""

    def refusal(self, run_id: str) -> str:
        """Say why nothing can be asked of the training behind it."""
        if self.kind == REPLAY:
            return f"watched only: this is {REPLAY} of {self.path}, and what is past hears nothing"
        return (
            f"watched only: {run_id} is a log of {self.kind} ({self.path}); its training was not "
            "started by tuitrain, which has no command, model or checkpoint of it"
        )


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """A script that somebody else wrote, as a run."""

    command: tuple[str, ...] = ()
    ability: str = "watched"
    """As `messages.ScriptSeen` has it."""
    by: tuple[str, ...] = ()

    def refusal(self, action: str) -> str:
        """Say why something can't be asked of it, and what would let it; empty where it can.

        Args:
            action: pause, stop, rate, checkpoint, release, resume, reproduce, evaluate, profile
                or model.
        """
        if action in _STEPS_NEEDED and self.ability == "watched":
            return NO_STEPS
        if action == "checkpoint" and self.ability != "checkpoint":
            return (
                "this script has not said how it saves: `run.on_checkpoint(save)` says so "
                "(tuitrain help own-script)"
            )
        return _NEVER.get(action, "")


_STEPS_NEEDED = frozenset({"pause", "rate", "checkpoint", "profile"})
NO_STEPS = (
    "no step was seen yet: updates of a torch optimizer are seen by themselves, and `run.step()` "
    "in the loop says where any other step ends (tuitrain help own-script)"
)
"""Why a script can't be paused, saved, profiled or given another rate."""
_EXACT = "only tuitrain's own presets resume exactly"
_NEVER = {
    "release": f"a script can't give its memory back and go on: {_EXACT}; space holds it as it is",
    "resume": f"a script can't be resumed from here: {_EXACT}; `tuitrain exec` runs it again",
    "evaluate": "when a script evaluates is its own business; presets evaluate on command",
    "reproduce": (
        "what a script does is its own: `tuitrain exec` runs it again, and `tuitrain why` compares "
        "the two; `reproduce --check` says what can't be had the same way"
    ),
    "model": (
        "the model of a script is its own: tuitrain has no checkpoint of it to load; images and "
        "texts that it logs are shown by `tuitrain samples`"
    ),
}


@dataclass(frozen=True, slots=True)
class JobLimit:
    """The end of the scheduler's job that a run is in."""

    ends: float
    """In seconds since the epoch."""
    requeues: bool = False
    """The job is put into the queue again then, and the run goes on in it."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was found out about a run as a whole; None where it is not known yet."""

    monitor: str | None = None
    """The metric that decides which checkpoint is best."""
    mode: str | None = None
    """min or max: what the best value of it is."""
    total_steps: int | None = None
    steps_per_epoch: int | None = None
    parameters: int | None = None
    device: str | None = None
    environment: Environment = field(default_factory=Environment)
    memory: MemoryRow | None = None
    out_of_memory: OutOfMemoryRow | None = None
    work: WorkRow | None = None
    activity: ActivityRow | None = None
    watched: WatchedLog | None = None
    """The log that the record follows; None for a run of this program's own."""
    script: ScriptFacts | None = None
    """The script that was run as it is; None for a preset."""
    job: JobLimit | None = None
    """The job that the newest attempt is in; None: it is in none that ends."""

    @property
    def first_step(self) -> int:
        """The left edge of the whole run: other programs count from 0."""
        return 1 if self.watched is None and self.script is None else 0


@dataclass(frozen=True, slots=True)
class History:
    """What a worker must know of those before it."""

    settings: tuple[tuple[int, str, float], ...]
    """Every live change as (step, key, value), in order of steps. They outlast a rewind, so that
    each is made again at its step however often the run is resumed, until somebody decides anew
    for that setting."""
    has_checkpoint: bool
    """The record knows of a checkpoint that was not removed."""
    abandoned: tuple[str, ...]
    """Paths of checkpoints that belong to a history given up."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One worker's life."""

    attempt: int
    started: float
    pid: int | None
    ended: float | None
