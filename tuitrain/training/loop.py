"""The training loop: steps, and between them what is due.

`run` reads from top to bottom; what is fast about it is in the parts it calls. It knows the run
only as a channel that takes events and gives commands.
"""

import gc
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tuitrain.errors import TrainingError
from tuitrain.messages import AlertRaised, Evaluated, SettingChanged, StepsTaken, TrainingEnded
from tuitrain.training.boundary import Boundary, BoundaryPlanner
from tuitrain.training.build import TrainingComponents
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.manager import CheckpointManager, DiskHeldError
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.commands import CommandHandler
from tuitrain.training.instruments import Instrument
from tuitrain.training.memory.allocator import Allocator, find_allocator
from tuitrain.training.memory.oom_recovery import HALF_MADE, OomRecovery
from tuitrain.training.memory.oom_report import (
    OomReport,
    OutOfMemory,
    is_in_update,
    is_out_of_memory,
)
from tuitrain.training.memory.watch import MemoryWatch
from tuitrain.training.metrics.evaluation import Evaluation, Evaluator
from tuitrain.training.metrics.recorder import Flushed, StepRecorder
from tuitrain.training.nonfinite import NonfinitePolicy
from tuitrain.training.profiling.flops import count_work
from tuitrain.training.profiling.profiler import Profiler
from tuitrain.training.profiling.timing import COST_SHARE, StepTimer, clock_of
from tuitrain.training.singles import check_singles
from tuitrain.training.standstill import Standstill
from tuitrain.training.state import TrainingState
from tuitrain.training.step import TrainStep
from tuitrain.training.triggers import Triggers

_LOOK_S = 1.0
"""How long a standstill waits at a time."""


class _RunEndedError(Exception):
    """The run is over for a reason that `ended` tells."""

    def __init__(self, ended: TrainingEnded) -> None:
        super().__init__(ended.reason)
        self.ended = ended


