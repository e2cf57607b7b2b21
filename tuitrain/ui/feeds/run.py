"""Threads that read runs, so that no slow disk, long run or damaged database stops the interface.

A follower looks whether anything is new, reads what its screen asked for, and hands on one frozen
snapshot. It never waits for the screen: a snapshot that nobody took yet is replaced.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Generic, TypeVar

from tuitrain.analysis.diagnosis.reading import LiveDiagnoses
from tuitrain.analysis.places import environment
from tuitrain.analysis.step_time import SPLIT_POINTS
from tuitrain.analysis.why_failed import FAILED_STATES, read_failures
from tuitrain.errors import FolderError, TuitrainError
from tuitrain.failures.explain import Failure
from tuitrain.metric_names import is_split_metric
from tuitrain.ranks import read_board
from tuitrain.remote.registry import is_live, open_reader
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import run_paths, summarise_run
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import MarkRow, ProgressRow, StateRow
from tuitrain.runs.series import Series
from tuitrain.runs.summary import RunSummary
from tuitrain.supervisor.scripts.ranks import is_gone
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.view.chart.scale import roomy_end

Asked = TypeVar("Asked")
Read = TypeVar("Read")

RUN_LOOK_S = 0.5
"""Curves at 2 Hz look live; more is not seen and costs the terminal."""
LIST_LOOK_S = 1.0
_RETRY_S = 3.0
_RULER_COLUMNS = 32
"""Steps a window whose time and epoch are read; between them the axis is straight."""
_LASTING_S = 1.0
_REFRESH_S = 30.0
"""A quiet run is read again this often: what follows from the clock changes too."""


class Follower:
    """A thread that calls `poll` again and again until it is closed.

    Attributes:
        held: nothing is to be read for now.
    """

    held = False

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; does not wait for a read that is under way."""
        self._closed = True
        self._wake.set()

    def wake(self) -> None:
        """Look at once."""
        self._wake.set()

    @property
    def closed(self) -> bool:
        """Whether nobody wants to know any more."""
        return self._closed

    def _run(self) -> None:
        while not self._closed:
            self._wake.clear()
            self.poll()
            self._wake.wait(self._period_s)
        self.finish()

    def poll(self) -> None:
        """Read once, and hand on what is new."""
        raise NotImplementedError

    def finish(self) -> None:
        """Let go of what was opened; called in the thread."""


class RecordFollower(Follower, Generic[Asked, Read]):
    """Reads one run's record whenever anything is new, or something else is asked for."""

    def __init__(
        self, directory: RunDirectory, deliver: Callable[[Read], None], request: Asked
    ) -> None:
        super().__init__(RUN_LOOK_S)
        self._directory = directory
        self._deliver = deliver
        self._request = request
        self._stack = ExitStack()
        self._reader: RunReader | None = None
        self._seen: tuple[object, ...] = ()
        self._retry_at = 0.0

    def ask(self, request: Asked) -> None:
        """Ask for something else from now on."""
        if request != self._request:
            self._request = request
            self.wake()

    def poll(self) -> None:
        """Read the run if there is a reason to."""
        if time.monotonic() < self._retry_at:
            return
        request = self._request
        try:
            reader = self._open()
            seen = (reader.version(), request, is_live(reader), self.moment())
            if seen == self._seen:
                return
            snapshot = self.read(reader, request)
            self._seen = seen
        except (TuitrainError, OSError) as error:
            self._retry_at = time.monotonic() + _RETRY_S
            self._seen = ()
            self.finish()
            snapshot = self.fail(str(error))
        if not self.closed:
            self._deliver(snapshot)

    def read(self, reader: RunReader, request: Asked) -> Read:
        """Return what was asked for.

        Raises:
            RecordError: the database can't be read.
        """
        raise NotImplementedError

    def fail(self, reason: str) -> Read:
        """Return what is shown of a record that can't be read."""
        raise NotImplementedError

    def moment(self) -> object:
        """Return what lets a record be read again, once it is another one."""
        return None

    def _open(self) -> RunReader:
        if self._reader is None:
            self._reader = self._stack.enter_context(open_reader(self._directory))
        return self._reader

    def finish(self) -> None:
        """Close the database."""
        self._stack.close()
        self._stack = ExitStack()
        self._reader = None


