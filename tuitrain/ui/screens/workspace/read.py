"""The runs of a workspace as they were read last; knows nothing of how they are seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tuitrain.analysis.compare import flat_settings
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.charting import reach_of
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.view.chart.scale import Reach, joined
from tuitrain.view.workspace.entries import Named


class ReadRuns:
    """Runs by their ids, in the order that they were asked for."""

    def __init__(self, directories: Sequence[RunDirectory]) -> None:
        """Take these runs, of which none was read yet."""
        self.directories = {directory.id: directory for directory in directories}
        self._read: dict[str, RunSnapshot] = {}
        self._named = {run_id: Named(run_id, run_id) for run_id in self.directories}

    def take(self, snapshots: Sequence[RunSnapshot]) -> None:
        """Take in what was read anew; of a record that can't be read any more what was before."""
        for snapshot in snapshots:
            before = self._read.get(snapshot.id)
            if snapshot.error and before is not None:
                snapshot = replace(before, error=snapshot.error, live=False)  # noqa: PLW2901
            self._read[snapshot.id] = snapshot
            self._named[snapshot.id] = _named(snapshot)

    def snapshot(self, run_id: str) -> RunSnapshot:
        """Return what was read of a run; an empty one before that."""
        return self._read.get(run_id) or RunSnapshot(run_id)

    @property
    def named(self) -> Sequence[Named]:
        """What they are called, and the settings that tell them apart."""
        return list(self._named.values())

    @property
    def first(self) -> RunSnapshot:
        """The run that was asked for first."""
        return self.snapshot(next(iter(self.directories), ""))

    @property
    def is_complete(self) -> bool:
        """Whether every run was read once."""
        return len(self._read) == len(self.directories)

    def has_curves(self, names: Sequence[str]) -> bool:
        """Return whether what was read of each run holds its curves of these metrics."""
        return self.is_complete and all(
            name in read.series
            for read in self._read.values()
            for name in names
            if name in read.metric_names
        )

    @property
    def names(self) -> list[str]:
        """The metrics that any of the runs has."""
        return list(dict.fromkeys(
            name for run_id in self.directories for name in self.snapshot(run_id).metric_names
        ))  # fmt: skip

    @property
    def reach(self) -> Reach:
        """Where the steps of all runs lie, the hidden ones' too."""
        return joined([reach_of(read) for read in self._read.values() if read.summary is not None])

    @property
    def longest(self) -> RunSnapshot:
        """The run that has come furthest."""
        found = max(self._read.values(), key=lambda read: reach_of(read).newest, default=None)
        return found or RunSnapshot("")


def _named(read: RunSnapshot) -> Named:
    summary = read.summary
    settings: Mapping[str, str] | None = flat_settings(read.config) if read.config else None
    if summary is None:
        return Named(read.id, read.id, "damaged" if read.error else "", settings)
    return Named(read.id, summary.name, "damaged" if read.error else summary.state, settings)
