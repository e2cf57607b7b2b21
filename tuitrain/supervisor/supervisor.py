"""One run's supervisor: owns the run while it starts a worker and sees it end.

The only writer of what happened. Whoever shows, notifies or tracks is an observer.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping

from tuitrain.errors import RecordError, RunBusyError
from tuitrain.file_lock import FileLock
from tuitrain.runs.listing import write_summary
from tuitrain.runs.table.details import save_details
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.attempt import Attempt
from tuitrain.supervisor.clock import SteadyClock
from tuitrain.supervisor.launch import Launch
from tuitrain.supervisor.leftovers import outlast_old_worker, sweep
from tuitrain.supervisor.observers.observer import Observer, Observers
from tuitrain.supervisor.observers.profile_summaries import BeginDigest, ProfileSummaries
from tuitrain.supervisor.observers.standard import alert_observers
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.signals import Signals
from tuitrain.supervisor.worker_process import Worker, WorkerProcess
from tuitrain.traces.store import begin_digest


class Supervisor:
    """Owns a run from taking its lock to giving it back."""

    def __init__(
        self,
        spec: Launch,
        observers: Iterable[Observer] = (),
        worker: Worker | None = None,
        *,
        digest: BeginDigest = begin_digest,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare to supervise.

        Args:
            spec: what is to be done.
            observers: follow the run, after those that every run has.
            worker: one that has warmed up; started when None.
            digest: starts the process that works out what a profile says.
            environ: tells where the user's configuration is.
        """
        self._spec = spec
        self._directory = spec.directory
        self._others = tuple(observers)
        self._worker = worker
        self._digest = digest
        self._environ = environ
        self._clock = SteadyClock()
        self._signals = Signals()

    def run(self) -> int:
        """Supervise until the run is over; return the exit code.

        Raises:
            RunBusyError: another supervisor owns the run.
            RecordError: the record can't be opened or written.
        """
        with FileLock(self._directory.lock_path):
            self._signals.catch()
            # Before the record is opened: it takes about as long to load its first modules.
            worker = self._worker or WorkerProcess(self._directory.log_path)
            try:
                with RunWriter(self._directory) as writer:
                    exit_code = self._supervise(worker, writer)
            finally:
                worker.end()
            # A list reads the record itself where its copy of the summary is missing.
            with contextlib.suppress(RecordError, OSError, ValueError):
                save_details(self._directory)
                write_summary(self._directory)
        # All is said and done: one more Ctrl-C must not change how this process ends.
        self._signals.ignore_interrupts()
        return exit_code

    def _supervise(self, worker: Worker, writer: RunWriter) -> int:
        record = RecordKeeper(writer, worker.send, self._clock)
        observers = self._follow(record)
        try:
            observers.begun()
            number = writer.begin_attempt(self._clock(), "starting the worker")
            writer.commands.refuse_stale(self._clock(), "the supervisor had ended")
            attempt = Attempt(
                self._directory,
                worker,
                record,
                observers,
                self._signals,
                self._clock,
                self._spec.grace_s,
            )
            try:
                outlast_old_worker(self._directory.worker_lock_path)
            except RunBusyError as error:
                attempt.fail(str(error))
            else:
                attempt.supervise(self._spec.order(number, writer.history()))
                writer.commands.refuse_stale(self._clock(), "the worker has ended")
            observers.ended()
        finally:
            observers.close()
        with observers.spared("clearing up"):
            sweep(self._directory)
        record.retry(at_once=True)
        return attempt.exit_code

    def _follow(self, record: RecordKeeper) -> Observers:
        alerts = alert_observers(self._spec, self._environ, self._clock)
        own = self._spec.observers(record)
        summaries = ProfileSummaries(
            self._directory.path, record, lambda: bool(self._signals.waiting), self._digest
        )
        return Observers([*alerts, summaries, *own, *self._others], record, self._clock)
