"""The threads behind home as one: they begin, pause and end together."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuitrain.remote.registry import Hosts
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.details import DetailsFollower, ReadDetails
from tuitrain.ui.feeds.home import CurveFollower, HeldListFollower
from tuitrain.ui.feeds.hosts import HostFollower
from tuitrain.ui.feeds.preview import PreviewFollower
from tuitrain.view.runlist.preview import Preview

if TYPE_CHECKING:
    from tuitrain.config.schema import Preset


class HomeFeeds:
    """Follows the list of runs, and what is shown of them."""

    def __init__(
        self,
        root: Path,
        hosts: Hosts,
        *,
        runs: Callable[[Sequence[RunSummary]], None],
        fault: Callable[[str], None],
        curves: Callable[[Mapping[str, tuple[float, ...]]], None],
        details: Callable[[ReadDetails], None],
        preview: Callable[[Preview], None],
        told: Callable[[str], None] = lambda _text: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow the folder `root` and hosts; each other argument takes what a thread brings.

        `told` takes what is to be said of a host that does not answer.
        """
        self._hosts = [HostFollower(each, told) for each in hosts.connections]
        self._list = HeldListFollower(root, runs, fault, self._elsewhere)
        self._curves = CurveFollower(curves, hosts)
        self._details = DetailsFollower(details, hosts, clock)
        self._preview = PreviewFollower(preview, hosts)
        local = (self._list, self._curves, self._details, self._preview)
        self._all = (*local, *self._hosts)

    def _elsewhere(self) -> list[RunSummary]:
        return [run for host in self._hosts for run in host.runs()]

    def start(self) -> None:
        """Begin to read."""
        for follower in self._all:
            follower.start()

    def close(self) -> None:
        """Stop reading."""
        for follower in self._all:
            follower.close()

    def hold(self, held: bool) -> None:
        """Read nothing, or go on."""
        for follower in self._all:
            follower.held = held
            follower.wake()

    def look(self) -> None:
        """List and read the runs at once."""
        self._list.wake()
        self._details.wake()

    def ask(self, *, curves: Sequence[RunSummary], details: Sequence[RunSummary]) -> None:
        """Read curves and details of these runs from now on."""
        self._curves.ask(curves)
        self._details.ask(details)

    def ask_preview(self, run: RunSummary, preset: "Preset | None") -> None:
        """Read this run from now on, to be compared with its preset where there is one."""
        self._preview.ask(run, preset)
