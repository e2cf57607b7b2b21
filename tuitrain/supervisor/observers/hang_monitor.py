"""Watches for a run that hangs, and collects where its processes are then.

Knows the rule on hangs and how stacks are collected; not who is told.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tuitrain.alerts.hang import Hang
from tuitrain.alerts.rule import RunStatus
from tuitrain.failures.collectives import Dump, collective_findings, read_dump
from tuitrain.messages import AlertRaised, Event
from tuitrain.ranks import (
    ELSEWHERE,
    behind,
    flight_path,
    flight_wanted,
    read_board,
    read_hosts,
    want_flights,
)
from tuitrain.supervisor.observers.observer import Observer
from tuitrain.supervisor.stacks import as_text, collect_stacks

_KIND = "hang"
_FLIGHT_S = 3.0
"""How long ranks may take to leave what their flight recorders hold: they look twice a second."""
_FAR_FLIGHT_S = 8.0
"""The same where some are on other machines: their agents ask them, and send what they leave."""
_LOOK_S = 0.1


class HangMonitor(Observer):
    """Raises an alert when a run hangs, with the stacks of its processes, and when it goes on.

    Collecting the stacks is the one thing for which the supervisor waits, seconds at the most.
    """

    name = "the watch for hangs"

    def __init__(
        self, rule: Hang, stacks_path: Path, clock: Callable[[], float] = time.time
    ) -> None:
        """Watch a run.

        Args:
            rule: says when it hangs.
            stacks_path: the file that its processes write their stacks to.
            clock: seconds since the epoch.
        """
        self._rule = rule
        self._stacks_path = stacks_path
        self._clock = clock
        self._status = RunStatus()

    def arrived(self, event: Event) -> Iterator[AlertRaised]:
        """Say so where a run that hung goes on."""
        self._status.take(event)
        if text := self._rule.take(event, time.monotonic()):
            yield self._alert(text)

    def commanded(self) -> None:
        """Expect that the next step takes longer."""
        self._rule.expect_command()

    def poll(self, worker_pid: int) -> Iterator[AlertRaised]:
        """Say so where the run hangs."""
        if text := self._rule.poll(time.monotonic()):
            # Before the stacks are asked for: that takes a while.
            run_directory = self._stacks_path.parent
            ranks = read_board(run_directory)
            waited_for = behind(ranks, read_hosts(run_directory))
            asked = _ask_flights(run_directory) if ranks else 0.0
            stacks = as_text(collect_stacks(worker_pid, self._stacks_path))
            wait_s = _FAR_FLIGHT_S if any(each.pid == ELSEWHERE for each in ranks) else _FLIGHT_S
            flights = _read_flights(run_directory, [each.rank for each in ranks], asked, wait_s)
            said = [text, waited_for, *collective_findings(flights)]
            yield self._alert("; ".join(filter(None, said)), stacks)

    def _alert(self, text: str, detail: str = "") -> AlertRaised:
        return AlertRaised(self._clock(), self._status.step, _KIND, text, detail)


def _ask_flights(run_directory: Path) -> float:
    """Ask the ranks for what their flight recorders hold; return when, 0 where that can't be."""
    try:
        want_flights(run_directory)
    except OSError:
        # The alert itself matters more.
        return 0.0
    return flight_wanted(run_directory)


def _read_flights(
    run_directory: Path, ranks: Sequence[int], asked: float, wait_s: float
) -> dict[int, Dump]:
    """Return what each rank's flight recorder holds, of those that answer in time."""
    found: dict[int, Dump] = {}
    deadline = time.monotonic() + (wait_s if asked else 0.0)
    while len(found) < len(ranks) and time.monotonic() < deadline:
        for rank in ranks:
            path = flight_path(run_directory, rank)
            with suppress(OSError):
                if rank not in found and path.stat().st_mtime >= asked:
                    dump = read_dump(path.read_bytes())
                    found |= {rank: dump} if dump is not None else {}
        time.sleep(_LOOK_S)
    return found