class RunFollower(RecordFollower[Request, RunSnapshot]):
    """Follows one run."""

    def __init__(
        self,
        directory: RunDirectory,
        deliver: Callable[[RunSnapshot], None],
        request: Request | None = None,
        *,
        explained: bool = False,
    ) -> None:
        """Follow the run in `directory`.

        Args:
            directory: the run.
            deliver: takes what was read, in the thread.
            request: what the screen asks for.
            explained: what the curves show, and why the run failed, is wanted too.
        """
        super().__init__(directory, deliver, request or Request())
        self._before: RunSnapshot | None = None
        self._diagnoses = LiveDiagnoses() if explained else None
        self._failures: tuple[StateRow, tuple[Failure, ...]] | None = None

    def read(self, reader: RunReader, request: Request) -> RunSnapshot:
        """Read the run; of curves that were read before only the new end."""
        snapshot = read_snapshot(reader, request, self._before)
        if snapshot.live:
            ranks = tuple(read_board(self._directory.path))
            gone = frozenset(each.rank for each in ranks if is_gone(each))
            snapshot = replace(snapshot, ranks=ranks, ranks_gone=gone)
        if self._diagnoses is not None:
            snapshot = replace(
                snapshot,
                diagnoses=self._diagnoses.read(reader),
                failures=self._read_failures(reader, snapshot.state),
            )
        self._before = snapshot
        return snapshot

    def _read_failures(self, reader: RunReader, state: StateRow | None) -> tuple[Failure, ...]:
        """Return why the run failed, found out once for each end."""
        if state is None or state.state not in FAILED_STATES:
            return ()
        if self._failures is None or self._failures[0] != state:
            self._failures = state, read_failures(reader)
        return self._failures[1]

    def fail(self, reason: str) -> RunSnapshot:
        """Forget what was read."""
        self._before = None
        return RunSnapshot(self._directory.id, error=reason)

    def moment(self) -> object:
        """Read a quiet run now and then too."""
        return int(time.monotonic() / _REFRESH_S)


class CurvesFollower(RecordFollower[Request, RunSnapshot]):
    """Follows the curves of one run, and nothing else of it."""

    def __init__(
        self,
        directory: RunDirectory,
        deliver: Callable[[RunSnapshot], None],
        request: Request | None = None,
    ) -> None:
        """Follow the run in `directory`; the other arguments are those of `RunFollower`."""
        super().__init__(directory, deliver, request or Request())
        self._before: RunSnapshot | None = None
        self._version = -1

    def read(self, reader: RunReader, request: Request) -> RunSnapshot:
        """Read the curves; of those that were read before only the new end."""
        version, before = reader.version(), self._before
        if before is not None and version == self._version and not before.live:
            self._before = read_other_curves(reader, request, before)
        else:
            self._before = read_curves(reader, request, before)
        self._version = version
        return self._before

    def fail(self, reason: str) -> RunSnapshot:
        """Forget what was read."""
        self._before = None
        return RunSnapshot(self._directory.id, error=reason)


def read_curves(
    reader: RunReader, request: Request, before: RunSnapshot | None = None
) -> RunSnapshot:
    """Read a run's curves, and what they are drawn and compared by.

    Args:
        reader: of the run.
        request: what the screen asks for.
        before: what was read last; of its curves only the end is read anew.

    Raises:
        RecordError: the database can't be read.
    """
    summary, facts, state = reader.summary(), reader.facts(), reader.state()
    live = is_live(reader)
    # Where steps are to come; else it costs as much as a curve, and tells nothing of those there.
    speed = reader.steps.speed(SPLIT_POINTS) if live else None
    per_s = None if speed is None else speed.steps_per_s
    marks = tuple(reader.entries.marks())
    read = RunSnapshot(
        id=reader.directory.id,
        summary=summary,
        state=state,
        end_step=roomy_end(summary.step, per_s, summary.total_steps) if live else summary.step,
        metric_names=tuple(reader.curves.metric_names()),
        metrics={row.name: row for row in reader.curves.metrics()},
        speed=speed,
        facts=facts,
        marks=marks,
        config=reader.config(),
        place=environment(reader.meta()),
        live=live,
    )
    same = before is not None and _resumes(before.marks) == _resumes(marks)
    return read_other_curves(reader, request, read, before.series if before and same else {})


def read_other_curves(
    reader: RunReader,
    request: Request,
    read: RunSnapshot,
    grown: Mapping[str, Series] = MappingProxyType({}),
) -> RunSnapshot:
    """Return a run as it was read with the curves that are asked for now.

    Args:
        reader: of the run.
        request: what the screen asks for.
        read: all else of the run.
        grown: curves of which only the end is to be read anew.

    Raises:
        RecordError: the database can't be read.
    """
    names, step = read.metric_names, read.summary.step if read.summary is not None else 0
    wanted = names if request.metrics is None else [n for n in names if n in request.metrics]
    wanted = [*wanted, *filter(is_split_metric, request.metrics or ())]
    first = read.first_step if request.first_step is None else request.first_step
    last = read.end_step if request.last_step is None else request.last_step
    known = max(first, min(last, step))
    times = reader.steps.step_times(first, known, _RULER_COLUMNS) if request.times else ()
    return replace(
        read,
        series={
            name: (
                reader.curves.power_series(name, first, last, request.columns)
                if request.by_powers
                else reader.curves.series(name, first, last, request.columns, grown.get(name))
            )
            for name in wanted
        },
        step_times=tuple(times),
    )


