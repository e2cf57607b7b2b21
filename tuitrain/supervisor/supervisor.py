"""One run's supervisor: starts the worker, records what it says, passes on commands, sees it end.

The only writer of what happened. It knows the worker as a process with two queues, and whoever
prints as a function that is told each event.
"""

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from tuitrain.config.load import to_toml
from tuitrain.errors import (
    EXIT_FAILED,
    EXIT_FINISHED,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    DiskFullError,
    RecordError,
    RunBusyError,
)
from tuitrain.file_lock import FileLock, is_held, read_holder
from tuitrain.messages import (
    Acknowledge,
    AlertRaised,
    Event,
    HoldForRecord,
    Numbered,
    RecordWritable,
    Request,
    SaveCheckpoint,
    StartTraining,
    StepsTaken,
    Stop,
    TakeStacks,
    TrainingEnded,
    left_out_alert,
)
from tuitrain.runs.listing import write_summary
from tuitrain.runs.log import LogFile
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.alert_monitor import open_alert_monitor
from tuitrain.supervisor.clock import SteadyClock
from tuitrain.supervisor.intake import Intake
from tuitrain.supervisor.launch import LaunchSpec
from tuitrain.supervisor.profile_summaries import ProfileSummaries
from tuitrain.supervisor.requests import request_of
from tuitrain.supervisor.worker_process import (
    WorkerProcess,
    describe_exit,
    kill_group,
    wait_until,
)
from tuitrain.telemetry.sampler import Sampler

Observer = Callable[[Event], None]

LOOK_S = 0.1
SAMPLE_S = 1.0
SUMMARY_S = 60.0
"""How long the end of a run waits for what its last profile says."""
_OLD_WORKER_S = 20.0
_RETRY_S = 2.0
_LOG_TAIL_LINES = 5
_LOG_TAIL_BYTES = 16384


