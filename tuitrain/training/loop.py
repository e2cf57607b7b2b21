"""The training loop: steps, and at their boundaries flush, evaluate, checkpoint, obey.

`run` reads from top to bottom; what is fast about it is in the parts it calls. It knows the run
only as a link that takes events and gives commands.
"""

import gc
import time
from collections.abc import Mapping
from typing import Any

import torch

from tuitrain.messages import (
    AlertRaised,
    Evaluated,
    SettingChanged,
    StepsTaken,
    TrainingEnded,
    encode_pending,
)
from tuitrain.training.build import TrainingComponents
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.own_state import restore_state, state_of
from tuitrain.training.checkpoints.saveable import require_saveable
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.commands import CommandHandler, DiskHeldError
from tuitrain.training.memory.allocator import find_allocator
from tuitrain.training.memory.oom_recovery import MemoryEndedError, OomRecovery
from tuitrain.training.memory.watch import MemoryWatch
from tuitrain.training.metrics.evaluation import Evaluator
from tuitrain.training.metrics.progress import Progress
from tuitrain.training.metrics.recorder import KEPT_BYTES, Flushed, StepRecorder
from tuitrain.training.optimizing import restore_optimizer
from tuitrain.training.profiling.profiler import Profiler
from tuitrain.training.profiling.timing import COST_SHARE, StepTimer, clock_of
from tuitrain.training.randomness import generator_states, restore_generators
from tuitrain.training.settings import LiveSettings, PendingChanges
from tuitrain.training.step import Stepper
from tuitrain.training.triggers import Triggers

FLUSH_S = 0.2
"""How often the steps' values leave the device."""
COLLECT_S = 30.0
"""How often python's garbage is collected, at a boundary: left to itself it stalls a step."""


