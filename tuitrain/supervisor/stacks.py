"""Collects where every thread of the worker and of what it started is, without touching them.

Each process that catches SIGUSR2 appends its stacks to one file; they are asked one after the
other, so that what is new in the file is the asked one's.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

STACKS_SIGNAL = signal.SIGUSR2
ANSWER_S = 1.0
"""A process that can answer does so within milliseconds."""
WHOLE_S = 8.0
"""The supervisor has other things to do than to ask hundreds of loaders that do not answer."""
_QUIET_S = 0.1
"""An answer is whole when it has not grown for so long."""
_POLL_S = 0.01
_MOST_CHARACTERS = 200_000
_LOADER_NAME = "pt_data_worker"
"""What torch calls its loader workers' main threads."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One process, and what it answered."""

    title: str
    stacks: str
    """Empty: it gave none; the title says why."""


def collect_stacks(worker_pid: int, path: Path) -> list[Asked]:
    """Ask the worker and all it started for their stacks.

    Args:
        worker_pid: the worker.
        path: the file that they append to.
    """
    deadline = time.monotonic() + WHOLE_S
    return [_ask(process, name, path, deadline) for process, name in _family(worker_pid)]


def as_text(asked: list[Asked]) -> str:
    """Return the stacks to read."""
    text = "\n\n".join(f"== {each.title} ==\n{each.stacks}".rstrip() for each in asked)
    if len(text) <= _MOST_CHARACTERS:
        return text
    return f"{text[:_MOST_CHARACTERS]}\n... {len(text) - _MOST_CHARACTERS:,} more characters"


def _family(worker_pid: int) -> Iterator[tuple[psutil.Process, str]]:
    """Yield the worker and its descendants, oldest first, with what they are called."""
    with contextlib.suppress(psutil.Error):
        worker = psutil.Process(worker_pid)
        yield worker, "worker"
        loaders = 0
        for process in sorted(worker.children(recursive=True), key=lambda each: each.pid):
            name = _name(process)
            if name == _LOADER_NAME:
                loaders += 1
                name = f"loader {loaders}"
            yield process, name


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return "process"


def _ask(process: psutil.Process, name: str, path: Path, deadline: float) -> Asked:
    title = f"{name}, process {process.pid}"
    if not catches(process.pid, is_worker=name == "worker"):
        return Asked(f"{title}{_doing(process)}: it gives no stacks", "")
    if time.monotonic() > deadline:
        return Asked(f"{title}: not asked, the others took too long", "")
    before = _size(path)
    try:
        os.kill(process.pid, STACKS_SIGNAL)
    except ProcessLookupError:
        return Asked(f"{title}: it has ended", "")
    _await_answer(path, before)
    answer = _read_from(path, before)
    if not answer:
        return Asked(f"{title}{_doing(process)}: it did not answer within {ANSWER_S:g} s", "")
    # The main thread, where training is, is written last.
    threads = answer.split("\n\n")
    return Asked(f"{title}{_doing(process)}", "\n\n".join(reversed(threads)))


def catches(pid: int, *, is_worker: bool, proc: Path = Path("/proc")) -> bool:
    """Say whether a process catches the signal, which would end it otherwise.

    Where the system does not tell, only the worker is known to.
    """
    try:
        status = (proc / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return is_worker and not sys.platform.startswith("linux")
    caught = next((line.split()[1] for line in status.splitlines() if "SigCgt:" in line), "0")
    return bool(int(caught, 16) >> (STACKS_SIGNAL - 1) & 1)


def _doing(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f", {process.status()}"
    return ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _await_answer(path: Path, before: int, clock: Callable[[], float] = time.monotonic) -> None:
    """Wait until the file has grown and grows no more, or nothing comes."""
    deadline, seen, since = clock() + ANSWER_S, before, clock()
    while clock() < deadline:
        time.sleep(_POLL_S)
        size = _size(path)
        if size != seen:
            seen, since = size, clock()
            deadline = max(deadline, since + 2 * _QUIET_S)
        elif seen > before and clock() - since >= _QUIET_S:
            return


def _read_from(path: Path, start: int) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(start)
        return file.read().decode("utf-8", errors="replace").strip()
