"""Ends an agent that outlives one of its ranks for too long: the supervisor's own deadline.

The agent ends what is left within seconds of a rank's death; torch elastic, in it, has been seen to
hang. Knows the ranks' board and the worker as a process.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tuitrain.ranks import read_board

DEADLINE_S = 20.0
_LOOK_S = 1.0


class RankDeadline:
    """Watches the ranks of one attempt."""

    def __init__(
        self,
        run_directory: Path,
        kill: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch the ranks of a run.

        Args:
            run_directory: has their board.
            kill: ends the agent and all that it started.
            clock: seconds.
        """
        self._run_directory = run_directory
        self._kill = kill
        self._clock = clock
        self._look_at = 0.0
        self._since: float | None = None
        """When a rank was first seen to be gone."""

    def poll(self) -> None:
        """Look, once a second, and end what is overdue."""
        now = self._clock()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_S
        if not self._one_is_gone():
            self._since = None
            return
        self._since = self._since or now
        if now - self._since > DEADLINE_S:
            self._kill()

    def _one_is_gone(self) -> bool:
        going = [each for each in read_board(self._run_directory) if each.phase != "ended"]
        return any(each.pid > 0 and not _lives(each.pid) for each in going)


def _lives(pid: int) -> bool:
    """Return whether a process runs; one that waits to be collected does not."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
