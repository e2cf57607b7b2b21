"""The runs that the table lists: in which order, which of them a filter finds, in which groups.

Values in, paths out; reads nothing and knows no widget.
"""

from collections.abc import Callable, Sequence

from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.values import FIELDS
from tuitrain.ui.feeds.details import ReadDetails
from tuitrain.ui.screens.home.listing.known import KnownRuns
from tuitrain.ui.screens.home.listing.tree import RunTree
from tuitrain.ui.screens.home.listing.typed import TypedFilter
from tuitrain.view.runlist.columns import usual_columns
from tuitrain.view.runrows import Needs

_AT_HAND = frozenset({*FIELDS, *usual_columns()} - {"tag", "note"})
"""What is known of a run without its details."""


class ListedRuns:
    """All runs in an order, those a filter finds, and these as a tree."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """List none yet; `clock` gives seconds since the epoch."""
        self.known = KnownRuns(clock)
        self.typed = TypedFilter(self.known)
        self.tree = RunTree()
        self.sort = ""
        self.columns: tuple[str, ...] = ()
        """Those of choice; none: the usual ones."""
        self.needs = Needs()
        self.all: Sequence[RunSummary] = ()
        """All runs, in order."""
        self.shown: list[str] = []
        """The paths of the runs that the filter finds, in order."""
        self.rows: list[str] = []
        """The same as rows, with the branches of the tree between them."""

    @property
    def left(self) -> int:
        """How many runs are still to be read before a filter finds all it should."""
        return self.known.unread if self.needs_details else 0

    @property
    def needs_details(self) -> bool:
        """Whether the filter, the order, a group or a column asks for what is read run by run."""
        sort = self.sort.removeprefix("-") or "name"
        keys = {*self.typed.keys, *self.columns, *self.tree.keys, sort}
        return bool(self.typed.text) or not keys <= _AT_HAND

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Take in the list of all runs."""
        self.known.take_runs(runs)
        self._arrange()

    def take_details(self, read: ReadDetails) -> None:
        """Take in what was read of some runs."""
        self.known.take_details(read)
        self._arrange()

    def sort_by(self, key: str) -> None:
        """Put the runs into the order of a key; empty: what needs attention first."""
        self.sort = key
        self._arrange()

    def choose(self, columns: Sequence[str]) -> None:
        """Measure the values of the columns that are shown."""
        self.columns = tuple(columns)
        self.needs = self.known.measure(self.columns)

    def _arrange(self) -> None:
        """Bring all runs into order, measure their words, and filter them again."""
        runs = self.known.in_order(self.sort)
        self.all = [values.summary for values in runs]
        self.needs = self.known.measure(self.columns)
        self.typed.take_runs(runs)
        self._search()

    def search(self, text: str) -> None:
        """Show the runs that a filter finds; what is no filter changes nothing but its fault."""
        self.typed.text = text
        self._search()

    def group_by(self, keys: Sequence[str]) -> None:
        """Show the runs as a tree of these keys; none: as a list."""
        self.tree.keys = tuple(keys)
        self._search()

    def toggle_branch(self, key: str) -> None:
        """Close a branch, or open it."""
        self.tree.toggle(key)
        self._search()

    def refresh(self) -> None:
        """Filter again where the clock alone changes what is found."""
        if "age" in self.typed.keys:
            self._search()

    def _search(self) -> None:
        found = self.typed.find()
        self.shown = [values.summary.path for values in found]
        self.rows = self.tree.rows(found)
