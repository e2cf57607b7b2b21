"""The curves of many runs, read by two threads, each of one half in turn.

Hands on what is there when reading takes long, so that the first runs are seen before the last.
"""

import time
from collections.abc import Callable, Sequence

from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.run import RUN_LOOK_S, CurvesFollower, Follower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot

_WAIT_S = 1.0
"""What was read is handed on at least this often."""

_HALVES = 2
"""SQLite reads without the interpreter's lock: two threads take little more than half the time."""

Delivered = Sequence[RunSnapshot]


class _SomeFollower(Follower):
    """Follows several runs, one after the other."""

    def __init__(
        self,
        directories: Sequence[RunDirectory],
        deliver: Callable[[Delivered], None],
        request: Request,
    ) -> None:
        """Follow runs.

        Args:
            directories: of them.
            deliver: takes those that were read anew, in the thread.
            request: what the screen asks for.
        """
        super().__init__(RUN_LOOK_S)
        self._deliver = deliver
        self._read: list[RunSnapshot] = []
        self._followers = [CurvesFollower(each, self._read.append, request) for each in directories]

    def ask(self, request: Request) -> None:
        """Ask for something else from now on."""
        for follower in self._followers:
            follower.ask(request)
        self.wake()

    def poll(self) -> None:
        """Read each run if there is a reason to."""
        begun = time.monotonic()
        for follower in self._followers:
            if self.closed:
                return
            follower.poll()
            if time.monotonic() - begun > _WAIT_S:
                self._hand_on()
                begun = time.monotonic()
        self._hand_on()

    def _hand_on(self) -> None:
        read = self._read.copy()
        self._read.clear()
        if read and not self.closed:
            self._deliver(read)

    def finish(self) -> None:
        """Close all records."""
        for follower in self._followers:
            follower.finish()


class WorkspaceFollower:
    """Follows several runs."""

    def __init__(
        self,
        directories: Sequence[RunDirectory],
        deliver: Callable[[Delivered], None],
        request: Request,
    ) -> None:
        """Follow runs; the arguments are those of one half."""
        self._halves = [
            _SomeFollower(directories[start::_HALVES], deliver, request)
            for start in range(min(_HALVES, len(directories)))
        ]

    def start(self) -> None:
        """Begin to read."""
        for half in self._halves:
            half.start()

    def ask(self, request: Request) -> None:
        """Ask for something else from now on."""
        for half in self._halves:
            half.ask(request)

    def close(self) -> None:
        """Stop reading."""
        for half in self._halves:
            half.close()
