"""What the ranks of a run leave for others to read: where each stands, and which one failed.

Plain files in the run's folder, so that they can be read whatever hangs or was killed. Knows
nothing of torch; the ranks of a script write them too, so it is kept to what Python 3.9 knows.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

FOLDER = "ranks"
"""Of the run's folder; there while several ranks train, and after one of them failed."""
Phase = Literal["starting", "step", "beat", "evaluation", "checkpoint", "standstill", "ended"]
PHASES: tuple[Phase, ...] = (
    "starting", "step", "beat", "evaluation", "checkpoint", "standstill", "ended",
)  # fmt: skip

ELSEWHERE = -1
"""In place of the process of a rank that runs on another machine."""

_STANDING = struct.Struct("=qqqd")
"""Process, step under way, number of its phase, and when that began (monotonic seconds)."""


@dataclass(frozen=True)
class Standing:
    """Where a rank is."""

    rank: int
    pid: int
    """0: it has not started; -1: it runs on another machine."""
    step: int
    """The one under way, counted from 1."""
    phase: Phase
    since: float
    """When the phase began, by this machine's monotonic clock."""


class Board:
    """Where each rank of a run is: one file that all of them write a slot of each."""

    def __init__(self, path: Path, size: int) -> None:
        """Open a board that `create` made.

        Raises:
            OSError: there is none.
        """
        self.size = size
        with path.open("r+b") as file:
            self._slots = mmap.mmap(file.fileno(), size * _STANDING.size)

    @classmethod
    def create(cls, path: Path, size: int) -> Board:
        """Make a board on which no rank has started."""
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(size * _STANDING.size))
        return cls(path, size)

    @classmethod
    def join(cls, path: Path, size: int) -> Board:
        """Open a board, or make it where no other rank has: which of them comes first is open.

        Raises:
            OSError: it can't be made.
        """
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < size * _STANDING.size:
                os.ftruncate(descriptor, size * _STANDING.size)
        finally:
            os.close(descriptor)
        return cls(path, size)

    def put(self, rank: int, step: int, phase: Phase) -> None:
        """Say where this process, a rank, is: 1 us, for every step."""
        slot = (os.getpid(), step, PHASES.index(phase), time.monotonic())
        _STANDING.pack_into(self._slots, rank * _STANDING.size, *slot)

    def put_of(self, standing: Standing) -> None:
        """Say where a rank of another machine is."""
        number = PHASES.index(standing.phase)
        slot = (standing.pid and ELSEWHERE, standing.step, number, standing.since)
        _STANDING.pack_into(self._slots, standing.rank * _STANDING.size, *slot)

    def standings(self) -> list[Standing]:
        """Return where all ranks are, in their order."""
        slots = _STANDING.iter_unpack(self._slots[:])
        return [
            Standing(rank, pid, step, PHASES[phase], since)
            for rank, (pid, step, phase, since) in enumerate(slots)
        ]


def board_path(run_directory: Path) -> Path:
    """Return the file of a run's board."""
    return run_directory / FOLDER / "board"


