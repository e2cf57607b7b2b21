"""Which runs of a workspace are seen, and how: hidden, singled out, on top, seeds together.

From keys to entries of the legend; knows no widget, and draws nothing.
"""

from collections.abc import Sequence

from tuitrain.analysis.seeds import seed_groups
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.screens.workspace.read import ReadRuns
from tuitrain.view.workspace.entries import Entry, Legend, legend_of
from tuitrain.view.workspace.lines import Band

_BANDS: tuple[Band, ...] = ("", "range", "std")


class ShownRuns:
    """The runs, and what was done to them."""

    def __init__(self, directories: Sequence[RunDirectory]) -> None:
        """Show all of these, each by itself until it is known which are seeds of one another."""
        self.runs = ReadRuns(directories)
        self._chosen_band: Band | None = None
        self.legend = Legend()
        self.hidden: frozenset[str] = frozenset()
        self.single = ""
        """The key of the entry that was singled out; empty: none."""
        self.top = ""
        """The key of the entry that is drawn over all others."""

    def take(self, snapshots: Sequence[RunSnapshot]) -> None:
        """Take in what was read."""
        self.runs.take(snapshots)
        self._arrange()

    def _arrange(self) -> None:
        self.legend = legend_of(self.runs.named, grouped=bool(self.band))

    # --- what is seen ---------------------------------------------------------------------------

    @property
    def leader(self) -> RunSnapshot:
        """The run whose places on an axis count: the one on top, else the longest."""
        return self.runs.snapshot(self.top) if self.top else self.runs.longest

    @property
    def band(self) -> Band:
        """What stands for seeds; at first their mean and reach, where there are any."""
        if self._chosen_band is not None:
            return self._chosen_band
        named = self.runs.named
        groups = seed_groups([each.settings for each in named])
        return "range" if self.runs.is_complete and len(groups) < len(named) else ""

    @property
    def seeds(self) -> Legend:
        """All runs with seeds together, whatever is shown."""
        return legend_of(self.runs.named, grouped=True)

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
