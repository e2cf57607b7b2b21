"""The process that a screen waits for: it ends with the screen."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tuitrain.supervisor.inspection import Question, ask

Child = subprocess.Popen[Any]
Ask = Callable[[Question, Callable[[str], None], Callable[[Child], None]], dict[str, Any]]
"""Returns the answer to a question; tells what it is at, and which process it has begun."""


def ask_child(
    question: Question, tell: Callable[[str], None], begun: Callable[[Child], None]
) -> dict[str, Any]:
    """Ask a process whose words on stderr go nowhere: the screen is not theirs."""
    return ask(question, tell, stderr=subprocess.DEVNULL, begun=begun)


class AskedChild:
    """Holds the process that a thread has begun, until the screen closes."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self.closed = False
        """Nobody waits any more: whatever is begun from now on is ended at once."""

    def begun(self, child: Child) -> None:
        """Take the process that was begun last; called in the thread."""
        self._child = child
        if self.closed:
            self._end()

    def close(self) -> None:
        """End the process that nobody waits for any more, with its group."""
        self.closed = True
        self._end()

    def _end(self) -> None:
        if self._child is not None and self._child.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