def read_board(run_directory: Path) -> list[Standing]:
    """Return where the ranks of a run are; empty where it has one rank only."""
    path = board_path(run_directory)
    with suppress(OSError, ValueError):
        return Board(path, path.stat().st_size // _STANDING.size).standings()
    return []


def pids_of_ranks(run_directory: Path) -> list[int]:
    """Return the processes of a run's ranks on this machine that have started."""
    return [each.pid for each in read_board(run_directory) if each.pid]


def name_hosts(hosts: Sequence[str]) -> list[str]:
    """Return what to call machines: by their names, with a number where several share one."""
    shared = Counter(hosts)
    return [f"{host}/{node}" if shared[host] > 1 else host for node, host in enumerate(hosts)]


def write_hosts(run_directory: Path, hosts: Sequence[str]) -> None:
    """Leave the machine of each rank, for a run on several."""
    (run_directory / FOLDER / "hosts.json").write_text(json.dumps(list(hosts)), encoding="utf-8")


def read_hosts(run_directory: Path) -> tuple[str, ...]:
    """Return the machine of each rank; empty where the run has one machine only."""
    with suppress(OSError, ValueError):
        path = run_directory / FOLDER / "hosts.json"
        return tuple(map(str, json.loads(path.read_text(encoding="utf-8"))))
    return ()


def name_rank(rank: int, host: str = "") -> str:
    """Return what to call a rank: its number, and its machine where there are several."""
    return f"rank {rank} ({host})" if host else f"rank {rank}"


def behind(standings: list[Standing], hosts: Sequence[str] = ()) -> str:
    """Return in words which rank the others wait for; empty where none is behind.

    Args:
        standings: where each of them is.
        hosts: the machine of each, where there are several.
    """
    going = [each for each in standings if each.pid and each.phase != "ended"]
    if len(going) < 2:
        return ""
    least = min(going, key=_progress)
    waiting = [each for each in going if _progress(each) > _progress(least)]
    if not waiting:
        return f"all {len(going)} ranks are {_place(least)}"
    others = "rank" if len(waiting) == 1 else "ranks"
    numbers = ", ".join(str(each.rank) for each in waiting)
    waits = "waits" if len(waiting) == 1 else "wait"
    late = name_rank(least.rank, *hosts[least.rank : least.rank + 1])
    return f"{late} is {_place(least)}; {others} {numbers} {waits} for it"


def _progress(standing: Standing) -> tuple[int, int]:
    return standing.step, standing.phase != "step"


def _place(standing: Standing) -> str:
    if standing.phase == "step":
        return f"in step {standing.step}"
    return f"in the {standing.phase} after step {standing.step}"


# --- flight recorders -----------------------------------------------------------------------------


def flight_path(run_directory: Path, rank: int) -> Path:
    """Return the file in which a rank leaves what its flight recorder holds."""
    return run_directory / FOLDER / f"flight-{rank}.pickle"


def want_flights(run_directory: Path) -> None:
    """Ask all ranks on this machine to leave what their flight recorders hold.

    Raises:
        OSError: the run's folder can't be written.
    """
    _wanted_path(run_directory).touch()


def flight_wanted(run_directory: Path) -> float:
    """Return when what the recorders hold was last asked for; 0: never."""
    with suppress(OSError):
        return _wanted_path(run_directory).stat().st_mtime
    return 0.0


def _wanted_path(run_directory: Path) -> Path:
    return run_directory / FOLDER / "flights-wanted"


# --- what a rank takes ----------------------------------------------------------------------------


@dataclass(frozen=True)
class RankMemory:
    """What a rank takes, in bytes, and how warm its device is; 0: not known, or there is none."""

    memory_bytes: float = 0.0
    """Of its GPU, as torch has reserved it; on CPUs what its process has in memory."""
    host_bytes: float = 0.0
    """What its process has in memory (RSS)."""
    loader_bytes: float = 0.0
    """The same of its loaders; pages that they share count in each."""
    device_used_bytes: float = 0.0
    """By all who are on its GPU."""
    device_total_bytes: float = 0.0
    temperature_c: float = 0.0
    node: str = ""
    """The machine it is on, where that is known and there are several."""

    @property
    def device_bytes(self) -> float:
        """What torch has reserved on its GPU; 0 where it has none."""
        return self.memory_bytes if self.device_total_bytes else 0.0

    @classmethod
    def of(cls, numbers: Iterable[float], node: str = "") -> RankMemory:
        """Return what `numbers` has given, for a rank of a machine."""
        return cls(**dict(zip(RANK_MEMORY, numbers)), node=node)  # noqa: B905

    def numbers(self) -> tuple[float, ...]:
        """Return it as numbers, in the order of `RANK_MEMORY`."""
        return tuple(getattr(self, name) for name in RANK_MEMORY)


RANK_MEMORY = tuple(name for name in RankMemory.__dataclass_fields__ if name != "node")
"""The names under which they are stored."""


# --- profiles -------------------------------------------------------------------------------------


def profile_of_rank(name: str, rank: int) -> str:
    """Return what the profile of one rank is called, of those that an order is for."""
    return f"{name}-rank{rank}"


def order_of_profile(name: str) -> str:
    """Return what the profiles of all ranks of its order are called by."""
    return name.partition("-rank")[0]


# --- failures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RankFailure:
    """Why a rank ended before the run did."""

    rank: int
    time: float
    reason: str
    """In a sentence; empty: it was killed, or ended without a word."""
    traceback: str = ""
    exit_code: int | None = None
    """Minus the signal's number where it was killed."""
    lost_peer: bool = False
    """It only could not reach another rank any more."""
    common: bool = False
    """It is no matter of one rank: each comes to it, or its machine is lost."""
    host: str = ""
    """Its machine, where the run has several."""


def write_failure(run_directory: Path, failure: RankFailure, name: str = "") -> None:
    """Leave a failure: a rank's own, or by `name` the one that explains the others."""
    path = run_directory / FOLDER / f"{name or f'failed-{failure.rank}'}.json"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(failure)), encoding="utf-8")
    draft.replace(path)


