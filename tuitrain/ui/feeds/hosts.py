"""Threads that list the runs of other machines: one each, so that none waits for another.

What a machine said last stays in sight while it does not answer, marked as old.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tuitrain.errors import TuitrainError
from tuitrain.remote.connection import HostConnection, Standing
from tuitrain.remote.reader import RemoteList
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.run import Follower
from tuitrain.units import duration
from tuitrain.view.runrows import AWAY

HOST_LOOK_S = 2.0
"""A refresh is some 100 bytes where nothing is new."""
_AGE_S = 10.0
"""Ages grow by so much: a list is drawn again for each."""


class HostFollower(Follower):
    """Lists the runs of one host."""

    def __init__(self, connection: HostConnection, tell: Callable[[str], None]) -> None:
        """Follow a host.

        Args:
            connection: to it.
            tell: is told once that it does not answer, and why.
        """
        super().__init__(HOST_LOOK_S)
        self._list = RemoteList(connection)
        self._connection = connection
        self._tell = tell
        self._told = False
        self.held = False

    def poll(self) -> None:
        """Ask the host."""
        if self.held:
            return
        try:
            self._list.read()
            self._told = False
        except TuitrainError as error:
            if not self._told and not self.closed:
                self._told = True
                self._tell(str(error))

    def runs(self) -> Sequence[RunSummary]:
        """Return the host's runs, as they were when it last answered."""
        standing = self._connection.standing
        if not standing.fault or standing.answered is None:
            return self._list.runs
        silent_s = silence(standing) or 0.0
        reason = f"no answer for {duration(silent_s)}; was {{}}: {standing.fault}"
        return [
            replace(run, state=AWAY, reason=reason.format(run.state)) for run in self._list.runs
        ]


def silence(standing: Standing) -> float | None:
    """Return for how long a host has not answered, in steps; None: it never has."""
    if standing.answered is None:
        return None
    return (time.monotonic() - standing.answered) // _AGE_S * _AGE_S
