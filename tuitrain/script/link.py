"""Sends what a script has to say and hears what it is to do, in a thread of its own.

The script's own threads only put things on lists. Knows lines and pipes; not what they mean.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tuitrain.script.wire import LinkError, Pipes, say

FLUSH_S = 0.2
_WRITE_LIMIT_S = 60.0
_LAST_LIMIT_S = 2.0
"""How long the end of a script may be held up by a supervisor that does not read."""

Message = Mapping[str, Any]


class Link:
    """The connection of one process to its supervisor.

    Attributes:
        attention: a command waits for the next boundary.
        closed: there is no supervisor, or nobody listens any more.
        folder: of the run; None: it is not known.
    """

    def __init__(
        self,
        pipes: Pipes,
        lock: int,
        collect: Callable[[], Iterable[Message]],
        folder: Path | None = None,
    ) -> None:
        """Connect; nothing is sent before `start`.

        Args:
            pipes: to the supervisor.
            lock: the descriptor that is held for as long as this process speaks; -1: none.
            collect: returns what there is to send since the last call.
            folder: of the run.
        """
        self.attention = False
        self.closed = False
        self.folder = folder
        self.arrived = threading.Event()
        self._pipes, self._lock_descriptor = pipes, lock
        self._collect = collect
        self._hello: tuple[Message, ...] = ()
        self._out: deque[Message] = deque()
        self._in: deque[dict[str, Any]] = deque()
        self._writing = threading.Lock()

    def start(self, hello: Message) -> None:
        """Begin to send and to listen.

        Args:
            hello: is sent before all else.
        """
        self._hello = (hello,)
        threading.Thread(target=self._run, name="tuitrain", daemon=True).start()

    def send(self, message: Message) -> None:
        """Have a message sent with the next flush; never waits."""
        self._out.append(message)

    def next_command(self) -> dict[str, Any] | None:
        """Take the oldest command; having taken all of them lowers `attention`."""
        self.attention = False
        self.arrived.clear()
        if self._in:
            self.attention = True
            return self._in.popleft()
        return None

    def waits_for(self, kind: str) -> bool:
        """Return whether a command of this kind waits for a boundary."""
        return any(command.get("type") == kind for command in tuple(self._in))

    def drop(self, kind: str) -> list[dict[str, Any]]:
        """Take the commands of one kind, whatever came before them."""
        found = [command for command in tuple(self._in) if command.get("type") == kind]
        for command in found:
            with contextlib.suppress(ValueError):
                self._in.remove(command)
        return found

    def flush(self, limit_s: float = _WRITE_LIMIT_S) -> None:
        """Send what there is; waits while the supervisor is slow."""
        if self.closed or not self._writing.acquire(timeout=limit_s):
            return
        try:
            hello, self._hello = self._hello, ()
            messages = (*hello, *self._collect(), *self._taken())
            lines = [json.dumps(message) for message in messages]
            if lines:
                self._pipes.write(("\n".join(lines) + "\n").encode(), limit_s)
        except LinkError as error:
            self._give_up(str(error))
        finally:
            self._writing.release()

    def finish(self) -> None:
        """Send the last, as the script ends."""
        self.flush(_LAST_LIMIT_S)
        self.close()

    def close(self) -> None:
        """Speak no more."""
        if not self.closed:
            self.closed = True
            self.arrived.set()
            self._pipes.close()
            self._release()

    def forget(self) -> None:
        """Let go in a forked child: the pipes and the lock are its parent's."""
        self._writing = threading.Lock()
        self.attention, self.closed = False, True
        self._pipes.close()
        self._release()

    def _release(self) -> None:
        descriptor, self._lock_descriptor = self._lock_descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _taken(self) -> list[Message]:
        return [self._out.popleft() for _ in range(len(self._out))]

    def _run(self) -> None:
        while not self.closed:
            try:
                for line in self._pipes.read(FLUSH_S):
                    self._take(line)
            except LinkError as error:
                self._give_up(str(error))
                return
            self.flush()

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError):
            command = json.loads(line)
            if isinstance(command, dict):
                self._in.append(command)
                self.attention = True
                self.arrived.set()

    def _give_up(self, why: str) -> None:
        if not self.closed:
            say(f"no longer watched: {why}")
        self.close()