class Trainer:
    """One run's training, from its first step or a restored one to its end."""

    def __init__(
        self,
        parts: TrainingComponents,
        link: WorkerChannel,
        writer: CheckpointWriter,
        config: str,
        timing_share: float = COST_SHARE,
    ) -> None:
        """Stand ready before the first step.

        Args:
            parts: what to train, and with what.
            link: takes events and gives commands.
            writer: of checkpoints.
            config: the resolved preset, as checkpoints hold it.
            timing_share: part of the training time that splitting steps may take.
        """
        self.parts = parts
        self.link = link
        self.writer = writer
        self.step = 0
        """Updates done."""
        self.total_steps = parts.total_steps
        self.settings = LiveSettings.begin(parts.preset, parts.schedule, self.total_steps)
        self._periods = Triggers(parts.preset.train, self.settings, parts.data.plan.steps_per_epoch)
        self.replay = PendingChanges(())
        self.progress = Progress(parts.preset, parts.task.train_metric())
        self._config = config
        self._saved_step = -1
        self._train_s = 0.0
        self._clock = self._flush_at = self._saved_at = self._collected_at = time.perf_counter()
        self._nonfinite: str = ""
        self._was_finite = True

        self._recorder = StepRecorder(parts.task)
        self._timer = StepTimer(clock_of(parts.device), timing_share)
        self._stepper = Stepper(parts, self.settings, self._recorder, self._timer)
        self._flushed_step = self._first_step = 0
        self._proved = False
        train = parts.preset.train
        self.evaluator = Evaluator(
            model=parts.model,
            loss=parts.loss,
            task=parts.task,
            source=parts.data.validation,
            preparation=parts.data.preparation,
            precision=parts.precision,
            outputs=parts.data.spec.outputs,
            classes=parts.data.classes,
            batch_size=max(train.batch_size, 256),
            workers=parts.preset.data.workers,
            device=parts.device,
        )
        self._obedience = CommandHandler(self)
        # Inside a compiled model hooks don't fire.
        roots = {"loss": parts.loss, **({} if train.compile else {"model": parts.model})}
        profiles = writer.run_directory / "profiles"
        self.profiler = Profiler(roots, parts.device, profiles, link.send)
        allocator = find_allocator(parts.device)
        self.memory = MemoryWatch(parts, allocator, link.send)
        self.relief = OomRecovery(self, allocator)

    # --- the loop -------------------------------------------------------------------------------

    def run(self) -> TrainingEnded:
        """Train until the run ends, and return how it did; the final checkpoint is on disk."""
        self._batches = self.parts.batches(self.step)
        self._flushed_step = self._first_step = self.step
        self._stepper.begin()
        self.memory.begin(self.step)
        gc.collect()
        gc.freeze()
        gc.disable()
        self.resume_clock()
        self._saved_at = self._collected_at = time.perf_counter()
        try:
            ended = self._boundary()
            while ended is None:
                profiled = self.profiler.under_way is not None
                self.relief.step(self._take_profiled_step if profiled else self._take_step)
                if (
                    self.link.attention
                    or self.step >= self._due_step
                    or time.perf_counter() >= self._flush_at
                    or self._recorder.kept_bytes > KEPT_BYTES
                    or self._nonfinite
                ):
                    ended = self._boundary()
            return ended
        except DiskHeldError as error:
            return TrainingEnded(time.time(), self.step, "stopped", str(error))
        except MemoryEndedError as error:
            return error.ended
        except Exception as error:
            self._obedience.rescue(error)
            raise
        finally:
            self._obedience.settle_writer()
            self.profiler.finish(self.step)
            self.memory.abandon()
            gc.enable()
            self._batches.close()

    def _take_profiled_step(self) -> None:
        # What a profile costs would count to the loop's share of a step.
        self._timer.leave_out(self.step)
        self.profiler.step(self._take_step, self.step + 1)

    def _take_step(self) -> None:
        self._nonfinite = self._stepper.take(self.step, self._batches)
        if not self._nonfinite:
            self.step += 1

    # --- the boundary between two steps ---------------------------------------------------------

    def _boundary(self) -> TrainingEnded | None:
        self.memory.look(self.step)
        self._flush()
        self._prove_saveable()
        if self._nonfinite:
            return self._obedience.end_nonfinite(self._nonfinite)
        at_end = self.step >= self.total_steps
        wanted = at_end or self._periods.evaluates_at(self.step)
        if wanted and self.progress.evaluated_step != self.step:
            self.evaluate()
        early = self.progress.early_stop.reason
        if early:
            return self._obedience.end("finished", f"early stop: {early}")
        if at_end:
            return self._obedience.end("finished", self._end_reason())
        self._replay_settings()
        self._obedience.check_writer()
        if self._checkpoint_due():
            self.save(("last",))
        called = self.link.attention or self._obedience.held
        ended = self._obedience.obey() if called else None
        self._collect_garbage()
        if self.memory.account():
            self.resume_clock()
        due = min(self.replay.next_step() or self.total_steps, self._periods.next_after(self.step))
        self._due_step = self.memory.due_step(self.step, min(self.total_steps, due))
        return ended

    def _prove_saveable(self) -> None:
        """Look once, when the optimizer has a state, whether checkpoints could be loaded again."""
        if not self._proved and self.step > self._first_step:
            self._proved = True
            require_saveable(self.state(), self.step)

    def _flush(self) -> None:
        now = time.perf_counter()
        self._flush_at = now + FLUSH_S
        if not len(self._recorder):
            return
        self._timer.begin_flush()
        flushed = self._recorder.flush(self._flushed_step + 1)
        now = time.perf_counter()
        took_s, self._clock = now - self._clock, now
        self._train_s += took_s
        self._flush_at = now + FLUSH_S
        self._look_for_nonfinite(flushed)
        self._flushed_step = flushed.last_step
        # A step whose update was not made because the run ends there is no step of the run.
        done = self.step - flushed.first_step + 1
        self.progress.train_means.add(flushed.losses[:done], flushed.measured[:done])
        steps = len(flushed.losses)
        points = flushed.points(self.parts.task.train_metric(), flushed.samples / max(took_s, 1e-9))
        self.link.send(
            StepsTaken(
                time=time.time(),
                first_step=flushed.first_step,
                last_step=flushed.last_step,
                epoch=flushed.last_step / self.parts.data.plan.steps_per_epoch,
                train_s=self._train_s,
                points=points + self._timer.points(flushed.last_step, took_s / steps),
            )
        )
        self._timer.end_flush(steps)
        self.memory.read(self.step)

    def _look_for_nonfinite(self, flushed: Flushed) -> None:
        bad = flushed.first_nonfinite()
        was_finite, self._was_finite = self._was_finite, bad is None
        if bad is None or not was_finite:
            return
        policy = self.parts.preset.train.nonfinite
        text = f"loss is {flushed.losses[bad - flushed.first_step]} at step {bad}"
        if policy == "stop":
            self._nonfinite = text
            if self._stepper.learns_late:
                # Every update from this step on was left out on the device.
                flushed.cut_after(bad)
                self.step = bad - 1
        words = {
            "stop": "the run ends with the state before this step",
            "skip": "its update is left out",
            "ignore": "its update was made",
        }
        self.alert("nonfinite", f"{text}; {words[policy]}")

    def evaluate(self) -> None:
        """Evaluate now, move best and early stopping, save a new best."""
        self.profiler.expect(self.evaluator.batches, self.step)
        result = self.relief.evaluation(self.evaluator.run)
        self.link.send(
            Evaluated(
                time=time.time(),
                step=self.step,
                epoch=self.step / self.parts.data.plan.steps_per_epoch,
                duration_s=result.duration_s,
                metrics=result.metrics,
                counts=result.counts,
            )
        )
        is_best = self.progress.update(result.metrics, self.step)
        if is_best and self.parts.preset.checkpoint.best:
            self.save(("last", "best"))
        gc.collect()
        self.resume_clock()

    def _end_reason(self) -> str:
        train = self.parts.preset.train
        if train.max_steps and self.step == train.max_steps:
            return f"train.max_steps = {train.max_steps} reached"
        return f"{train.epochs} epochs done"

    def _replay_settings(self) -> None:
        for step, key, value in self.replay.take(self.step):
            old = self.change_setting(key, value)
            if step == self.step:
                self.link.send(SettingChanged(time.time(), step, key, old, value))

    def change_setting(self, key: str, value: float) -> float:
        """Give a live setting a new value from the next step on; return the old one."""
        old = self.settings.change(key, value, self.step)
        if key == "stop.patience":
            self.progress.early_stop.patience = int(value)
        elif key == "optimizer.weight_decay":
            self.parts.groups.set_weight_decay(value)
        return old

    def _collect_garbage(self) -> None:
        if time.perf_counter() - self._collected_at > COLLECT_S:
            gc.collect()
            self._collected_at = time.perf_counter()

    # --- a step that fails ----------------------------------------------------------------------

    def break_off(self) -> None:
        """Let go of what a step or an evaluation that failed has left, with its memory."""
        self.memory.abandon()
        self._recorder.forget_after(self.step)
        self.parts.optimizer.zero_grad()
        gc.collect()

    def split_batches(self, at_once: int) -> None:
        """Let the next step, and all after it, go through the model in smaller batches."""
        self.parts.split_batches(at_once)
        self._batches.close()
        self._batches = self.parts.batches(self.step)
        self.memory.begin(self.step)
        self._due_step = self.memory.due_step(self.step, self._due_step)

    def keep_last_step(self) -> None:
        """Put the last whole step on record and on disk."""
        self._flush()
        if self.step and (not self._nonfinite or self.weights_are_finite()):
            self.save(("last",))
        self._obedience.with_disk(self.writer.wait)

    # --- checkpoints ----------------------------------------------------------------------------

    def _checkpoint_due(self) -> bool:
        if self.step <= self._saved_step or not self.step:
            return False
        waited_s = time.perf_counter() - self._saved_at
        return self._periods.saves_at(self.step) or (
            self._periods.saves_after(waited_s) and not self.writer.busy
        )

    def save(self, names: tuple[str, ...]) -> None:
        """Begin to save a checkpoint of this step, or give the one it has more names."""
        if self.writer.has(self.step):
            self._obedience.with_disk(lambda: self.writer.add_names(names))
            self.resume_clock()
            return
        self._obedience.with_disk(
            lambda: self.writer.save(
                self.state,
                step=self.step,
                names=names,
                keep=self.parts.preset.checkpoint.keep,
                metrics=self.progress.metrics,
            )
        )
        self._saved_step, self._saved_at = self.step, time.perf_counter()
        self.resume_clock()

    def state(self) -> Mapping[str, Any]:
        """Return all that an exact resume needs, beside what the preset says."""
        scaler = self.parts.precision.scaler
        return {
            "model": self.parts.model.state_dict(),
            "optimizer": self.parts.optimizer.state_dict(),
            "loss": state_of(self.parts.loss),
            "schedule": self.parts.schedule.state(),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "step": self.step,
            "epoch": self.step / self.parts.data.plan.steps_per_epoch,
            "generators": generator_states(),
            "settings": dict(self.settings.values),
            **self.progress.state(),
            "train_s": self._train_s,
            "threads": torch.get_num_threads(),
            "config": self._config,
            "at_once": self.parts.data.plan.at_once,
            "evaluation_size": self.evaluator.batch_size,
            "pending": encode_pending(self.link.unacknowledged()),
        }

    def restore(self, state: Mapping[str, Any], settings: PendingChanges) -> None:
        """Go back to a state that `state` returned; the generators last of all.

        Raises:
            CheckpointError: the state is of other parts.
        """
        preset = self.parts.preset
        restore_state(self.parts.model, state["model"], f"model.name = {preset.model.name}")
        # Checkpoints from before losses and schedules could have state have neither.
        restore_state(self.parts.loss, state.get("loss", {}), f"loss.name = {preset.loss.name}")
        if "schedule" in state:
            self.parts.schedule.restore(state["schedule"])
        name = f"optimizer.name = {preset.optimizer.name}"
        restore_optimizer(self.parts.optimizer, state["optimizer"], name)
        if self.parts.precision.scaler is not None:
            self.parts.precision.scaler.load_state_dict(state["scaler"])
        self.step = self._saved_step = int(state["step"])
        self.settings.values.update(state["settings"])
        self.progress.restore(state)
        self._train_s = state["train_s"]
        for step, key, value in settings.take(self.step):
            # Earlier changes are in the checkpoint; one of this very step may have come after it.
            if step == self.step:
                self.change_setting(key, value)
        self.progress.early_stop.patience = int(self.settings["stop.patience"])
        self.replay = settings
        # Checkpoints from before batches could be split have neither.
        self.parts.split_batches(state.get("at_once", 0))
        self.evaluator.batch_size = state.get("evaluation_size", self.evaluator.batch_size)
        restore_generators(state["generators"])

    # --- small things ---------------------------------------------------------------------------

    def alert(self, kind: str, text: str) -> None:
        """Tell whoever watches."""
        self.link.send(AlertRaised(time.time(), self.step, kind, text))

    def resume_clock(self) -> None:
        """Count training time from now: what went before was no training."""
        self._clock = time.perf_counter()
        self._flush_at = self._clock + FLUSH_S

    def weights_are_finite(self) -> bool:
        """Say whether every number in the model's state is finite."""
        values = self.parts.model.state_dict().values()
        return all(bool(torch.isfinite(v).all()) for v in values if v.is_floating_point())
