"""A thread that reads what a table of runs shows beside their gist: settings, metrics, labels.

Of the runs in sight, or of all once a filter, an order or a column asks; knows no widget.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuitrain.errors import TuitrainError
from tuitrain.remote.registry import Hosts, open_reader
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.labels import load_labels
from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.details import RunDetails, details_of, load_details
from tuitrain.runs.table.known import KnownValues
from tuitrain.runs.table.values import RunValues
from tuitrain.ui.feeds.run import LIST_LOOK_S, Follower

_DELIVERY_S = 0.3
"""How long reading goes on before what there is is shown."""
_Seen = tuple[RunSummary, int]


@dataclass(frozen=True, slots=True)
class ReadDetails:
    """What was read since the last time."""

    values: Mapping[str, RunValues]
    """By the run's path; settings, metrics and labels are there."""
    known: KnownValues = field(default_factory=KnownValues)
    """Of all runs that were read."""


class DetailsFollower(Follower):
    """Reads runs again when their record or their labels have changed."""

    def __init__(
        self,
        deliver: Callable[[ReadDetails], None],
        hosts: Hosts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(LIST_LOOK_S)
        self._deliver = deliver
        self._hosts = hosts
        self._clock = clock
        self._wanted: tuple[RunSummary, ...] = ()
        self._seen: dict[str, _Seen] = {}
        self._known = KnownValues()
        self.held = False

    def ask(self, runs: Sequence[RunSummary]) -> None:
        """Ask for these runs from now on; those not asked for before are read now."""
        known = {run.path for run in self._wanted}
        self._wanted = tuple(runs)
        if any(run.path not in known for run in self._wanted):
            self.wake()

    def poll(self) -> None:
        """Read what is missing or has changed; hand it on in parts while there is much of it."""
        if self.held:
            return
        stale = [(run, seen) for run in self._wanted if (seen := self._changed(run)) is not None]
        fresh: dict[str, RunValues] = {}
        shown_at = time.monotonic()
        for place, (run, seen) in enumerate(stale, start=1):
            if self.closed or self.held:
                return
            self._seen[run.path] = seen
            fresh[run.path] = self._read(run)
            late = time.monotonic() - shown_at > _DELIVERY_S
            if late or place == len(stale):
                self._deliver(ReadDetails(fresh, self._known.copy()))
                fresh, shown_at = {}, time.monotonic()

    def _changed(self, run: RunSummary) -> _Seen | None:
        """Return what a run's state is now, where it is another than when it was read."""
        path = RunDirectory(Path(run.path)).labels_path
        try:
            labelled = path.stat().st_mtime_ns
        except OSError:
            labelled = 0
        seen = (run, labelled)
        return None if self._seen.get(run.path) == seen else seen

    def _read(self, run: RunSummary) -> RunValues:
        directory = RunDirectory(Path(run.path))
        values = RunValues(
            run,
            self._clock,
            details=read_details(directory, self._hosts),
            labels=load_labels(directory),
        )
        self._known.add(values)
        return values


def read_details(directory: RunDirectory, hosts: Hosts) -> RunDetails:
    """Return a run's settings and metrics, wherever it is; none where they can't be read."""
    try:
        located = hosts.located(directory)
        if located is directory:
            return load_details(directory)
        with open_reader(located) as reader:
            return details_of(reader)
    except TuitrainError:
        return RunDetails()


NOT_READ = RunDetails()
"""Of a run that was not read yet."""
