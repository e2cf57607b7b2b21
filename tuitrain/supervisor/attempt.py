"""One attempt of a run: from a worker that gets its order to the end on record.

Knows the worker as a process with two queues; what is done about events is told to observers.
"""

import contextlib
import shutil
from collections.abc import Sequence
from functools import partial

from tuitrain.errors import EXIT_FAILED, EXIT_FINISHED, EXIT_INTERRUPTED, EXIT_TERMINATED
from tuitrain.messages import CheckpointSaved, Command, TrainingEnded
from tuitrain.ranks import FOLDER, is_signalled, pids_of_ranks, read_board, read_cause
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.log import LogFile
from tuitrain.runs.watched import is_script
from tuitrain.supervisor.clock import SteadyClock
from tuitrain.supervisor.cluster.words import cause_words
from tuitrain.supervisor.intake import Intake
from tuitrain.supervisor.observers.observer import Observers
from tuitrain.supervisor.rank_deadline import RankDeadline
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.relay import CommandRelay
from tuitrain.supervisor.sampling import Sampling
from tuitrain.supervisor.signals import Signals
from tuitrain.supervisor.stopping import Stopping
from tuitrain.supervisor.worker_process import Worker, describe_exit, kill_group
from tuitrain.telemetry.sampler import Sampler

LOOK_S = 0.1
_LOG_TAIL_LINES = 5
_LOG_TAIL_BYTES = 16384


class Attempt:
    """Supervises one worker until it has ended."""

    def __init__(
        self,
        directory: RunDirectory,
        worker: Worker,
        record: RecordKeeper,
        observers: Observers,
        signals: Signals,
        clock: SteadyClock,
        grace_s: float,
    ) -> None:
        """Prepare to supervise.

        Args:
            directory: of the run.
            worker: waits for its order.
            record: takes what it says.
            observers: are told of it.
            signals: of this process.
            clock: gives the times on record.
            grace_s: how long a worker that is stopped may take to checkpoint and end.
        """
        self._directory = directory
        self._worker = worker
        self._record = record
        self._observers = observers
        self._signals = signals
        self._clock = clock
        self._intake = Intake(clock)
        self._stopping = Stopping(worker, record, grace_s)
        self._relay = CommandRelay(
            worker, self._stopping, record, observers, directory.stacks_path, clock
        )
        self._ended: TrainingEnded | None = None
        self._saved_step = 0
        """Of the newest checkpoint; 0: there is none."""
        # A script's ranks are its own: one may end before the others.
        self._ranks = (
            None
            if is_script(directory)
            else RankDeadline(directory.path, partial(kill_group, worker.pid))
        )

    def supervise(self, order: Command) -> None:
        """Let the worker carry out the order; return once its end is on record.

        Raises:
            HeldRecordError: something could not be recorded: the disk is full, or it is held.
            RecordError: the record can't be written.
        """
        if self._ranks is not None:
            # What the ranks of an earlier attempt have left says nothing of this one. A script has
            # one attempt only, and one that asked for its supervisor has begun before it.
            shutil.rmtree(self._directory.path / FOLDER, ignore_errors=True)
        self._worker.send(order)
        path = self._directory.path
        sampler = Sampler(self._worker.pid, path, ranks=partial(pids_of_ranks, path))
        sampling = Sampling(sampler, self._record, self._observers, self._clock)
        try:
            while self._worker.is_alive:
                self._look(sampling)
            self._take_in(self._worker.take_last_events(), at_once=True)
        finally:
            self._worker.end()
            sampling.close()
        self._record.require_all(self._directory.id)
        if self._ended is None:
            self._conclude(self._unannounced_end())

    def _look(self, sampling: Sampling) -> None:
        self._take_in(self._worker.take_events(LOOK_S))
        self._relay.pass_on_signals(self._signals.take())
        self._relay.pass_on_commands(self._record.take_commands())
        self._stopping.end_overdue()
        if self._ranks is not None:
            self._ranks.poll()
        self._observers.poll(self._worker.pid)
        self._record.retry()
        sampling.poll()

    def _take_in(self, items: Sequence[object], *, at_once: bool = False) -> None:
        events, alerts = self._intake.take(items)
        for alert in alerts:
            self._observers.tell(alert)
        for item in events:
            self._observers.arrived(item.event)
            if isinstance(item.event, TrainingEnded):
                self._ended = item.event
            elif isinstance(item.event, CheckpointSaved):
                self._saved_step = item.event.step
        recorded = self._record.record(events, at_once=at_once)
        for alert in self._record.take_alerts(self._observers.step):
            self._observers.tell(alert)
        for event in recorded:
            self._observers.recorded(event)

    # --- the end --------------------------------------------------------------------------------

    def fail(self, reason: str) -> None:
        """Record that the attempt failed before the worker got its order."""
        self._conclude(self._failure(reason))

    def _conclude(self, ended: TrainingEnded) -> None:
        """Record an end that no worker told."""
        self._ended = ended
        self._observers.arrived(ended)
        self._record.add_end(ended)
        self._observers.recorded(ended)

    def _unannounced_end(self) -> TrainingEnded:
        reason = self._stopping.reason
        if reason:
            return TrainingEnded(self._clock(), self._observers.step, "stopped", reason)
        if (cause := read_cause(self._directory.path)) is not None:
            words = f"{cause_words(cause)}{'' if cause.common else self._way_on()}"
            return self._failure(words, cause.traceback)
        how = describe_exit(self._worker.exit_code)
        who = "the agent of the ranks" if read_board(self._directory.path) else "the worker"
        return self._failure(f"{who} {how}", self._log_tail())

    def _way_on(self) -> str:
        """Say from where a resume goes on: one rank of several can't save the last whole step."""
        if self._saved_step:
            return f"; the last checkpoint is of step {self._saved_step}: a resume goes on from it"
        return "; there was no checkpoint yet: a resume begins at step 0"

    def _failure(self, reason: str, detail: str = "") -> TrainingEnded:
        return TrainingEnded(self._clock(), self._observers.step, "failed", reason, detail)

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            lines = LogFile(self._directory.log_path).tail(_LOG_TAIL_BYTES).lines
            texts = [line.decode("utf-8", errors="replace") for _place, line in lines]
            return "\n".join(texts[-_LOG_TAIL_LINES:])
        return ""

    @property
    def exit_code(self) -> int:
        """What the supervisor is to end with."""
        state = self._ended.state if self._ended else "failed"
        if state == "finished":
            return EXIT_FINISHED
        if state == "failed":
            return EXIT_FAILED
        if self._stopping.exit_code:
            return self._stopping.exit_code
        # A signal that one of the ranks got is the job's, as under SLURM.
        signalled = self._ended is not None and is_signalled(self._ended.reason)
        return EXIT_TERMINATED if signalled else EXIT_INTERRUPTED
