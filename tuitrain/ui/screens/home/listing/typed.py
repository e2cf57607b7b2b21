"""The filter that is typed over home's runs, and what it finds; knows no widget."""

from collections.abc import Collection, Sequence

from tuitrain.errors import UsageError
from tuitrain.runs.table.filtering import RunFilter
from tuitrain.runs.table.query import Query, parse_query
from tuitrain.runs.table.values import RunValues
from tuitrain.ui.screens.home.listing.known import KnownRuns


class TypedFilter:
    """A text that may be a filter; what is none leaves the one before it in force."""

    def __init__(self, known: KnownRuns) -> None:
        """Find all runs; `known` says which keys they have."""
        self._known = known
        self._filter = RunFilter(())
        self._query = Query()
        self._prepares = False
        self.text = ""
        self.fault = ""
        """Why the text is no filter."""

    @property
    def keys(self) -> Collection[str]:
        """The keys that it asks for."""
        return self._query.keys

    def take_runs(self, runs: Sequence[RunValues]) -> None:
        """Look among these from now on."""
        self._filter = RunFilter(runs)
        if self._prepares:
            self._filter.prepare()

    def prepare(self) -> None:
        """Get ready for a text that is about to be typed."""
        self._prepares = True
        self._filter.prepare()

    def find(self) -> Sequence[RunValues]:
        """Return the runs that are found now, in their order."""
        try:
            query = parse_query(self.text)
            if self._known.runs:
                self._known.check_keys(query.keys)
        except UsageError as error:
            self.fault = str(error)
        else:
            self._query, self.fault = query, ""
        found, terms = self._filter.matching(self._query), self._query.terms
        last = terms[-1] if terms and not terms[-1].key else None
        # A key that is just being typed is no word to look for.
        if not found and last is not None and self._known.keys.has_key(last.values[0]):
            return self._filter.matching(Query(terms[:-1]))
        return found
