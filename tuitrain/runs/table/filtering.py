"""Which of many runs fulfil a filter, fast enough to be asked at every key that is typed.

The values of a key are gathered once, and what one condition gives is kept while those around it
change. Knows nothing of who types.
"""

from collections.abc import Sequence
from itertools import compress
from operator import and_

from tuitrain.runs.table.query import Query, Term, named_text
from tuitrain.runs.table.values import RunValues, gather

_TIMELY = frozenset({"age"})
"""Keys whose values change with the clock."""
_MOST_KEPT = 64


class RunFilter:
    """Some runs in an order, and which of them a query finds."""

    def __init__(self, runs: Sequence[RunValues]) -> None:
        self.runs = tuple(runs)
        self._columns: dict[str, Sequence[object]] = {}
        self._masks: dict[Term, list[bool]] = {}

    def prepare(self) -> None:
        """Gather what words without a key are looked for in, before the first one is typed."""
        self._column("")

    def matching(self, query: Query) -> list[RunValues]:
        """Return the runs that fulfil a query, in their order."""
        if not query.terms:
            return list(self.runs)
        first, *others = [self._mask(term) for term in query.terms]
        for other in others:
            first = list(map(and_, first, other))
        return list(compress(self.runs, first))

    def _mask(self, term: Term) -> list[bool]:
        if term in self._masks:
            return self._masks[term]
        test = term.tester()
        found = [test(value) is not term.negated for value in self._column(term.key)]
        if term.key not in _TIMELY:
            if len(self._masks) >= _MOST_KEPT:
                self._masks.clear()
            self._masks[term] = found
        return found

    def _column(self, key: str) -> Sequence[object]:
        if key in self._columns:
            return self._columns[key]
        found = gather(self.runs, key) if key else [named_text(run) for run in self.runs]
        if key not in _TIMELY:
            self._columns[key] = found
        return found
