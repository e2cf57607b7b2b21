"""Whose processes use a GPU: user and command of a process, and whether its number means anything.

Knows processes; nothing of GPUs.
"""

import contextlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

_FIRST_NAMESPACE = Path("pid:[4026531836]")
"""The kernel's number for the namespace in which every process is seen (PROC_PID_INIT_INO)."""
_INTERPRETERS = ("python", "ruby", "perl", "node", "bash", "sh")
_LONGEST = 60


class Owner(NamedTuple):
    """Whose a process is; None for what is not told."""

    user: str | None = None
    command: str | None = None
    started: float | None = None
    """Seconds since the epoch."""


class Owners:
    """Looks each process up once, as long as it keeps being asked for."""

    def __init__(self, *, sees_all: bool | None = None) -> None:
        """Begin; `sees_all`: numbers are those that a driver uses; None: look."""
        self._sees_all = sees_every_process() if sees_all is None else sees_all
        self._known: dict[int, Owner] = {}

    def can_tell(self, pids: Collection[int]) -> bool:
        """Say whether processes that a driver names are those that have these numbers here.

        In a container a driver may give the numbers of the host, or hide the processes.
        """
        return self._sees_all or (bool(pids) and all(psutil.pid_exists(pid) for pid in pids))

    def describe(
        self, memory: dict[int, int | None], family: Collection[int], *, known: bool
    ) -> list[dict[str, Any]]:
        """Return the processes on a GPU as plain data, those with most memory first."""
        rows = []
        for pid, size_bytes in memory.items():
            owner = self._look_up(pid) if known else Owner()
            mine = known and pid in family
            rows.append(
                {
                    "pid": pid,
                    "user": owner.user,
                    "command": owner.command,
                    "started": owner.started,
                    "bytes": size_bytes,
                    "is_worker": mine,
                }
            )
        return sorted(rows, key=lambda row: (-(row["bytes"] or 0), row["pid"]))

    def forget_all_but(self, pids: Iterable[int]) -> None:
        """Let go of processes that are on no GPU any more: their numbers are given again."""
        kept = set(pids)
        self._known = {pid: found for pid, found in self._known.items() if pid in kept}

    def _look_up(self, pid: int) -> Owner:
        if pid not in self._known:
            self._known[pid] = owner_of(pid)
        return self._known[pid]


def sees_every_process() -> bool:
    """Say whether this process sees all of the machine's, as one in a container does not."""
    try:
        return Path("/proc/self/ns/pid").readlink() == _FIRST_NAMESPACE
    except OSError:
        return not Path("/proc/self").exists()


def owner_of(pid: int) -> Owner:
    """Return whose a process is, what it is called, and when it began, as far as that is told."""
    user = command = started = None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        started = process.create_time()
        with contextlib.suppress(psutil.Error, KeyError):
            user = process.username()
        command = short_command(process.cmdline()) or process.name()
    return Owner(user, command, started)


def ancestors_of(pid: int) -> tuple[int, ...]:
    """Return a process and those that it comes from, nearest first."""
    found = [pid]
    with contextlib.suppress(psutil.Error):
        found += [process.pid for process in psutil.Process(pid).parents()]
    return tuple(found)


def rank_of(pid: int) -> int | None:
    """Return which of several ranks a process is, by what its launcher told it; None: of none.

    The environment of somebody else's process can't be read.
    """
    with contextlib.suppress(psutil.Error, OSError, ValueError):
        return int(psutil.Process(pid).environ().get("RANK", ""))
    return None


def short_command(words: list[str]) -> str:
    """Return a program's name, and the script or module that an interpreter runs."""
    if not words or not words[0]:
        return ""
    # A program that renamed itself has all in one word.
    name = Path(words[0]).name if len(words) > 1 else words[0]
    if name.startswith(_INTERPRETERS):
        script = next((word for word in words[1:] if word and not word.startswith("-")), "")
        name = f"{name} {Path(script).name if '/' in script else script}".strip()
    return name[:_LONGEST]
