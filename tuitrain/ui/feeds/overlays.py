"""The runs that are drawn over another one, followed while they are."""

from collections.abc import Callable, Sequence

from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.run import CurvesFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot


class Overlays:
    """Followers of other runs, and what they read last."""

    def __init__(self, deliver: Callable[[RunSnapshot], None]) -> None:
        """Follow none yet; `deliver` takes what was read, in a thread."""
        self._deliver = deliver
        self._followers: dict[str, CurvesFollower] = {}
        self._read: dict[str, RunSnapshot] = {}

    @property
    def ids(self) -> set[str]:
        """The runs that are followed."""
        return set(self._followers)

    @property
    def read(self) -> Sequence[RunSnapshot]:
        """What was read of them."""
        return list(self._read.values())

    def follow(self, directories: Sequence[RunDirectory], request: Request) -> None:
        """Follow these runs and no others."""
        wanted = {directory.id: directory for directory in directories}
        for run_id in self.ids - set(wanted):
            self._followers.pop(run_id).close()
            self._read.pop(run_id, None)
        for run_id in set(wanted) - self.ids:
            follower = CurvesFollower(wanted[run_id], self._deliver, request)
            self._followers[run_id] = follower
            follower.start()

    def take(self, snapshot: RunSnapshot) -> None:
        """Keep what was read of a run that is still followed."""
        if snapshot.id in self._followers:
            self._read[snapshot.id] = snapshot

    def ask(self, request: Request) -> None:
        """Read something else from now on."""
        for follower in self._followers.values():
            follower.ask(request)

    def close(self) -> None:
        """Follow no run any more."""
        for follower in self._followers.values():
            follower.close()
