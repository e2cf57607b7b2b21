"""One run's supervisor: owns the run while it starts a worker and sees it end.

The only writer of what happened. Whoever shows, notifies or tracks is an observer.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping

from tuitrain.errors import RecordError, RunBusyError
from tuitrain.file_lock import FileLock
from tuitrain.messages import Pause
from tuitrain.runs.listing import write_summary
from tuitrain.runs.table.details import save_details
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.attempt import Attempt
from tuitrain.supervisor.clock import SteadyClock
from tuitrain.supervisor.launch import Launch
from tuitrain.supervisor.leftovers import outlast_old_worker, sweep
from tuitrain.supervisor.observers.give_way import GivesWay
from tuitrain.supervisor.observers.observer import Observer, Observers
from tuitrain.supervisor.observers.profile_summaries import BeginDigest, ProfileSummaries
from tuitrain.supervisor.observers.standard import alert_observers
from tuitrain.supervisor.queueing.queued import wait_for_turn
from tuitrain.supervisor.queueing.standing import only_visible, open_turn
from tuitrain.supervisor.queueing.turn import Turn
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.signals import Signals
from tuitrain.supervisor.worker_process import Worker, WorkerProcess
from tuitrain.traces.store import begin_digest

OpenTurn = Callable[[Launch, Wish, Callable[[], float]], Turn]
"""Lets a run stand in the queue."""


class Supervisor:
    """Owns a run from taking its lock to giving it back."""

    def __init__(
        self,
        spec: Launch,
        observers: Iterable[Observer] = (),
        worker: Worker | None = None,
        *,
        digest: BeginDigest = begin_digest,
        open_turn: OpenTurn = open_turn,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare to supervise.

        Args:
            spec: what is to be done.
            observers: follow the run, after those that every run has.
            worker: one that has warmed up; started when None.
            digest: starts the process that works out what a profile says.
            open_turn: lets the run stand in the queue, where it has to wait.
            environ: tells where the user's configuration is.
        """
        self._spec = spec
        self._directory = spec.directory
        self._others = tuple(observers)
        self._worker = worker
        self._digest = digest
        self._open_turn = open_turn
        self._environ = environ
        self._clock = SteadyClock()
        self._signals = Signals(usr1_stops=spec.usr1_stops)

    def run(self) -> int:
        """Supervise until the run is over; return the exit code.

        Raises:
            RunBusyError: another supervisor owns the run.
            RecordError: the record can't be opened or written.
        """
        with FileLock(self._directory.lock_path):
            self._signals.catch()
            wish = self._spec.wish
            exit_code = self._run_once() if wish is None else self._run_in_turn(wish)
            # A list reads the record itself where its copy of the summary is missing.
            with contextlib.suppress(RecordError, OSError, ValueError):
                save_details(self._directory)
                write_summary(self._directory)
        # All is said and done: one more Ctrl-C must not change how this process ends.
        self._signals.ignore_interrupts()
        return exit_code

    def _run_in_turn(self, wish: Wish) -> int:
        """Supervise once it is the run's turn; again after each time that it gave way."""
        while True:
            with contextlib.closing(self._open_turn(self._spec, wish, self._clock)) as turn:
                with RunWriter(self._directory) as writer:
                    ended = wait_for_turn(
                        turn, writer, self._signals, self._clock, self._tell_waiting
                    )
                if ended is not None:
                    sweep(self._directory)
                    return ended
                way = GivesWay(turn.is_wanted, self._clock) if wish.gives_way else None
                with only_visible(turn.held):
                    exit_code = self._run_once(way)
            if way is None or not way.given:
                return exit_code
            self._spec = self._spec.again()

    def _tell_waiting(self, words: str) -> None:
        for observer in self._others:
            observer.waits(words)

    def _run_once(self, way: GivesWay | None = None) -> int:
        # Before the record is opened: it takes about as long to load its first modules.
        worker, self._worker = self._worker or WorkerProcess(self._directory.log_path), None
        if way is not None:
            way.release = lambda: worker.send(Pause(release=True))
        try:
            with RunWriter(self._directory) as writer:
                return self._supervise(worker, writer, () if way is None else (way,))
        finally:
            worker.end()

    def _supervise(self, worker: Worker, writer: RunWriter, more: Iterable[Observer]) -> int:
        record = RecordKeeper(writer, worker.send, self._clock, self._spec.while_held)
        observers = self._follow(record, more)
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

    def _follow(self, record: RecordKeeper, more: Iterable[Observer]) -> Observers:
        alerts = alert_observers(self._spec, self._environ, self._clock)
        own = self._spec.observers(record, self._clock)
        summaries = ProfileSummaries(
            self._directory.path, record, lambda: bool(self._signals.waiting), self._digest
        )
        return Observers([*alerts, summaries, *own, *more, *self._others], record, self._clock)