def read_failures(run_directory: Path) -> list[RankFailure]:
    """Return what ranks have left, the earliest first."""
    found = [_read(path) for path in (run_directory / FOLDER).glob("failed-*.json")]
    return sorted((each for each in found if each is not None), key=lambda each: each.time)


def is_signalled(reason: str) -> bool:
    """Return whether a run was stopped for this reason by a signal to end, which is no Ctrl-C."""
    return "SIGTERM" in reason or "SIGUSR1" in reason


@dataclass(frozen=True, slots=True)
class RanksEnded:
    """How a run ended, as its ranks know."""

    state: str
    reason: str

    @property
    def is_terminated(self) -> bool:
        """Whether a signal to one of its processes has stopped it."""
        return self.state == "stopped" and is_signalled(self.reason)


def write_end(run_directory: Path, end: RanksEnded) -> None:
    """Leave how the run ended, for the agent of these ranks."""
    path = run_directory / FOLDER / "end.json"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(end)), encoding="utf-8")
    draft.replace(path)


def read_end(run_directory: Path) -> RanksEnded | None:
    """Return how the run ended; None: its ranks did not come to that."""
    with suppress(OSError, ValueError, TypeError):
        text = (run_directory / FOLDER / "end.json").read_text(encoding="utf-8")
        return RanksEnded(**json.loads(text))
    return None


CAUSE = "cause"


def read_cause(run_directory: Path) -> RankFailure | None:
    """Return the failure that ended the run's ranks, where there was one."""
    return _read(run_directory / FOLDER / f"{CAUSE}.json")


def _read(path: Path) -> RankFailure | None:
    with suppress(OSError, ValueError, TypeError):
        return RankFailure(**json.loads(path.read_text(encoding="utf-8")))
    return None


def choose_cause(
    failures: list[RankFailure], exits: dict[int, int], clock: Callable[[], float] = time.time
) -> RankFailure:
    """Return what ended the ranks: an error of a rank's own, a death, or at last a lost peer.

    Args:
        failures: as the ranks left them.
        exits: exit codes of the ranks that were the first to end, by rank.
        clock: seconds since the epoch.
    """
    own = [each for each in failures if not each.lost_peer]
    if own:
        return own[0]
    silent = [rank for rank in exits if rank not in {each.rank for each in failures}]
    if silent:
        return RankFailure(silent[0], clock(), "", exit_code=exits[silent[0]])
    if failures:
        return failures[0]
    rank, code = next(iter(exits.items()), (0, None))
    return RankFailure(rank, clock(), "", exit_code=code)