def _exit_code_of(error: BaseException) -> int:
    """Return what python would end a process with that this error leaves."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 1


class Trainer:
    """One run's training, from its first step or a restored one to its end."""

    def __init__(
        self,
        components: TrainingComponents,
        channel: WorkerChannel,
        writer: CheckpointWriter,
        config: str,
        *,
        rerun: tuple[str, ...] = (),
        timing_share: float = COST_SHARE,
        allocator: Allocator | None = None,
    ) -> None:
        """Stand ready before the first step.

        Args:
            components: what to train, and with what.
            channel: takes events and gives commands.
            writer: of checkpoints.
            config: the resolved preset, as checkpoints hold it.
            rerun: the words of the command that begins the run again.
            timing_share: part of the training time that splitting steps may take.
            allocator: of the device; found where none is given.
        """
        preset, device = components.preset, components.device
        allocator = allocator or find_allocator(device)
        self.components = components
        self.state = TrainingState(components)
        self._send = channel.send
        self._nonfinite = NonfinitePolicy(
            components.optimizer,
            device,
            preset.train.nonfinite,
            scaled=components.precision.scaler is not None,
        )
        self._recorder = StepRecorder(components.task)
        self._timer = StepTimer(
            clock_of(device),
            timing_share,
            instrument=self._instrument("the split of steps into stages"),
        )
        self._train_step = TrainStep(
            components,
            self.state.settings,
            self._nonfinite,
            self._recorder,
            self._timer,
            self._instrument("the norm of the gradients"),
        )
        self._evaluator = Evaluator(components)
        self.memory = MemoryWatch(
            components, allocator, channel.send, self._instrument("the account of memory")
        )
        self._recovery = OomRecovery(components, allocator, channel.send, rerun)
        # Inside a compiled model hooks don't fire.
        roots = {} if preset.train.compile else {"model": components.model}
        profiles = writer.run_directory / "profiles"
        self._profiler = Profiler(
            {"loss": components.loss, **roots}, device, profiles, channel.send
        )
        steps_per_epoch = components.data.plan.steps_per_epoch
        self._triggers = Triggers(preset.train, self.state.settings, steps_per_epoch)
        self._planner = BoundaryPlanner(channel, self._triggers)
        self._standstill = Standstill(channel.send)
        self.checkpoints = CheckpointManager(
            self.state, writer, self._planner, channel, self._standstill, config
        )
        self._commands = CommandHandler(
            self.state, self.checkpoints, self._profiler, self._standstill
        )
        self._ends = ""
        """Why the run has to end: the last step's loss is not finite."""
        self._counted = False
        self._was_measured = True

    def _instrument(self, what: str) -> Instrument:
        """Return an instrument whose failure is an alert."""
        return Instrument(what, lambda text, trace: self._alert("record", text, trace))

    def _alert(self, kind: str, text: str, detail: str = "") -> None:
        self._send(AlertRaised(time.time(), self.state.step, kind, text, detail))

    # --- the loop ---------------------------------------------------------------------------------

    def run(self) -> TrainingEnded:
        """Train until the run ends, and return how it did; the final checkpoint is on disk.

        Raises:
            TrainingError: the model can't be trained with batches of the sizes that there are.
            BaseException: whatever a step raised; the last whole one is saved.
        """
        state, planner = self.state, self._planner
        self._begin()
        with self._ending():
            try:
                ended = self._boundary()
                while ended is None:
                    self._step()
                    if self._ends or self._recorder.full or planner.reached(state.step):
                        ended = self._boundary()
                return ended
            except DiskHeldError as error:
                return TrainingEnded(time.time(), state.step, "stopped", str(error))
            except _RunEndedError as error:
                return error.ended
            except BaseException as error:
                # A user's part may raise SystemExit too; signals and commands never raise here.
                self._save_what_is_whole(error)
                raise

    def _begin(self) -> None:
        check_singles(self.components)
        self._pid = os.getpid()
        plan = self.components.data.plan
        self._triggers.follow(plan.steps_per_epoch, plan.ahead)
        self._first_step = self._flushed_step = self.state.step
        self._batches = self.components.batches(self.state.step)
        self.components.hooks.started(self.state.step)
        self._train_step.begin()
        self.memory.begin(self.state.step)
        gc.collect()
        gc.freeze()
        gc.disable()
        self._clock = time.perf_counter()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Whatever ends the run, let what is under way come to its end."""
        try:
            yield
        finally:
            self.checkpoints.settle()
            self.components.hooks.ended()
            self._profiler.finish(self.state.step)
            self.memory.abandon()
            gc.enable()
            self._batches.close()

    def _step(self) -> None:
        """Take a step, in smaller batches where memory runs out and the preset says so."""
        while True:
            try:
                return self._take_step()
            except OutOfMemory as error:
                again = self.memory.undo(error)
                report = None if again else self._recovery.capture(error)
            except Exception as error:
                if not self.memory.undo(error):
                    raise
                report = None
            # Outside the handler: the error is gone, and with it what its frames held.
            self._break_off()
            if report is None:
                # Only the measurement of memory has failed.
                self._open_batches()
                continue
            self._recovery.release()
            at_once = self._recovery.split_step(report, self.state.step)
            if at_once is None:
                saved = self._save_for_lack_of_memory(report)
                ended = self._recovery.end_step(report, self.state.step, saved)
                raise _RunEndedError(ended)
            self._split_batches(at_once)

    def _take_step(self) -> None:
        if self._profiler.under_way is None:
            self._ends = self._train_step(self.state.step, self._batches)
        else:
            # What a profile costs would count to the loop's share of a step.
            self._timer.leave_out(self.state.step)
            self._profiler.step(self._take_profiled_step, self.state.step + 1)
        if not self._ends:
            self.state.step += 1

    def _take_profiled_step(self) -> None:
        self._ends = self._train_step(self.state.step, self._batches)

    # --- the boundary between two steps -----------------------------------------------------------

    def _boundary(self) -> TrainingEnded | None:
        """Decide what is due and carry it out; while training is to wait, again and again."""
        boundary = self._decide()
        ended = self._carry_out(boundary)
        while ended is None and self._standstill.lasts:
            self._planner.wait(_LOOK_S)
            boundary = self._decide()
            ended = self._carry_out(boundary)
        self._planner.until(self.memory.due_step(boundary.step, boundary.next_step))
        return ended

    def _decide(self) -> Boundary:
        return self._planner.decide(
            self.state.step,
            evaluated_step=self.state.progress.evaluated_step,
            saved_step=self.checkpoints.saved_step,
            writing=self.checkpoints.busy,
            total_steps=self.state.total_steps,
            pending=self.state.pending,
        )

    def _carry_out(self, boundary: Boundary) -> TrainingEnded | None:
        self.memory.look(boundary.step)
        self._flush()
        if self._ends:
            return self._end_nonfinite(self._ends)
        if boundary.step > self._first_step:
            self.checkpoints.prove()
        if boundary.evaluate:
            self._evaluate()
        if early := self.state.progress.early_stop.reason:
            return self._finish(f"early stop: {early}")
        if boundary.end:
            return self._finish(self._end_reason())
        self._change_settings(boundary)
        waited = self.checkpoints.check()
        if boundary.save:
            self.checkpoints.save("last")
        ended = self._commands.handle(boundary.commands, boundary.orphaned)
        if boundary.collect:
            gc.collect()
        accounted = self.memory.account() or self._count_work(boundary.step)
        if waited or accounted or boundary.evaluate or boundary.save or boundary.commands:
            # What went before was no training.
            self._clock = time.perf_counter()
        return ended

    def _finish(self, reason: str) -> TrainingEnded:
        lacking = self.state.progress.lacks_best()
        said = f"; {lacking}" if lacking and self.components.preset.checkpoint.best else ""
        return self._commands.end("finished", f"{reason}{said}")

    def _count_work(self, step: int) -> bool:
        """Tell once of a step's arithmetic, after a step: tables that a model keeps are there."""
        if self._counted or step == self._first_step:
            return False
        self._counted = True
        work = count_work(self.components)
        if work is not None:
            self._send(work)
        return True

    def _flush(self) -> None:
        """Tell of the steps since the last flush; here alone the host waits for the device."""
        if not len(self._recorder):
            return
        self._timer.begin_flush()
        flushed = self._recorder.flush(self._flushed_step + 1)
        now = time.perf_counter()
        took_s, self._clock = now - self._clock, now
        self.state.train_s += took_s
        self._review(flushed)
        self._flushed_step = flushed.last_step
        # A step whose update was not made because the run ends there is no step of the run.
        done = self.state.step - flushed.first_step + 1
        self.state.progress.train_means.add(flushed.losses[:done], flushed.measured[:done])
        self._send(self._steps_taken(flushed, took_s))
        self._timer.end_flush(len(flushed.losses))
        self.memory.read(self.state.step)

    def _review(self, flushed: Flushed) -> None:
        found = self._nonfinite.review(flushed)
        if found is None:
            return
        if found.ends:
            self._ends = found.reason
        if found.left_out:
            flushed.cut_after(found.step)
            self.state.step = found.step - 1
        self._alert("nonfinite", found.alert)

    def _steps_taken(self, flushed: Flushed, took_s: float) -> StepsTaken:
        metric = self.components.task.train_metric
        points = flushed.points(metric, flushed.samples / max(took_s, 1e-9))
        split = self._timer.points(flushed.last_step, took_s / len(flushed.losses))
        return StepsTaken(
            time=time.time(),
            first_step=flushed.first_step,
            last_step=flushed.last_step,
            epoch=self.state.epoch_at(flushed.last_step),
            train_s=self.state.train_s,
            points=points + split,
        )

    def _evaluate(self) -> None:
        """Evaluate now, move best and early stopping, save a new best."""
        state = self.state
        batches = self._evaluator.batches(state.evaluation_size)
        self._profiler.expect(batches, state.step)
        result = self._run_evaluation()
        self._send(
            Evaluated(
                time=time.time(),
                step=state.step,
                epoch=state.epoch,
                duration_s=result.duration_s,
                metrics=result.metrics,
                counts=result.counts,
            )
        )
        self._look_for_unmeasured(result.metrics)
        self.components.schedule.evaluated(result.metrics, state.step)
        self.components.hooks.evaluated(result.metrics, state.step)
        is_best = state.progress.update(result.metrics, state.step)
        if is_best and self.components.preset.checkpoint.best:
            self.checkpoints.save("last", "best")
        gc.collect()

    def _look_for_unmeasured(self, metrics: Mapping[str, float]) -> None:
        text = self.state.progress.describe_nonfinite(metrics)
        was_measured, self._was_measured = self._was_measured, not text
        # Where the training's own losses are not finite that is told already.
        if text and was_measured and self._nonfinite.was_finite:
            self._alert("nonfinite", f"after step {self.state.step}: {text}")

    def _run_evaluation(self) -> Evaluation:
        """Evaluate, in smaller batches where memory runs out and the preset says so."""
        step = self.state.step
        while True:
            try:
                return self._evaluator.run(self.state.evaluation_size)
            except OutOfMemory as error:
                report = self._recovery.capture(error)
            self._break_off()
            self._recovery.release()
            size = self._evaluator.largest(self.state.evaluation_size)
            smaller = self._recovery.split_evaluation(report, step, size)
            if smaller is None:
                saved = self._save_for_lack_of_memory(report)
                raise _RunEndedError(self._recovery.end_evaluation(report, step, size, saved))
            self.state.evaluation_size = smaller

    def _change_settings(self, boundary: Boundary) -> None:
        for step, key, value in boundary.changes:
            old = self.state.change_setting(key, value)
            if step == boundary.step:
                self._send(SettingChanged(time.time(), step, key, old, value))

    def _end_reason(self) -> str:
        train = self.components.preset.train
        if train.max_steps and self.state.step == train.max_steps:
            return f"train.max_steps = {train.max_steps} reached"
        return f"{train.epochs} epochs done"

    def _end_nonfinite(self, reason: str) -> TrainingEnded:
        """Save the last finite state, if this is one, and return the run's failure."""
        step = self.state.step
        if self.state.weights_are_finite():
            advice = f"the state of step {step} is saved: resume with a lower optimizer.lr"
            return self._commands.end("failed", f"{reason}; {advice}")
        advice = (
            "the weights are not finite either, so the last checkpoint stays the one before: "
            "resume with another learning rate or train.clip_norm"
        )
        return TrainingEnded(time.time(), step, "failed", f"{reason}; {advice}")

    # --- a step that fails ------------------------------------------------------------------------

    def _break_off(self) -> None:
        """Let go of what a step or an evaluation that failed has left, with its memory."""
        self.memory.abandon()
        self._recorder.forget_after(self.state.step)
        self.components.optimizer.zero_grad()
        gc.collect()

    def _split_batches(self, at_once: int) -> None:
        """Let the next step, and all after it, go through the model in smaller batches."""
        self.components.split_batches(at_once)
        self._open_batches()
        self.memory.begin(self.state.step)
        self._planner.until(self.memory.due_step(self.state.step, self.state.step + 1))

    def _open_batches(self) -> None:
        self._batches.close()
        self._batches = self.components.batches(self.state.step)

    def _save_last_step(self) -> None:
        """Put the last whole step on record and on disk."""
        self._flush()
        if not self._ends or self.state.weights_are_finite():
            self.checkpoints.save_whole("last")

    def _save_for_lack_of_memory(self, report: OomReport) -> str:
        """Save the last whole step where there is one; return what became of it, in words."""
        if report.in_update:
            return HALF_MADE
        try:
            self._save_last_step()
        except OutOfMemory as error:
            if not is_out_of_memory(error):
                raise
            return "; there was no memory left to save this step, the last checkpoint stays"
        step = self.state.step
        return f"; step {step} is saved" if self.checkpoints.has(step) else ""

    def _save_what_is_whole(self, error: BaseException) -> None:
        """Save the last whole step before an error ends the run; the error's notes say so."""
        if os.getpid() != self._pid:
            # A part has forked, and its child comes out here: the run is its parent's.
            os._exit(_exit_code_of(error))
        if is_in_update(error):
            error.add_note("the last update may be half made, so the last checkpoint stays")
            return
        try:
            self._break_off()
            self._save_last_step()
        except BaseException as second:  # a device that is lost takes its weights along
            again = isinstance(second, TrainingError) and str(second) == str(error)
            why = "" if again else f": {type(second).__name__}: {second}"
            error.add_note(f"the last step could not be saved{why}")
        else:
            if self.checkpoints.has(self.state.step):
                error.add_note(f"step {self.state.step} is saved")
