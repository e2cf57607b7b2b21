"""Which runs of a workspace are seen, and how: hidden, singled out, on top, seeds together.

From keys to entries of the legend; knows no widget, and draws nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tuitrain.analysis.compare import flat_settings
from tuitrain.analysis.seeds import seed_groups
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.charting import reach_of
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.view.chart.scale import Reach, joined
from tuitrain.view.workspace.entries import Entry, Legend, Named, legend_of
from tuitrain.view.workspace.lines import Band

_BANDS: tuple[Band, ...] = ("", "range", "std")


class ShownRuns:
    """The runs, what was read of them, and what was done to them."""

    def __init__(self, directories: Sequence[RunDirectory]) -> None:
        """Show all of these, each by itself until it is known which are seeds of one another."""
        self.directories = {directory.id: directory for directory in directories}
        self._read: dict[str, RunSnapshot] = {}
        self._named = {run_id: Named(run_id, run_id) for run_id in self.directories}
        self._chosen_band: Band | None = None
        self.legend = Legend()
        self.hidden: frozenset[str] = frozenset()
        self.single = ""
        """The key of the entry that was singled out; empty: none."""
        self.top = ""
        """The key of the entry that is drawn over all others."""

    # --- what was read --------------------------------------------------------------------------

    def take(self, snapshots: Sequence[RunSnapshot]) -> None:
        """Take in what was read anew; of a record that can't be read any more what was before."""
        for snapshot in snapshots:
            before = self._read.get(snapshot.id)
            if snapshot.error and before is not None:
                snapshot = replace(before, error=snapshot.error, live=False)  # noqa: PLW2901
            self._read[snapshot.id] = snapshot
            self._named[snapshot.id] = _named(snapshot)
        self._arrange()

    def _arrange(self) -> None:
        self.legend = legend_of(list(self._named.values()), grouped=bool(self.band))

    def snapshot(self, run_id: str) -> RunSnapshot:
        """Return what was read of a run; an empty one before that."""
        return self._read.get(run_id) or RunSnapshot(run_id)

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
    def leader(self) -> RunSnapshot:
        """The run whose places on an axis count: the one on top, else the longest."""
        if self.top:
            return self.snapshot(self.top)
        longest = max(self._read.values(), key=lambda read: reach_of(read).newest, default=None)
        return longest or RunSnapshot("")

    # --- what is seen ---------------------------------------------------------------------------

    @property
    def band(self) -> Band:
        """What stands for seeds; at first their mean and reach, where there are any."""
        if self._chosen_band is not None:
            return self._chosen_band
        groups = seed_groups([named.settings for named in self._named.values()])
        return "range" if self.is_complete and len(groups) < len(self._named) else ""

    @property
    def seeds(self) -> Legend:
        """All runs with seeds together, whatever is shown."""
        return legend_of(list(self._named.values()), grouped=True)

    @property
    def visible(self) -> list[Entry]:
        """The entries that are drawn, those on top first."""
        seen = [entry for entry in self.legend.entries if entry.key not in self.hidden]
        return sorted(seen, key=lambda entry: (entry.key != self.single, entry.key != self.top))

    def is_dim(self, entry: Entry) -> bool:
        """Return whether an entry stands back behind the one that was singled out."""
        return bool(self.single) and entry.key != self.single

    # --- keys -----------------------------------------------------------------------------------

    def toggle(self, key: str) -> None:
        """Hide an entry, or show it again."""
        self.hidden ^= {key}

    def single_out(self, key: str) -> None:
        """Let all others stand back, or none."""
        self.single = "" if self.single == key else key
        self.hidden -= {self.single}

    def follow(self, key: str) -> None:
        """Single out another one, where one is."""
        if self.single:
            self.single_out(key)

    def pin(self, key: str) -> None:
        """Draw an entry over all others, or no one any more."""
        self.top = "" if self.top == key else key

    def next_band(self) -> None:
        """Take seeds together in another way; what was done to entries that are gone is undone."""
        place = _BANDS.index(self.band)
        self._chosen_band = _BANDS[(place + 1) % len(_BANDS)]
        self._arrange()
        keys = {entry.key for entry in self.legend.entries}
        self.hidden &= keys
        self.single, self.top = (key if key in keys else "" for key in (self.single, self.top))


def _named(read: RunSnapshot) -> Named:
    summary = read.summary
    settings: Mapping[str, str] | None = flat_settings(read.config) if read.config else None
    if summary is None:
        return Named(read.id, read.id, "damaged" if read.error else "", settings)
    return Named(read.id, summary.name, "damaged" if read.error else summary.state, settings)
