"""Threads behind the home screen: the list of runs, small curves.

They read only while home is in front, and know nothing of widgets.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuitrain.errors import TuitrainError
from tuitrain.remote.registry import Hosts, open_reader
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.run import LIST_LOOK_S, Follower, ListFollower
from tuitrain.view.presetrows import Experience
from tuitrain.view.runrows import LIVE

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset

CURVE_COLUMNS = 96
FEW_COLUMNS = 4
"""A metric of fewer columns is no curve yet where another one has more."""
FALLBACK_METRICS = ("val/loss", "train/loss")


class HeldListFollower(ListFollower):
    """Follows the list of runs, except while it is held."""

    held = False

    def __init__(
        self,
        root: Path,
        deliver: Callable[[tuple[RunSummary, ...]], None],
        fail: Callable[[str], None],
        elsewhere: Callable[[], Sequence[RunSummary]] = tuple,
    ) -> None:
        super().__init__(root, deliver, fail)
        self._elsewhere = elsewhere

    def elsewhere(self) -> Sequence[RunSummary]:
        """Return the runs of other machines."""
        return self._elsewhere()

    def poll(self) -> None:
        """Look unless held."""
        if not self.held:
            super().poll()


class CurveFollower(Follower):
    """Reads the small curves of the runs in sight; a run at rest is read once."""

    def __init__(
        self, deliver: Callable[[Mapping[str, tuple[float, ...]]], None], hosts: Hosts
    ) -> None:
        super().__init__(LIST_LOOK_S)
        self._deliver = deliver
        self._hosts = hosts
        self._wanted: tuple[RunSummary, ...] = ()
        self._read: dict[str, tuple[RunSummary, tuple[float, ...]]] = {}
        self.held = False

    def ask(self, runs: Sequence[RunSummary]) -> None:
        """Ask for the curves of these runs from now on; runs not asked for before are read now."""
        known = {run.path for run in self._wanted}
        self._wanted = tuple(runs)
        if any(run.path not in known for run in self._wanted):
            self.wake()

    def poll(self) -> None:
        """Read the curves that are missing or have grown; hand those on that are new."""
        if self.held:
            return
        fresh: dict[str, tuple[float, ...]] = {}
        for run in self._wanted:
            before = self._read.get(run.path)
            if before is not None and before[0] == run:
                continue
            curve = read_curve(run, self._hosts)
            if curve is None:
                # It is tried again: a record that is being written may be readable the next time.
                continue
            self._read[run.path] = (run, curve)
            if before is None or before[1] != curve:
                fresh[run.path] = curve
        if fresh and not self.closed:
            self._deliver(fresh)


def read_curve(run: RunSummary, hosts: Hosts) -> tuple[float, ...] | None:
    """Return a run's deciding metric in a few columns, or its loss; nothing where it has none.

    Returns None where the record can't be read.
    """
    found: tuple[float, ...] = ()
    try:
        with open_reader(hosts.located(RunDirectory(Path(run.path)))) as reader:
            for name in filter(None, (run.best_metric, *FALLBACK_METRICS)):
                columns = reader.curves.series(name, columns=CURVE_COLUMNS).columns
                if len(columns) > len(found):
                    found = tuple(column.mean for column in columns)
                if len(found) >= FEW_COLUMNS:
                    break
    except (TuitrainError, OSError):
        # The row itself says what is wrong with the run.
        return None
    return found


def read_presets() -> Sequence["ListedPreset"]:
    """Return the presets there are."""
    from tuitrain.config.presets import list_presets

    return list_presets()


def read_experience(preset: str, runs: Sequence[RunSummary]) -> Experience:
    """Return what the newest finished run of a preset showed, out of runs that start anew first."""
    same = [run for run in runs if run.preset == preset and run.state not in LIVE and run.step]
    finished = next((run for run in same if run.state == "finished"), None)
    newest = finished or next(iter(same), None)
    if newest is None:
        return Experience()
    try:
        with RunReader(RunDirectory(Path(newest.path))) as reader:
            parameters = int(reader.meta().get("parameters") or 0)
    except (TuitrainError, OSError):
        parameters = 0
    return Experience(parameters, finished.duration_s if finished is not None else None)