class Supervisor:
    """Owns a run from taking its lock to giving it back."""

    def __init__(
        self, spec: LaunchSpec, observe: Observer, worker: WorkerProcess | None = None
    ) -> None:
        """Prepare to supervise.

        Args:
            spec: what is to be done.
            observe: is told each event once it is on record.
            worker: one that has warmed up; started anew when None.
        """
        self._spec = spec
        self._clock = SteadyClock()
        self._intake = Intake(self._clock)
        self._warm_worker = worker
        self._directory = spec.directory
        self._observe = observe
        self._unrecorded: deque[Numbered] = deque()
        self._open_stops: list[int] = []
        self._summaries = ProfileSummaries(spec.directory.path)
        self._ended: TrainingEnded | None = None
        self._signals: list[int] = []
        self._exit_code: int | None = None
        self._kill_at: float | None = None
        self._stop_reason = ""
        self._step = 0
        self._holding = False
        self._alert: AlertRaised | None = None
        self._retry_at = 0.0

    # --- life -----------------------------------------------------------------------------------

    def run(self) -> int:
        """Supervise until the run is over; return the exit code.

        Raises:
            RunBusyError: another supervisor owns the run.
            RecordError: the record can't be opened.
        """
        with FileLock(self._directory.lock_path):
            self._catch_signals()
            with RunWriter(self._directory) as writer:
                self._writer = writer
                self._alerts = open_alert_monitor(
                    self._spec, writer, self._observe, clock=self._clock
                )
                attempt = writer.begin_attempt(self._clock(), "starting the worker")
                writer.commands.refuse_stale(self._clock(), "the supervisor had ended")
                try:
                    self._outlast_old_worker()
                    self._supervise(self._order(attempt))
                except RunBusyError as error:
                    self._conclude(self._failure(str(error)))
                self._alerts.spare("the last look at the alerts", self._alerts.settle, None)
                self._alerts.spare("clearing up", self._sweep, None)
            # A list reads the record itself where its copy of the gist is missing.
            with contextlib.suppress(RecordError, OSError, ValueError):
                write_summary(self._directory)
        return self._final_exit_code()

    def _order(self, attempt: int) -> StartTraining:
        spec, history = self._spec, self._writer.history()
        return StartTraining(
            run_directory=str(self._directory.path.resolve()),
            config=to_toml(spec.preset),
            attempt=attempt,
            data_directory=str(spec.data_directory),
            code_folders=spec.code_folders,
            resume=spec.resume,
            had_checkpoint=history.has_checkpoint,
            settings=history.settings,
            checkpoint=spec.checkpoint,
            live=spec.live,
            abandoned=history.abandoned,
        )

    def _outlast_old_worker(self) -> None:
        """Wait for a worker whose supervisor was killed: it is about to checkpoint and end.

        Raises:
            RunBusyError: it does not end, and does not run on this machine.
        """
        lock_path = self._directory.worker_lock_path
        if wait_until(lambda: not is_held(lock_path), _OLD_WORKER_S):
            return
        holder = read_holder(lock_path)
        if holder is None or holder.host != os.uname().nodename:
            where = holder.host if holder else "another machine"
            raise RunBusyError(f"an earlier worker of this run is still alive on {where}")
        kill_group(holder.pid)
        if not wait_until(lambda: not is_held(lock_path), _OLD_WORKER_S):
            raise RunBusyError(f"an earlier worker, process {holder.pid}, does not end")

    def _supervise(self, order: StartTraining) -> None:
        worker = self._warm_worker or WorkerProcess(self._directory.log_path)
        worker.send(order)
        sampler = Sampler(worker.pid, self._directory.path)
        sample_at = 0.0
        try:
            while worker.is_alive:
                self._take_in(worker.take_events(LOOK_S), worker)
                self._obey_signals(worker)
                self._pass_on_commands(worker)
                self._end_overdue(worker)
                self._alerts.spare(
                    "the watch for hangs", lambda: self._alerts.look(worker.pid), None
                )
                self._record_summaries(0.0)
                if time.monotonic() >= sample_at and not self._holding:
                    sample_at = time.monotonic() + SAMPLE_S
                    self._alerts.spare(
                        "a reading of the devices", lambda: self._sample(sampler), None
                    )
            self._retry_at = 0.0
            self._take_in(worker.take_last_events(), worker)
            self._record_summaries(SUMMARY_S)
        finally:
            self._summaries.close()
            worker.end()
            sampler.close()
        if self._unrecorded:
            raise DiskFullError(
                f"{self._directory.id}: the disk is full, so how this went on could not be "
                f"recorded; free some space, then `tuitrain resume {self._directory.id}`"
            )
        if self._ended is None:
            self._conclude(self._unannounced_end(worker.exit_code))
        self._writer.commands.refuse_stale(self._clock(), "the worker has ended")

    def _sample(self, sampler: Sampler) -> None:
        """Record what the devices do, and what is known of them where that has changed."""
        readings, facts = sampler.read(), sampler.facts()
        now = self._clock()
        self._alerts.read(now, readings)
        self._store(lambda: self._writer.add_samples(now, readings))
        if facts is not None:
            self._store(lambda: self._writer.set_devices(now, facts))

    # --- what the worker says -------------------------------------------------------------------

    def _take_in(self, items: Sequence[object], worker: WorkerProcess) -> None:
        events, alerts = self._intake.take(items)
        for alert in alerts:
            self._alerts.tell(alert)
        for item in events:
            self._note(item.event)
        self._unrecorded.extend(events)
        if not self._unrecorded or (self._holding and time.monotonic() < self._retry_at):
            return
        batch = list(self._unrecorded)
        try:
            sequence = self._writer.record(batch)
        except DiskFullError as error:
            self._hold(worker, error)
            return
        self._unrecorded.clear()
        worker.send(Acknowledge(sequence))
        if self._holding and self._alert:
            self._release(worker, self._alert)
        if left_out := self._writer.take_left_out():
            self._alerts.tell(left_out_alert(self._clock(), self._step, left_out))
        for item in batch:
            self._alerts.spare(
                "the digest of a profile", partial(self._summaries.begin, item.event), None
            )
            self._alerts.show(item.event)

    def _note(self, event: Event) -> None:
        """Take in what an event says before it is on record."""
        self._alerts.spare("the watch for alerts", lambda: self._alerts.take(event), None)
        if isinstance(event, TrainingEnded):
            self._ended = event
        elif isinstance(event, StepsTaken):
            self._step = event.last_step

    def _hold(self, worker: WorkerProcess, error: RecordError) -> None:
        """Let training wait: what it does now could not be recorded."""
        self._retry_at = time.monotonic() + _RETRY_S
        if not self._holding:
            self._holding = True
            reason = f"the record can't be written: {error}"
            self._alert = AlertRaised(self._clock(), 0, "disk", f"{reason} Training holds.")
            # Told at once, as it can't be recorded yet.
            self._alerts.show(self._alert)
            self._alerts.notify(self._alert)
            worker.send(HoldForRecord(reason))

    def _release(self, worker: WorkerProcess, alert: AlertRaised) -> None:
        """Record why training waited, and let it go on."""
        self._holding = False
        self._store(lambda: self._writer.add_alert(alert.time, alert.kind, alert.text))
        worker.send(RecordWritable())

    def _record_summaries(self, wait_s: float) -> None:
        self._alerts.spare("the digest of a profile", lambda: self._take_summaries(wait_s), None)

    def _take_summaries(self, wait_s: float) -> None:
        for finding in self._summaries.take(wait_s, lambda: bool(self._signals)):
            self._store(partial(self._writer.finish_profile, *finding))

    def _store(self, write: Callable[[], None]) -> None:
        """Record something that can be done without when the disk is full."""
        try:
            write()
        except DiskFullError:
            self._retry_at = time.monotonic() + _RETRY_S

    def _conclude(self, ended: TrainingEnded) -> None:
        """Record an end that no worker told."""
        self._note(ended)
        self._writer.change_state(
            ended.time,
            ended.state,
            ended.reason,
            at_rest=True,
            detail=ended.traceback,
            step=ended.step,
        )
        self._alerts.show(ended)

    def _unannounced_end(self, exit_code: int | None) -> TrainingEnded:
        if self._stop_reason:
            return TrainingEnded(self._clock(), self._step, "stopped", self._stop_reason)
        return self._failure(f"the worker {describe_exit(exit_code)}", self._log_tail())

    def _failure(self, reason: str, detail: str = "") -> TrainingEnded:
        return TrainingEnded(self._clock(), self._step, "failed", reason, detail)

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            lines = LogFile(self._directory.log_path).tail(_LOG_TAIL_BYTES).lines
            texts = [line.decode("utf-8", errors="replace") for _place, line in lines]
            return "\n".join(texts[-_LOG_TAIL_LINES:])
        return ""

    # --- what people want -----------------------------------------------------------------------

    def _pass_on_commands(self, worker: WorkerProcess) -> None:
        if self._holding:
            return
        try:
            commands = self._writer.commands.take(self._clock())
        except DiskFullError as error:
            self._hold(worker, error)
            return
        for row in commands:
            try:
                request = request_of(row)
            except ValueError as error:
                self._answer(row.id, "refused", f"the command can't be carried out: {error}")
            else:
                self._pass_on(request, worker)

    def _pass_on(self, request: Request, worker: WorkerProcess) -> None:
        match request:
            case Stop(command_id=number, now=True):
                self._kill(worker, "killed by command; the last checkpoint stays")
                self._answer(number, "done", "killed at once")
            case TakeStacks(command_id=number):
                self._answer(number, "done", self._alerts.take_stacks(worker.pid))
            case Stop(command_id=number):
                self._alerts.expect_command()
                self._open_stops.append(number)
                self._begin_stop(request, worker, EXIT_INTERRUPTED)
            case _:
                self._alerts.expect_command()
                worker.send(request)

    def _answer(self, command_id: int, outcome: str, text: str) -> None:
        self._store(lambda: self._writer.commands.finish(command_id, self._clock(), outcome, text))

    def _begin_stop(self, stop: Stop, worker: WorkerProcess, exit_code: int) -> None:
        """Let the worker checkpoint and end; a second stop, or the grace period, kills it."""
        if self._kill_at is not None:
            self._kill(worker, "stopped twice: killed at once; the last checkpoint stays")
            return
        self._exit_code = exit_code
        self._kill_at = time.monotonic() + self._spec.preset.train.grace_s
        worker.send(stop)

    def _end_overdue(self, worker: WorkerProcess) -> None:
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            grace_s = self._spec.preset.train.grace_s
            self._kill(worker, f"did not stop within {grace_s:g} s: killed")

    def _kill(self, worker: WorkerProcess, reason: str) -> None:
        self._stop_reason = self._stop_reason or reason
        self._exit_code = self._exit_code or EXIT_INTERRUPTED
        kill_group(worker.pid)
        worker.signal(signal.SIGKILL)
        for command_id in self._open_stops:
            self._answer(command_id, "done", reason)
        self._open_stops.clear()

    # --- signals --------------------------------------------------------------------------------

    def _catch_signals(self) -> None:
        """Note signals for the loop; a hang-up of the terminal is none of the run's business."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda number, _frame: self._signals.append(number))

    def _obey_signals(self, worker: WorkerProcess) -> None:
        while self._signals:
            number = self._signals.pop(0)
            self._alerts.expect_command()
            if number == signal.SIGUSR1:
                worker.send(SaveCheckpoint(0))
            elif number == signal.SIGINT:
                self._begin_stop(Stop(0, "interrupted (SIGINT)"), worker, EXIT_INTERRUPTED)
            else:
                self._begin_stop(Stop(0, "terminated (SIGTERM)"), worker, EXIT_TERMINATED)

    # --- the end --------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Remove what a killed worker left half-done."""
        for leftover in self._directory.checkpoints.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
        self._directory.stacks_path.unlink(missing_ok=True)
        for leftover in self._directory.profiles.glob("*/.*.tmp"):
            leftover.unlink(missing_ok=True)
        log_path = self._directory.supervisor_log_path
        if log_path.exists() and not log_path.stat().st_size:
            log_path.unlink()
        if not is_held(self._directory.worker_lock_path):
            self._directory.worker_lock_path.unlink(missing_ok=True)

    def _final_exit_code(self) -> int:
        # All is said and done: one more Ctrl-C must not change how this process ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        state = self._ended.state if self._ended else "failed"
        if state == "finished":
            return EXIT_FINISHED
        if state == "failed":
            return EXIT_FAILED
        return self._exit_code or EXIT_INTERRUPTED
