"""The training loop: steps, and between them what is due.

`run` reads from top to bottom; what is fast about it is in the parts it calls. It knows the run
only as a channel that takes events and gives commands.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tuitrain.components.logged import send_to
from tuitrain.messages import AlertRaised, Event, TrainingEnded
from tuitrain.training.boundary import Boundary, BoundaryPlanner, Planner
from tuitrain.training.build import TrainingComponents
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.full_disk import DiskHeldError
from tuitrain.training.checkpoints.manager import CheckpointManager
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.commands import CommandHandler
from tuitrain.training.distributed.agreement import AgreedPlanner
from tuitrain.training.distributed.channel import QuietChannel
from tuitrain.training.distributed.profiles import ProfileAnswers, RankProfiles
from tuitrain.training.distributed.readings import RankReadings
from tuitrain.training.distributed.steps import SharedSteps
from tuitrain.training.endings import Endings, RunEndedError, note_unsaved
from tuitrain.training.instruments import Instrument
from tuitrain.training.memory.allocator import Allocator, find_allocator
from tuitrain.training.memory.oom_recovery import OomRecovery
from tuitrain.training.memory.oom_report import OutOfMemory, is_in_update
from tuitrain.training.memory.watch import MemoryWatch
from tuitrain.training.metrics.evaluating import EvaluationRound
from tuitrain.training.metrics.layers import LayerWatch
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.metrics.reporter import StepReporter
from tuitrain.training.modules.singles import check_singles
from tuitrain.training.optimization.nonfinite import NonfinitePolicy
from tuitrain.training.profiling.flops import WorkCount
from tuitrain.training.profiling.profiler import Profiler, roots_of
from tuitrain.training.profiling.timing import COST_SHARE, StepTimer, clock_of
from tuitrain.training.standstill import Standstill
from tuitrain.training.state import TrainingState
from tuitrain.training.step import TrainStep
from tuitrain.training.triggers import Triggers

_LOOK_S = 1.0
"""How long a standstill waits at a time."""


def _instrument(state: TrainingState, send: Callable[[Event], None], what: str) -> Instrument:
    """Return an instrument whose failure is an alert."""

    def tell(text: str, trace: str) -> None:
        send(AlertRaised(time.time(), state.step, "record", text, trace))

    return Instrument(what, tell)


def _profiles_of(
    components: TrainingComponents, channel: WorkerChannel, folder: Path
) -> tuple[Profiler, RankProfiles, ProfileAnswers]:
    """Return what takes profiles of this rank, alone and with others, and who answers for all."""
    answers = ProfileAnswers(channel.send)
    # Of several ranks rank 0 answers; the others keep theirs for the beat.
    send = channel.keep if isinstance(channel, QuietChannel) else answers.take
    profiler = Profiler(roots_of(components), components.device, folder, send)
    return profiler, RankProfiles(profiler, components.world, answers), answers


def _steps_of(
    state: TrainingState,
    channel: WorkerChannel,
    timing_share: float,
    instrument: Callable[[str], Instrument],
    profiles: RankProfiles,
    answers: ProfileAnswers,
) -> tuple[StepReporter, TrainStep, LayerWatch, SharedSteps | None]:
    """Return what takes the steps of a state, tells of them, looks into layers, and shares them."""
    components = state.components
    nonfinite = NonfinitePolicy(
        components.optimizer,
        components.device,
        components.preset.train.nonfinite,
        scaled=components.precision.scaler is not None,
    )
    recorder = StepRecorder(components.task)
    timer = StepTimer(
        clock_of(components.device),
        timing_share,
        instrument=instrument("the split of steps into stages"),
    )
    norms = instrument("the norm of the gradients")
    step = TrainStep(components, state.settings, nonfinite, recorder, timer, norms)
    layers = LayerWatch(components, state.settings, recorder, instrument("the measure of layers"))
    shared = None
    if not components.world.is_alone:
        held = RankReadings(components.device).read
        shared = SharedSteps(recorder, timer, components.world, channel, held, profiles, answers)
    reporter = StepReporter(state, recorder, timer, nonfinite, channel.send, shared)
    return reporter, step, layers, shared


def _planner_of(
    state: TrainingState, channel: WorkerChannel, shared: SharedSteps | None
) -> Planner:
    """Return what decides between two steps, with all ranks where there are several."""
    parts = state.components
    alone = BoundaryPlanner(channel, Triggers(parts.preset.train, state.settings, parts.data.plan))
    return alone if shared is None else AgreedPlanner(alone, parts.world, shared)


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
        device, send = components.device, channel.send
        allocator = allocator or find_allocator(device)
        self.components = components
        self.state = state = TrainingState(components)

        instrument = partial(_instrument, state, send)
        self._profiler, profiles, answers = _profiles_of(
            components, channel, writer.run_directory / "profiles"
        )
        self._reporter, self._train_step, self._layers, self._shared = _steps_of(
            state, channel, timing_share, instrument, profiles, answers
        )
        self._planner = _planner_of(state, channel, self._shared)
        standstill = Standstill(send)
        self.checkpoints = CheckpointManager(
            state, writer, self._planner, channel, standstill, config
        )
        self._endings = Endings(state, self.checkpoints, self._reporter)
        self._commands = CommandHandler(
            state, self.checkpoints, self._endings, profiles, standstill
        )
        self.memory = MemoryWatch(components, allocator, send, instrument("the account of memory"))
        self._recovery = OomRecovery(components, allocator, send, rerun)
        self._evaluation = EvaluationRound(
            state,
            self._reporter,
            self._recovery,
            self.checkpoints,
            self._endings,
            self._profiler,
            send,
        )
        self._work = WorkCount(components, send)

    # --- the loop ---------------------------------------------------------------------------------

    def run(self) -> TrainingEnded:
        """Train until the run ends, and return how it did; the final checkpoint is on disk.

        Raises:
            TrainingError: the model can't be trained with batches of the sizes that there are.
            BaseException: whatever a step raised; the last whole one is saved.
        """
        self.begin()
        with self._ending():
            try:
                ended = self._advance()
            except DiskHeldError as error:
                return self._endings.without_saving("stopped", str(error))
            except RunEndedError as error:
                if not self.components.world.is_alone:
                    # The others know nothing of it: it is told as this rank's failure.
                    raise
                return error.ended
            except BaseException as error:
                # A user's part may raise SystemExit too; signals and commands never raise here.
                self._rescue(error)
                raise
        if self._shared is not None:
            # The traces of the last profiles are written now.
            self._shared.tell_rest()
        return ended

    def begin(self) -> None:
        """Make ready for the step that comes next."""
        check_singles(self.components)
        self._first_step = self.state.step
        self._planner.follow(self.components.data.plan)
        self._batches = self.components.batches(self.state.step)
        self.components.hooks.started(self.state.step)
        self._train_step.begin()
        self.memory.begin(self.state.step)
        gc.collect()
        gc.freeze()
        gc.disable()
        self._reporter.begin()

    def _advance(self) -> TrainingEnded:
        state, planner, train_step = self.state, self._planner, self._train_step
        ended = self._boundary()
        while ended is None:
            self._step()
            if self._reporter.ends or train_step.full or planner.reached(state.step):
                ended = self._boundary()
        return ended

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Whatever ends the run, let what is under way come to its end."""
        try:
            yield
        finally:
            send_to(None)
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
                saved = self._endings.save_for_lack_of_memory(report)
                raise RunEndedError(self._recovery.ending.of_step(report, self.state.step, saved))
            self._split_batches(at_once)

    def _take_step(self) -> None:
        if self._profiler.under_way is None:
            self._take()
        else:
            # What a profile costs would count to the loop's share of a step.
            self._train_step.leave_untimed(self.state.step)
            self._profiler.step(self._take, self.state.step + 1)
        if not self._reporter.ends:
            self.state.step += 1

    def _take(self) -> None:
        if self._layers.due(self.state.step):
            # What it costs to look would count to the stages of a step.
            self._train_step.leave_untimed(self.state.step)
            self._layers.take(self._take_plain)
        else:
            self._take_plain()

    def _take_plain(self) -> None:
        self._reporter.ends = self._train_step(
            self.state.step, self._batches, self._profiler.lap(self.state.step)
        )

    # --- the boundary between two steps -----------------------------------------------------------

    def _boundary(self) -> TrainingEnded | None:
        """Decide what is due and carry it out; while training is to wait, again and again."""
        send_to(None)
        boundary = self._decide()
        ended = self._carry_out(boundary)
        while ended is None and self._commands.stand_still:
            self._planner.wait(_LOOK_S)
            boundary = self._decide()
            ended = self._carry_out(boundary)
        self._planner.until(self.memory.due_step(boundary.step, boundary.next_step))
        if ended is None:
            self._train_step.listen()
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
        self._reporter.flush()
        self.memory.read(self.state.step)
        if self._reporter.ends:
            self._train_step.undo(self.state.step)
            return self._endings.nonfinite(self._reporter.ends)
        if boundary.step > self._first_step:
            self.checkpoints.prove()
        if boundary.evaluate:
            self._evaluation.run()
        if early := self.state.progress.early_stop.reason:
            return self._endings.finish(f"early stop: {early}")
        if boundary.end:
            return self._endings.finish()
        self._commands.repeat(boundary.changes)
        waited = self.checkpoints.check()
        if boundary.save:
            self.checkpoints.save("last")
        ended = self._commands.handle(self._planner.next_command, boundary.orphaned)
        if boundary.collect:
            gc.collect()
        looked = self.memory.account() or self._tell_work(boundary.step)
        if waited or looked or boundary.evaluate or boundary.save or boundary.commands:
            self._reporter.restart_clock()
        return ended

    def _tell_work(self, step: int) -> bool:
        """Say how much arithmetic a step is: a second's count, which one rank makes."""
        return self.components.world.leads and self._work.tell_after(step - self._first_step)

    # --- a step that fails ------------------------------------------------------------------------

    def _break_off(self) -> None:
        """Let go of what a step that failed has left, with its memory."""
        send_to(None)
        self.memory.abandon()
        self._train_step.undo(self.state.step)
        gc.collect()

    def _rescue(self, error: BaseException) -> None:
        """Save the last whole step before an error ends the run; one of several ranks can't."""
        self._endings.leave_forked_child(error)
        if not self.components.world.is_alone:
            return
        try:
            if not is_in_update(error):
                self._break_off()
        except BaseException as second:  # a device that is lost takes its weights along
            note_unsaved(error, second)
        else:
            self._endings.save_before(error)

    def _split_batches(self, at_once: int) -> None:
        """Let the next step, and all after it, go through the model in smaller batches."""
        self.components.split_batches(at_once)
        self._open_batches()
        self.memory.begin(self.state.step)
        self._planner.until(self.memory.due_step(self.state.step, self.state.step + 1))

    def _open_batches(self) -> None:
        self._batches.close()
        self._batches = self.components.batches(self.state.step)
        self._train_step.listen()
