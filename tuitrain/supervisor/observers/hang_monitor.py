"""Watches for a run that hangs, and collects where its processes are then.

Knows the rule on hangs and how stacks are collected; not who is told.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tuitrain.alerts.hang import Hang
from tuitrain.alerts.rule import RunStatus
from tuitrain.messages import AlertRaised, Event
from tuitrain.ranks import behind, read_board, read_hosts
from tuitrain.supervisor.observers.observer import Observer
from tuitrain.supervisor.stacks import as_text, collect_stacks

_KIND = "hang"


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
            folder = self._stacks_path.parent
            waited_for = behind(read_board(folder), read_hosts(folder))
            stacks = as_text(collect_stacks(worker_pid, self._stacks_path))
            yield self._alert(f"{text}; {waited_for}" if waited_for else text, stacks)

    def _alert(self, text: str, detail: str = "") -> AlertRaised:
        return AlertRaised(self._clock(), self._status.step, _KIND, text, detail)
