"""What is done between two steps of a script, by the thread that trains.

Knows what is counted and what carries commands out; not how a step is seen.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tuitrain.script import wire
from tuitrain.script.clocks import clock_for
from tuitrain.script.commands import Commands
from tuitrain.script.link import Link
from tuitrain.script.points import PointLog
from tuitrain.script.ranks import RankHere, SharedRun, join_ranks, rank_here
from tuitrain.script.split import StepSplit


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
        self._shared: SharedRun | None = None

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
        if self._shared is not None:
            self._ask_for_run()
        # Lowered before anything is done: what comes meanwhile raises it again.
        points.due = self._rank is not None or self._shared is not None
        if self._rank is not None:
            self._rank.put(points.updates)
        if points.device_due:
            points.read_device()
        if link is not None and link.attention:
            self._commands.obey(link, optimizer)
            points.due = points.due or link.attention

    def time_next(self, split: StepSplit, optimizer: Any) -> None:
        """Time the step that begins here, if its turn has come and no profile slows it.

        Args:
            split: times steps.
            optimizer: the one of the step before; None: it is not known.
        """
        updates, commands = self._points.updates, self._commands
        if commands.is_profiling:
            split.leave_out(updates)
            return
        split.begin(updates, lambda: clock_for(optimizer or commands.optimizer()))

    def forget(self) -> None:
        """Leave the ranks' board to the parent of this process, which was forked."""
        if self._rank is not None:
            self._rank.forget()
            self._rank = None

    def _begin(self, link: Link | None) -> None:
        self.crossed = True
        if link is not None:
            self._points.begin()
        several = rank_here()[1] > 1
        if several:
            # A loss is averaged over ranks in place, without torch's noting it.
            self._points.seen.stop_holding()
        folder = wire.run_folder() or (None if link is None else link.folder)
        with contextlib.suppress(Exception):
            self._rank = join_ranks(folder)
        if several and not wire.is_supervised():
            self._share(folder)

    def _share(self, folder: Path | None) -> None:
        """Tell the other ranks of a run that this process has made, or begin to ask for it."""
        shared = SharedRun()
        if folder is None:
            self._shared = shared
            return
        with contextlib.suppress(Exception):
            shared.tell(folder)

    def _ask_for_run(self) -> None:
        shared, self._shared = self._shared, None
        with contextlib.suppress(Exception):
            if shared is not None and (folder := shared.ask()) is not None:
                self._rank = join_ranks(folder)
            elif shared is not None and shared.asks_on:
                self._shared = shared
