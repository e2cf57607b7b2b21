"""The runs that the table lists: in which order, and which of them a filter finds.

Values in, paths out; reads nothing and knows no widget.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tuitrain.errors import UsageError
from tuitrain.runs.labels import Labels
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.filtering import RunFilter
from tuitrain.runs.table.known import KnownValues
from tuitrain.runs.table.query import Query, parse_query
from tuitrain.runs.table.values import FIELDS, RunValues, ordered
from tuitrain.ui.feeds.details import NOT_READ, ReadDetails
from tuitrain.ui.screens.home.tree import RunTree
from tuitrain.view.runlist.columns import measure_values, usual_columns
from tuitrain.view.runrows import Needs, NeedsOfRuns, in_order, names_of_own

_AT_HAND = frozenset({*FIELDS, *usual_columns()} - {"tag", "note"})
"""What is known of a run without its details."""
_NO_LABELS = Labels()


class ListedRuns:
    """All runs, those a filter finds, and their values."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ordered: list[RunSummary] = []
        self._filter = RunFilter(())
        self._query = Query()
        self._text = ""
        self._searching = False
        self._measured = NeedsOfRuns()
        self._choice: tuple[str, ...] = ()
        self._known = KnownValues()
        self.unread = 0
        """How many runs were not read yet."""
        self.sort = ""
        self.runs: dict[str, RunSummary] = {}
        self.values: dict[str, RunValues] = {}
        self.called: Mapping[str, str] = {}
        self.needs = Needs()
        self.shown: list[str] = []
        """The paths of the runs that the filter finds, in order."""
        self.rows: list[str] = []
        """The same as rows, with the branches of the tree between them."""
        self.tree = RunTree()
        self.fault = ""
        """Why what is typed is no filter; what is shown is then what the last one found."""

    @property
    def all(self) -> Sequence[RunSummary]:
        """All runs, in order."""
        return self._ordered

    @property
    def left(self) -> int:
        """How many runs are still to be read before a filter finds all it should."""
        return self.unread if self.needs_details else 0

    @property
    def needs_details(self) -> bool:
        """Whether the filter, the order, a group or a column asks for what is read run by run."""
        keys = {
            *self._query.keys,
            *self._choice,
            *self.tree.keys,
            self.sort.removeprefix("-") or "name",
        }
        return bool(self._text) or not keys <= _AT_HAND

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Take in the list of all runs."""
        self.runs = {run.path: run for run in runs}
        self.values = {run.path: self._values_of(run) for run in runs}
        self.called = names_of_own(runs)
        self._arrange()

    def _values_of(self, run: RunSummary) -> RunValues:
        known = self.values.get(run.path)
        if known is None:
            return RunValues(run, self._clock, details=NOT_READ, labels=_NO_LABELS)
        if known.summary is run:
            return known
        return RunValues(run, self._clock, details=known.details, labels=known.labels)

    def take_details(self, read: ReadDetails) -> None:
        """Take in what was read of some runs."""
        for path, values in read.values.items():
            if path in self.runs:
                self.values[path] = RunValues(
                    self.runs[path], self._clock, details=values.details, labels=values.labels
                )
        self._known = read.known
        self._arrange()

    def sort_by(self, key: str) -> None:
        """Put the runs into the order of a key; empty: what needs attention first."""
        self.sort = key
        self._arrange()

    def choose(self, columns: Sequence[str]) -> None:
        """Measure the values of the columns that are shown."""
        self._choice = tuple(columns)
        self._measure()

    def _arrange(self) -> None:
        """Bring all runs into order, measure their words, and filter them again."""
        usual = [self.values[run.path] for run in in_order(self.runs.values(), self._clock())]
        self.unread = sum(values.details is NOT_READ for values in usual)
        self._filter = RunFilter(ordered(usual, self.sort) if self.sort else usual)
        if self._searching:
            self._filter.prepare()
        self._ordered = [values.summary for values in self._filter.runs]
        self._measure()
        self._search()

    def _measure(self) -> None:
        needs = self._measured.measure(self.runs.values(), self.called)
        values = measure_values(self.values.values(), self._choice)
        self.needs = replace(needs, values=values)

    def prepare_search(self) -> None:
        """Get ready for a filter that is about to be typed."""
        self._searching = True
        self._filter.prepare()

    def search(self, text: str) -> None:
        """Show the runs that a filter finds; what is no filter changes nothing but `fault`."""
        self._text = text
        self._search()

    def group_by(self, keys: Sequence[str]) -> None:
        """Show the runs as a tree of these keys; none: as a list."""
        self.tree.keys = tuple(keys)
        self._search()

    def check_keys(self, keys: Sequence[str]) -> None:
        """Hold keys against those that runs have.

        Raises:
            UsageError: there is no such key, as far as all runs were read.
        """
        if not self.unread:
            self._known.check(frozenset(keys))

    def toggle_branch(self, key: str) -> None:
        """Close a branch, or open it."""
        self.tree.toggle(key)
        self._search()

    def refresh(self) -> None:
        """Filter again where the clock alone changes what is found."""
        if "age" in self._query.keys:
            self._search()

    def _search(self) -> None:
        try:
            query = parse_query(self._text)
            if self.runs and not self.unread:
                self._known.check(query.keys)
        except UsageError as error:
            self.fault = str(error)
        else:
            self._query, self.fault = query, ""
        found = self._found()
        self.shown = [values.summary.path for values in found]
        self.rows = self.tree.rows(found)

    def _found(self) -> Sequence[RunValues]:
        """Return what the filter finds; a key that is just being typed is no word to look for."""
        found, terms = self._filter.matching(self._query), self._query.terms
        if not found and terms and not terms[-1].key and self._known.has_key(terms[-1].values[0]):
            return self._filter.matching(Query(terms[:-1]))
        return found

    def completions(self, text: str) -> list[str]:
        """Return what a filter that is being typed may become."""
        return self._known.completions(text)

    @property
    def known_keys(self) -> list[str]:
        """The keys that runs have, as far as they were read."""
        return self._known.keys
