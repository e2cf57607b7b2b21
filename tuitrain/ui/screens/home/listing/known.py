"""All runs, and what was read of each: what a list of them is made from.

Values in, values out; knows neither filters nor what is in sight.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from tuitrain.runs.labels import Labels
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.known import KnownValues
from tuitrain.runs.table.values import RunValues, ordered
from tuitrain.ui.feeds.details import NOT_READ, ReadDetails
from tuitrain.view.runlist.columns import measure_values
from tuitrain.view.runrows import Needs, NeedsOfRuns, in_order, names_of_own

_NO_LABELS = Labels()


class KnownRuns:
    """Runs by their paths, with their values."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know of none yet; `clock` gives seconds since the epoch."""
        self._clock = clock
        self._measured = NeedsOfRuns()
        self.runs: dict[str, RunSummary] = {}
        self.values: dict[str, RunValues] = {}
        self.called: Mapping[str, str] = {}
        self.keys = KnownValues()
        """What they have, as far as they were read."""
        self.unread = 0
        """How many were not read yet."""

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Take in the list of all runs."""
        self.runs = {run.path: run for run in runs}
        self.values = {run.path: self._values_of(run) for run in runs}
        self.called = names_of_own(runs)
        self._count()

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
        self.keys = read.known
        self._count()

    def _count(self) -> None:
        self.unread = sum(values.details is NOT_READ for values in self.values.values())

    def in_order(self, sort: str) -> Sequence[RunValues]:
        """Return all in the order of a key; empty: what needs attention first."""
        usual = [self.values[run.path] for run in in_order(self.runs.values(), self._clock())]
        return ordered(usual, sort) if sort else usual

    def measure(self, columns: Iterable[str]) -> Needs:
        """Return the cells that their words take, and their values in the columns of choice."""
        needs = self._measured.measure(self.runs.values(), self.called)
        return replace(needs, values=measure_values(self.values.values(), columns))

    def check_keys(self, keys: Iterable[str]) -> None:
        """Hold keys against those that runs have.

        Raises:
            UsageError: there is no such key, as far as all runs were read.
        """
        if not self.unread:
            self.keys.check(frozenset(keys))