def read_snapshot(
    reader: RunReader, request: Request, before: RunSnapshot | None = None
) -> RunSnapshot:
    """Read everything that a run's screens show; arguments and errors as `read_curves` has them."""
    curves = read_curves(reader, request, before)
    devices = reader.entries.devices()
    return replace(
        curves,
        # Over as many messages as the split of a step has points.
        speed=curves.speed or reader.steps.speed(SPLIT_POINTS),
        states=tuple(reader.states()),
        attempts=tuple(reader.attempts()),
        samples=reader.readings.latest_samples(),
        sampled=reader.readings.latest_sample_time(),
        devices=devices.facts if devices else {},
        split=reader.curves.split(SPLIT_POINTS),
        spent=reader.spent(),
        profiles=tuple(reader.entries.profiles()),
        alerts=tuple(reader.entries.alerts()),
        commands=tuple(reader.entries.commands()),
        checkpoints=tuple(row for row in reader.entries.checkpoints() if row.removed is None),
        steps_per_epoch=curves.facts.steps_per_epoch or 0,
        parameters=curves.facts.parameters or 0,
        activity=_activity(curves, reader.steps.progress()),
    )


def _activity(read: RunSnapshot, trained: ProgressRow | None) -> str:
    """Return what a run has been at for a while since its last step; empty: nothing but training.

    What is over sooner than one looks would only flicker.
    """
    begun, state = read.facts.activity, read.state
    if not read.live or begun is None or state is None or state.state != "running":
        return ""
    since = max(state.time, trained.time if trained is not None else 0.0)
    return begun.what if since <= begun.time <= time.time() - _LASTING_S else ""


def _resumes(marks: tuple[MarkRow, ...]) -> int:
    """Return how often the run was resumed: each time it may have given up its last points."""
    return sum(mark.kind == "resume" for mark in marks)


_AT_REST = frozenset({"finished", "stopped", "failed", "paused"})
_GIST = RunDirectory(Path()).summary_path.name


class ListFollower(Follower):
    """Follows the list of runs: reads again only those that may have changed."""

    def __init__(
        self,
        root: Path,
        deliver: Callable[[tuple[RunSummary, ...]], None],
        fail: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        super().__init__(LIST_LOOK_S)
        self._root = root
        self._deliver = deliver
        self._fail = fail
        self._fault = ""
        self._known: dict[str, RunSummary] = {}
        self._written: dict[str, int] = {}
        """When each run's summary was written; 0 where there is none."""
        self._shown: tuple[RunSummary, ...] | None = None
        self._changed = -1
        self._folders: list[str] = []

    def poll(self) -> None:
        """List the runs; hand the list on if it differs, or why there is none."""
        try:
            paths, fault = self._paths(), ""
        except FolderError as error:
            paths, fault = [], str(error)
        here = [self._summary(path) for path in paths]
        runs = tuple(
            sorted(
                (*here, *self.elsewhere()),
                key=lambda run: (run.created, run.id),
                reverse=True,
            )
        )
        self._known = {run.path: run for run in here}
        if fault != self._fault and not self._closed:
            self._fault = fault
            self._fail(fault)
        if runs != self._shown and not self._closed:
            self._shown = runs
            self._deliver(runs)

    def elsewhere(self) -> Sequence[RunSummary]:
        """Return the runs of other machines."""
        return ()

    def _paths(self) -> list[str]:
        """Return the runs' folders, listed anew only when one came or went."""
        try:
            changed = self._root.stat().st_mtime_ns
        except OSError:
            changed = 0
        if changed != self._changed or not changed:
            self._changed, self._folders = -1, run_paths(self._root)
            self._changed = changed
        return self._folders

    def _summary(self, path: str) -> RunSummary:
        known, written = self._known.get(path), _written(f"{path}/{_GIST}")
        # A run at rest has its summary.json, and loses it when it is resumed; a renamed one has
        # another.
        at_rest = known is not None and known.state in _AT_REST
        if known is not None and at_rest and written and written == self._written.get(path):
            return known
        self._written[path] = written
        return summarise_run(path)


def _written(path: str) -> int:
    try:
        # A plain call of the system: ten thousand of these are one look at the list.
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
