"""What is done between two steps of a script, by the thread that trains.

Knows what is counted and what carries commands out; not how a step is seen.
"""

from __future__ import annotations

import contextlib
from typing import Any

from tuitrain.script import wire
from tuitrain.script.commands import Commands
from tuitrain.script.link import Link
from tuitrain.script.points import PointLog
from tuitrain.script.ranks import RankHere, join_ranks, rank_here


class Boundary:
    """The place between two steps.

    It is crossed only where `PointLog.due` says that there is something to do.

    Attributes:
        crossed: there was a step.
    """

    def __init__(self, points: PointLog, commands: Commands) -> None:
        """Be crossed by the steps of a log.

        Args:
            points: what is counted.
            commands: carries out what was asked.
        """
        self.crossed = False
        self._points, self._commands = points, commands
        self._rank: RankHere | None = None

    def cross(self, link: Link | None, optimizer: Any) -> None:
        """See to what is due.

        Args:
            link: has the commands; None: this process is not heard.
            optimizer: the one of this step; None: it is not known.

        Raises:
            Stop: the run is to end, and the loop has no flag for it.
        """
        points = self._points
        if not self.crossed:
            self._begin(link)
        # Lowered before anything is done: what comes meanwhile raises it again.
        points.due = self._rank is not None
        if self._rank is not None:
            self._rank.put(points.updates)
        if points.device_due:
            points.read_device()
        if link is not None and link.attention:
            self._commands.obey(link, optimizer)
            points.due = points.due or link.attention

    def forget(self) -> None:
        """Leave the ranks' board to the parent of this process, which was forked."""
        if self._rank is not None:
            self._rank.forget()
            self._rank = None

    def _begin(self, link: Link | None) -> None:
        self.crossed = True
        if link is not None:
            self._points.begin()
        if rank_here()[1] > 1:
            # A loss is averaged over ranks in place, without torch's noting it.
            self._points.seen.stop_holding()
        with contextlib.suppress(Exception):
            self._rank = join_ranks(wire.run_folder())
