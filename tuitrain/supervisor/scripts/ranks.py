"""Says which rank of a script has gone before its time.

Knows the ranks' board and processes; nothing of how they are launched.
"""

import contextlib
import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from tuitrain.messages import AlertRaised
from tuitrain.ranks import RankFailure, Standing, read_board, read_failures
from tuitrain.supervisor.observers.observer import Observer

_KIND = "rank"
_LOOK_S = 0.2


class RankWatch(Observer):
    """Raises one alert, with the first ranks that are gone: launchers end the others after them."""

    name = "the watch for ranks"

    def __init__(
        self,
        run_directory: Path,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch the ranks of a run.

        Args:
            run_directory: has their board.
            clock: seconds since the epoch.
            monotonic: seconds.
        """
        self._run_directory = run_directory
        self._clock, self._monotonic = clock, monotonic
        self._look_at = 0.0
        self._said = False
        self._exits = ProcessExits()

    def poll(self, worker_pid: int) -> Iterator[AlertRaised]:
        """Look, a few times a second."""
        del worker_pid
        if not self._said and self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + _LOOK_S
            yield from self._look()

    def ended(self) -> Iterator[AlertRaised]:
        """Look again, for ranks that went last."""
        if not self._said:
            yield from self._look()

    def close(self) -> None:
        """Follow the processes no more."""
        self._exits.close()

    def _look(self) -> Iterator[AlertRaised]:
        standings = read_board(self._run_directory)
        order = self._exits.of([each.pid for each in standings if each.pid])
        gone = [each for each in standings if is_gone(each)]
        if not gone:
            return
        self._said = True
        failures = read_failures(self._run_directory)
        # A launcher ends the others as soon as one is gone: who was first is what counts.
        gone.sort(key=lambda each: order.index(each.pid) if each.pid in order else -1)
        text = gone_words(gone, standings, failures)
        trace = failures[0].traceback if failures else ""
        yield AlertRaised(self._clock(), gone[0].step, _KIND, text, trace)


class ProcessExits:
    """In which order processes of anybody's end, however late one looks."""

    def __init__(self) -> None:
        self._order: list[int] = []
        self._descriptors: dict[int, int] = {}
        """Processes by descriptor."""
        # Descriptors are handed out in the order in which they became ready.
        self._queue = select.epoll() if hasattr(os, "pidfd_open") else None

    def of(self, pids: Sequence[int]) -> list[int]:
        """Return those that have ended, in order; those that went before they were seen lack.

        Args:
            pids: processes to follow as well.
        """
        if self._queue is None:
            return []
        for pid in set(pids) - set(self._descriptors.values()):
            with contextlib.suppress(OSError):
                descriptor = os.pidfd_open(pid)
                self._descriptors[descriptor] = pid
                self._queue.register(descriptor, select.EPOLLIN | select.EPOLLONESHOT)
        self._order += [self._descriptors[found] for found, _event in self._queue.poll(0)]
        return self._order

    def close(self) -> None:
        """Let go of all."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        if self._queue is not None:
            self._queue.close()


def is_gone(standing: Standing) -> bool:
    """Return whether a rank has begun and has not ended, and its process runs no more."""
    if not standing.pid or standing.phase == "ended":
        return False
    with contextlib.suppress(psutil.Error):
        return psutil.Process(standing.pid).status() == psutil.STATUS_ZOMBIE
    return True


def gone_words(gone: list[Standing], standings: list[Standing], failures: list[RankFailure]) -> str:
    """Say which ranks are gone, and where the others are.

    Args:
        gone: at least one.
        standings: of all.
        failures: what ranks have left of themselves.
    """
    reasons = {each.rank: each.reason for each in reversed(failures)}
    said = [
        f"rank {each.rank} (process {each.pid}) is gone, in step {each.step}"
        + (f": {reasons[each.rank]}" if each.rank in reasons else "")
        for each in gone
    ]
    left = [each for each in standings if each not in gone and each.pid and each.phase != "ended"]
    if left:
        numbers = ", ".join(str(each.rank) for each in left)
        said.append(f"still there: {numbers}")
    return "; ".join(said)
