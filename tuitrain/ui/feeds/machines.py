"""Threads that ask other machines how they are: one each, so that none waits for another.

What a machine said last stays while it does not answer. Knows nothing of widgets.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tuitrain.errors import TuitrainError
from tuitrain.remote.connection import HostConnection
from tuitrain.ui.feeds.hosts import silence
from tuitrain.ui.feeds.machine import PERIOD_S, Memory
from tuitrain.ui.feeds.run import Follower
from tuitrain.view.machine.machines import HostSeen
from tuitrain.view.machine.seen import MachineSeen, RunHere, Use

Deliver = Callable[[HostSeen], None]


class HostMachineFollower(Follower):
    """Asks one host every two seconds, and remembers some minutes."""

    def __init__(self, connection: HostConnection, deliver: Deliver) -> None:
        """Follow a host.

        Args:
            connection: to it.
            deliver: takes what it says, in the thread; also that it does not.
        """
        super().__init__(PERIOD_S)
        self._connection = connection
        self._deliver = deliver
        self._memory = Memory()
        self._latest = HostSeen(connection.host.name)

    def poll(self) -> None:
        """Ask the host once."""
        if self.held:
            return
        name = self._connection.host.name
        try:
            seen = seen_of(self._connection.ask("machine"), name)
        except (TuitrainError, TypeError, KeyError, ValueError) as error:
            silent_s = silence(self._connection.standing)
            self._latest = replace(self._latest, fault=str(error), silent_s=silent_s)
        else:
            self._memory.add(seen.samples)
            self._latest = HostSeen(name, replace(seen, history=self._memory.history()))
        if not self.closed:
            self._deliver(self._latest)


def seen_of(plain: Mapping[str, Any], name: str) -> MachineSeen:
    """Return what a host said of itself, under the name by which it is asked.

    Raises:
        TypeError: it is said in another way.
        KeyError: something is missing.
    """
    return MachineSeen(
        host=name,
        # By the clock here: ages are counted by it.
        time=time.time(),
        samples=plain["samples"],
        facts=plain["facts"],
        cores=tuple(plain["cores"]),
        uses=tuple(Use(**use) for use in plain["uses"]),
        runs=tuple(RunHere(**run) for run in plain["runs"]),
    )
