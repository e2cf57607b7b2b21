"""A command of tuitrain as a child process: what it writes, as it comes, and how it ended.

Knows words and lines; nothing of what the command does.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from tuitrain.trained.tethered import start_command
from tuitrain.ui.feeds.child import AskedChild, Child

_MOST_LINES = 5000


class CommandJob:
    """One run of a command; ends when it is closed."""

    def __init__(
        self, words: Sequence[str], columns: int, deliver: Callable[["CommandJob"], None]
    ) -> None:
        """Prepare it.

        Args:
            words: of the command line, without the program.
            columns: that its tables may be wide.
            deliver: is called, in a thread, when there is more; once until it is looked at.
        """
        self._words = tuple(words)
        self._columns = columns
        self._deliver = deliver
        self._held = AskedChild()
        self._child: Child | None = None
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._lock = threading.Lock()
        self._told = False
        self._interrupted = False
        self._begun = time.monotonic()
        self.code: int | None = None
        """How it ended; below 0: by a signal."""
        self.duration_s = 0.0
        self.fault = ""
        """Why it could not be started."""

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether it has."""
        return self.code is not None or bool(self.fault)

    def lines(self) -> list[str]:
        """Return what was written, the last `_MOST_LINES` of it."""
        with self._lock:
            self._told = False
            return list(self._lines)

    def cancel(self) -> None:
        """Interrupt it, as Ctrl-C does; the second time it is killed."""
        if self._interrupted:
            self._held.close()
        elif self._child is not None and self._child.poll() is None:
            self._interrupted = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGINT)

    def close(self) -> None:
        """Kill it: nobody looks any more."""
        self._held.close()

    def _run(self) -> None:
        try:
            child = start_command(self._words, self._columns)
        except OSError as error:
            self.fault = f"no process can be started: {error}"
            self._tell()
            return
        self._child = child
        self._held.begun(child)
        with child:
            for line in child.stdout or ():
                with self._lock:
                    self._lines.append(line.rstrip("\n"))
                self._tell()
        self.duration_s = time.monotonic() - self._begun
        self.code = child.returncode
        with self._lock:
            self._told = False
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            waits, self._told = self._told, True
        if not waits and not self._held.closed:
            self._deliver(self)
