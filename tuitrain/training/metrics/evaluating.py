"""An evaluation as a run makes it: told, judged, and in smaller batches where memory runs out."""

import gc
import time
from collections.abc import Callable, Mapping
from functools import partial

import torch

from tuitrain.errors import TrainingError
from tuitrain.messages import ActivityBegun, AlertRaised, Evaluated, Event
from tuitrain.training.checkpoints.manager import CheckpointManager
from tuitrain.training.endings import Endings, RunEndedError
from tuitrain.training.instruments import Instrument
from tuitrain.training.memory.oom_recovery import OomRecovery
from tuitrain.training.memory.oom_report import OutOfMemory
from tuitrain.training.metrics.evaluation import Evaluation, Evaluator
from tuitrain.training.metrics.reporter import StepReporter
from tuitrain.training.modules.modes import evaluation_mode
from tuitrain.training.profiling.profiler import Profiler
from tuitrain.training.runtime.randomness import generator_states, restore_generators
from tuitrain.training.state import TrainingState
from tuitrain.training.task import SEEN_LATER


class EvaluationRound:
    """Evaluates a run's state, moves best value and early stopping, and saves a new best."""

    def __init__(
        self,
        state: TrainingState,
        reporter: StepReporter,
        recovery: OomRecovery,
        checkpoints: CheckpointManager,
        endings: Endings,
        profiler: Profiler,
        send: Callable[[Event], None],
    ) -> None:
        self._state = state
        self._reporter = reporter
        self._evaluator = Evaluator(state.components)
        self._recovery = recovery
        self._checkpoints = checkpoints
        self._endings = endings
        self._profiler = profiler
        self._send = send
        self._was_measured = True
        self._looks = [
            (Instrument(f"hooks.{name} during evaluations", self._tell_left_out), name, look)
            for name, look in state.components.hooks.during_evaluation
        ]

    def run(self) -> None:
        """Evaluate now.

        Raises:
            RunEndedError: there is not enough memory for it.
        """
        state, components = self._state, self._state.components
        components.world.stand(state.step, "evaluation")
        self._send(ActivityBegun(time.time(), state.step, "validating"))
        self._profiler.expect(self._evaluator.batches(state.evaluation_size), state.step)
        result = self._evaluate()
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
        if self._looks and components.world.leads:
            self._look_on()
        components.schedule.evaluated(result.metrics, state.step)
        components.hooks.evaluated(result.metrics, state.step)
        self._require_monitors(result.metrics)
        is_best = state.progress.update(result.metrics, state.step)
        if is_best and components.preset.checkpoint.best:
            self._checkpoints.save("last", "best")
        gc.collect()

    def _evaluate(self) -> Evaluation:
        """Evaluate, in smaller batches where memory runs out and the preset says so."""
        state = self._state
        while True:
            try:
                return self._evaluator.run(state.evaluation_size)
            except OutOfMemory as error:
                report = self._recovery.capture(error)
            # Outside the handler: the error is gone, and with it what its frames held.
            gc.collect()
            self._recovery.release()
            size = self._evaluator.largest(state.evaluation_size)
            smaller = self._recovery.split_evaluation(report, state.step, size)
            if smaller is None:
                saved = self._endings.save_for_lack_of_memory(report)
                ended = self._recovery.ending.of_evaluation(report, state.step, size, saved)
                raise RunEndedError(ended)
            state.evaluation_size = smaller

    @torch.no_grad()
    def _look_on(self) -> None:
        """Let the hooks that show something of the model do so."""
        parts = self._state.components
        states = generator_states()
        with parts.whole_model(), evaluation_mode(parts.model), parts.precision.autocast():
            for instrument, name, look in self._looks:
                instrument.look(partial(self._with_disk, name, look), None)
        restore_generators(states)

    def _with_disk(self, name: str, look: Callable[[int], None]) -> None:
        """Let a hook write; where the disk can't take it, the next evaluation is another try."""
        step = self._state.step
        try:
            look(step)
        except OSError as error:
            text = f"hooks.{name} could not write what it has of step {step}: {error}"
            self._send(AlertRaised(time.time(), step, "disk", text))

    def _tell_left_out(self, text: str, trace: str) -> None:
        self._send(AlertRaised(time.time(), self._state.step, "record", text, trace))

    def _require_monitors(self, metrics: Mapping[str, float]) -> None:
        """Refuse to go on by a metric that evaluations do not give: nothing would ever be best.

        Raises:
            TrainingError: what is watched is not among these metrics.
        """
        preset = self._state.components.preset
        for name, part in (("checkpoint", preset.checkpoint), ("stop", preset.stop)):
            if (part.monitor or "").startswith(SEEN_LATER) and part.monitor not in metrics:
                raise TrainingError(
                    f"{name}.monitor = {part.monitor}: evaluations give {', '.join(metrics)}"
                )

    def _look_for_unmeasured(self, metrics: Mapping[str, float]) -> None:
        text = self._state.progress.describe_nonfinite(metrics)
        was_measured, self._was_measured = self._was_measured, not text
        # Where the training's own losses are not finite that is told already.
        if text and was_measured and self._reporter.losses_are_finite:
            step = self._state.step
            self._send(AlertRaised(time.time(), step, "nonfinite", f"after step {step}: {text}"))
