"""The two pipes between a script and its supervisor: JSON lines, events out and commands in.

Knows bytes and descriptors; nothing of what a line says. Whoever speaks for the script holds a
lock in the run's folder, so that of many processes one is heard.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DESCRIPTORS = "TUITRAIN_FD"
"""Names the inherited descriptors, EVENTS:COMMANDS."""
PLACE = "TUITRAIN_LINK"
"""JSON: the run's folder, the supervisor's process, and the pipes' inodes."""
_PIECE_BYTES = 4096
"""A pipe that `select` calls writable takes so much at once (POSIX: PIPE_BUF is at least 512)."""
_READ_BYTES = 65536


class LinkError(Exception):
    """The supervisor can't be reached, or not any more; the text says why."""


class Pipes:
    """Both pipes, as this process has them open."""

    def __init__(self, events: int, commands: int) -> None:
        """Take over two descriptors: they are closed with this."""
        self._events, self._commands = events, commands
        self._known = (_identity(events), _identity(commands))
        self._rest = b""
        self._ended = False
        os.set_inheritable(events, False)
        os.set_inheritable(commands, False)

    def write(self, data: bytes, limit_s: float) -> None:
        """Write all of it; waits for a reader that is slow.

        Args:
            data: whole lines.
            limit_s: how long to wait for each piece.

        Raises:
            LinkError: nobody reads, the time is up, or the script closed what is not its own.
        """
        view = memoryview(data)
        while view:
            self._check(self._events, self._known[0])
            try:
                _, ready, _ = select.select((), (self._events,), (), limit_s)
                if not ready:
                    raise LinkError(f"the supervisor took nothing for {limit_s:g} s")
                view = view[os.write(self._events, view[:_PIECE_BYTES]) :]
            except (OSError, ValueError) as error:
                raise LinkError(f"the supervisor is gone ({error})") from error

    def read(self, wait_s: float) -> list[bytes]:
        """Return the whole lines that have come; waits for the first at most `wait_s`.

        Raises:
            LinkError: the supervisor is gone.
        """
        self._check(self._commands, self._known[1])
        try:
            ready, _, _ = select.select((self._commands,), (), (), wait_s)
            block = os.read(self._commands, _READ_BYTES) if ready else None
        except (OSError, ValueError) as error:
            raise LinkError(f"the supervisor is gone ({error})") from error
        if block == b"":
            raise LinkError("the supervisor is gone")
        *lines, self._rest = (self._rest + (block or b"")).split(b"\n")
        return lines

    def close(self) -> None:
        """Close both, where they are still these pipes."""
        for descriptor, known in zip((self._events, self._commands), self._known):  # noqa: B905
            with contextlib.suppress(OSError):
                if _identity(descriptor) == known:
                    os.close(descriptor)

    def _check(self, descriptor: int, known: tuple[int, int]) -> None:
        # A script that closes every descriptor, as daemons do, may have its own file here by now.
        try:
            if _identity(descriptor) == known:
                return
        except OSError:
            pass
        raise LinkError("the script closed the pipe to its supervisor")


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def is_supervised(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a supervisor started this process, or one above it."""
    return DESCRIPTORS in environ and PLACE in environ


def run_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of the run that this process belongs to."""
    try:
        return Path(json.loads(environ[PLACE])["run"])
    except (KeyError, ValueError, TypeError):
        return None


def claim(rank: int = 0, environ: Mapping[str, str] = os.environ) -> tuple[Pipes, int] | None:
    """Become the process that speaks for the run; return the pipes and the lock's descriptor.

    Args:
        rank: of this process; the first one's alone speaks.
        environ: of this process.

    Returns:
        None where another process speaks, or another rank is to.

    Raises:
        LinkError: the pipes can't be had.
    """
    if rank:
        return None
    try:
        place = json.loads(environ[PLACE])
        numbers = [int(number) for number in environ[DESCRIPTORS].split(":")]
        lock = os.open(Path(place["run"]) / "script.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise LinkError(
            f"what the environment says of the supervisor is no use ({error})"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    try:
        events = _opened(numbers[0], place, "events", os.O_WRONLY)
        commands = _opened(numbers[1], place, "commands", os.O_RDONLY)
    except BaseException:
        os.close(lock)
        raise
    return Pipes(events, commands), lock


def _opened(number: int, place: Mapping[str, Any], which: str, mode: int) -> int:
    """Return a descriptor of our own for a pipe: the inherited one, or the supervisor's again.

    Launchers such as torchrun start processes without the descriptors that they inherited.
    """
    known: tuple[Any, ...] = tuple(place[which])
    with contextlib.suppress(OSError):
        if _identity(number) == known:
            return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3)
    path = f"/proc/{place['pid']}/fd/{place[which + '_fd']}"
    try:
        found = os.open(path, mode | os.O_CLOEXEC | os.O_NONBLOCK)
        if _identity(found) == known:
            os.set_blocking(found, True)
            return found
        os.close(found)
    except OSError as error:
        raise LinkError(
            f"the pipe was not inherited, and {path} can't be opened: {error}"
        ) from error
    raise LinkError(f"the pipe was not inherited, and {path} is another file")


def say(text: str) -> None:
    """Tell the person, once, what does not work; a script without stderr hears nothing."""
    with contextlib.suppress(Exception):
        sys.stderr.write(f"tuitrain: {text}; training goes on\n")
