"""The training loop: steps, and at their boundaries flush, evaluate, checkpoint, obey.

`run` reads from top to bottom; what is fast about it is in the parts it calls. It knows the run
only as a link that takes events and gives commands.
"""

import gc
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tuitrain.messages import (
    AlertRaised,
    Evaluated,
    SettingChanged,
    StepsTaken,
    TrainingEnded,
    encode_pending,
)
from tuitrain.training.batches import Batch
from tuitrain.training.build import Parts
from tuitrain.training.evaluation import Evaluator
from tuitrain.training.guard import NonfiniteGuard
from tuitrain.training.link import Link
from tuitrain.training.obedience import DiskHeldError, Obedience
from tuitrain.training.progress import (
    StepMeans,
    begin_best,
    begin_early_stop,
    restore_tracker,
    tracker_state,
)
from tuitrain.training.randomness import generator_states, restore_generators
from tuitrain.training.recorder import KEPT_BYTES, Flushed, StepRecorder
from tuitrain.training.settings import LiveSettings, Replay
from tuitrain.training.snapshot import CheckpointWriter

FLUSH_S = 0.2
"""How often the steps' values leave the device."""
COLLECT_S = 30.0
"""How often python's garbage is collected, at a boundary: left to itself it stalls a step."""
_NEVER = 1 << 62


class Trainer:
    """One run's training, from its first step or a restored one to its end."""

    def __init__(self, parts: Parts, link: Link, writer: CheckpointWriter, config: str) -> None:
        self.parts = parts
        self.link = link
        self.writer = writer
        self.step = 0
        """Updates done."""
        self.total_steps = parts.total_steps
        self.settings = LiveSettings.begin(parts.preset, parts.factor, self.total_steps)
        self.replay = Replay(())
        self.metrics: dict[str, float] = {}
        """The latest evaluation's."""
        self._config = config
        self._best = begin_best(parts.preset.checkpoint)
        self._early_stop = begin_early_stop(parts.preset.stop)
        self._evaluated_step = 0
        self._saved_step = -1
        self._train_s = 0.0
        self._clock = self._flush_at = self._saved_at = self._collected_at = time.perf_counter()
        self._train_means = StepMeans(parts.task.train_metric())
        self._nonfinite: str = ""
        self._was_finite = True

        self._rate = -1.0
        self._recorder = StepRecorder(parts.task)
        self._flushed_step = 0
        train = parts.preset.train
        self._guard = NonfiniteGuard(
            parts.optimizer, parts.device, train.nonfinite, parts.precision.scaler is not None
        )
        self._trainable = [p for p in parts.model.parameters() if p.requires_grad]
        self._evaluator = Evaluator(
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
        self._obedience = Obedience(self)

    # --- the loop -------------------------------------------------------------------------------

    def run(self) -> TrainingEnded:
        """Train until the run ends, and return how it did; the final checkpoint is on disk."""
        self._batches = self.parts.batches(self.step)
        self._flushed_step = self.step
        # The optimizer's own rate may be that of a checkpoint: the first step sets it.
        self._rate = -1.0
        self.settings.apply_to(self.parts.optimizer)
        gc.collect()
        gc.freeze()
        gc.disable()
        self.resume_clock()
        self._saved_at = self._collected_at = time.perf_counter()
        try:
            ended = self._boundary()
            while ended is None:
                self._take_step()
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
        finally:
            gc.enable()
            self._batches.close()

    def _take_step(self) -> None:
        parts, step = self.parts, self.step
        rate = self.settings.rate(step)
        if rate != self._rate:
            self._set_rate(rate)
        parts.optimizer.zero_grad()
        batches = self._batches.step(step)
        loss = self._forward_backward(batches)
        if self._guard.allows(loss):
            self._update(step)
        elif parts.preset.train.nonfinite == "stop":
            self._recorder.add_step(loss, rate, len(batches))
            self._nonfinite = f"loss is {loss.item()} at step {step + 1}"
            return
        self._recorder.add_step(loss, rate, len(batches))
        self.step = step + 1

    def _set_rate(self, rate: float) -> None:
        self._rate = rate
        for group in self.parts.optimizer.param_groups:
            group["lr"] = rate

    def _forward_backward(self, batches: list[Batch]) -> Tensor:
        """Return the step's loss, detached; gradients are those of the mean over its samples."""
        losses = []
        scaler = self.parts.precision.scaler
        for batch in batches:
            outputs, loss = self._outputs_and_loss(batch)
            if batch.share != 1.0:
                loss = loss * batch.share
            scaled = loss if scaler is None else scaler.scale(loss)
            torch.autograd.backward(scaled)
            losses.append(loss.detach())
            self._recorder.add_batch(outputs.detach(), batch.targets)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _outputs_and_loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        if self.parts.precision.is_plain:
            outputs = self.parts.task.shape_outputs(self.parts.forward(batch.inputs))
            return outputs, self.parts.loss(outputs, batch.targets)
        with self.parts.precision.autocast():
            outputs = self.parts.task.shape_outputs(self.parts.forward(batch.inputs))
            return outputs, self.parts.loss(outputs, batch.targets)

    def _update(self, step: int) -> None:
        optimizer, scaler = self.parts.optimizer, self.parts.precision.scaler
        clip_norm = self.settings["train.clip_norm"]
        every = self.parts.preset.train.grad_norm_every
        if clip_norm or (every and (step + 1) % every == 0):
            if scaler is not None:
                scaler.unscale_(optimizer)
            self._recorder.add_norm(step + 1, self._norm(clip_norm))
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()

    def _norm(self, clip_norm: float) -> Tensor:
        """Return the norm of all gradients, clipping them where there is a limit."""
        if clip_norm:
            return torch.nn.utils.clip_grad_norm_(self._trainable, clip_norm)
        gradients = [p.grad for p in self._trainable if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients)

    # --- the boundary between two steps ---------------------------------------------------------

    def _boundary(self) -> TrainingEnded | None:
        self._flush()
        if self._nonfinite:
            return self._obedience.end_nonfinite(self._nonfinite)
        at_end = self.step >= self.total_steps
        if self._evaluation_due() or (at_end and self._evaluated_step != self.step):
            self.evaluate()
        if self._early_stop.reason:
            return self._obedience.end("finished", f"early stop: {self._early_stop.reason}")
        if at_end:
            return self._obedience.end("finished", self._end_reason())
        self._replay_settings()
        self._obedience.check_writer()
        if self._checkpoint_due():
            self.save(("last",))
        wanted = self.link.attention or self._obedience.held
        ended = self._obedience.obey() if wanted else None
        self._collect_garbage()
        self._due_step = self._next_due_step()
        return ended

    def _flush(self) -> None:
        now = time.perf_counter()
        self._flush_at = now + FLUSH_S
        if not len(self._recorder):
            return
        flushed = self._recorder.flush(self._flushed_step + 1)
        now = time.perf_counter()
        took_s, self._clock = now - self._clock, now
        self._train_s += took_s
        self._flush_at = now + FLUSH_S
        self._look_for_nonfinite(flushed)
        self._flushed_step = flushed.last_step
        # A step whose update was not made because the run ends there is no step of the run.
        done = self.step - flushed.first_step + 1
        self._train_means.add(flushed.losses[:done], flushed.measured[:done])
        self.link.send(
            StepsTaken(
                time=time.time(),
                first_step=flushed.first_step,
                last_step=flushed.last_step,
                epoch=flushed.last_step / self.parts.data.plan.steps_per_epoch,
                train_s=self._train_s,
                points=flushed.points(
                    self.parts.task.train_metric(), flushed.samples / max(took_s, 1e-9)
                ),
            )
        )

    def _look_for_nonfinite(self, flushed: Flushed) -> None:
        bad = flushed.first_nonfinite()
        was_finite, self._was_finite = self._was_finite, bad is None
        if bad is None or not was_finite:
            return
        policy = self.parts.preset.train.nonfinite
        text = f"loss is {flushed.losses[bad - flushed.first_step]} at step {bad}"
        if policy == "stop":
            self._nonfinite = text
            if self._guard.on_device:
                # Every update from this step on was left out on the device.
                flushed.cut_after(bad)
                self.step = bad - 1
        words = {
            "stop": "the run ends with the state before this step",
            "skip": "its update is left out",
            "ignore": "its update was made",
        }
        self.alert("nonfinite", f"{text}; {words[policy]}")

    def _evaluation_due(self) -> bool:
        train, step = self.parts.preset.train, self.step
        if step == self._evaluated_step or not step:
            return False
        by_epochs = train.evaluate_every_epochs * self.parts.data.plan.steps_per_epoch
        by_steps = train.evaluate_every_steps
        return bool((by_epochs and step % by_epochs == 0) or (by_steps and step % by_steps == 0))

    def evaluate(self) -> None:
        """Evaluate now, move best and early stopping, save a new best."""
        result = self._evaluator.run()
        self._evaluated_step = self.step
        self.metrics = result.metrics
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
        monitored = {**result.metrics, **self._train_means.take()}
        self._early_stop.update(monitored, self.step)
        is_best = self._best.update(monitored, self.step)
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
            self._early_stop.patience = int(value)
        self.settings.apply_to(self.parts.optimizer)
        return old

    def _collect_garbage(self) -> None:
        if time.perf_counter() - self._collected_at > COLLECT_S:
            gc.collect()
            self._collected_at = time.perf_counter()

    def _next_due_step(self) -> int:
        train, per_epoch = self.parts.preset.train, self.parts.data.plan.steps_per_epoch
        periods = (
            train.evaluate_every_epochs * per_epoch,
            train.evaluate_every_steps,
            int(self.settings["checkpoint.every_epochs"]) * per_epoch,
            int(self.settings["checkpoint.every_steps"]),
        )
        due = [self.step - self.step % period + period for period in periods if period]
        return min(self.total_steps, self.replay.next_step() or _NEVER, *due)

    # --- checkpoints ----------------------------------------------------------------------------

    def _checkpoint_due(self) -> bool:
        if self.step <= self._saved_step or not self.step:
            return False
        by_steps = int(self.settings["checkpoint.every_steps"])
        by_epochs = int(self.settings["checkpoint.every_epochs"])
        by_epochs *= self.parts.data.plan.steps_per_epoch
        if (by_steps and self.step % by_steps == 0) or (by_epochs and self.step % by_epochs == 0):
            return True
        minutes = self.settings["checkpoint.every_minutes"]
        waited_s = time.perf_counter() - self._saved_at
        return bool(minutes) and waited_s > minutes * 60 and not self.writer.busy

    def save(self, names: tuple[str, ...]) -> None:
        """Begin to save a checkpoint of this step, or give the one it has more names."""
        if self.step == self._saved_step:
            self._obedience.with_disk(lambda: self.writer.add_names(names))
            self.resume_clock()
            return
        self._obedience.with_disk(
            lambda: self.writer.save(
                self.state,
                step=self.step,
                names=names,
                keep=self.parts.preset.checkpoint.keep,
                metrics=self.metrics,
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
            "scaler": scaler.state_dict() if scaler is not None else {},
            "step": self.step,
            "epoch": self.step / self.parts.data.plan.steps_per_epoch,
            "generators": generator_states(),
            "settings": dict(self.settings.values),
            "best": tracker_state(self._best),
            "early_stop": tracker_state(self._early_stop),
            "train_means": tracker_state(self._train_means),
            "evaluated_step": self._evaluated_step,
            "train_s": self._train_s,
            "metrics": dict(self.metrics),
            "threads": torch.get_num_threads(),
            "config": self._config,
            "pending": encode_pending(self.link.unacknowledged()),
        }

    def restore(self, state: Mapping[str, Any], settings: Replay) -> None:
        """Go back to a state that `state` returned; the generators last of all."""
        self.parts.model.load_state_dict(state["model"])
        self.parts.optimizer.load_state_dict(state["optimizer"])
        if self.parts.precision.scaler is not None:
            self.parts.precision.scaler.load_state_dict(state["scaler"])
        self.step = self._saved_step = int(state["step"])
        self.settings.values.update(state["settings"])
        restore_tracker(self._best, state["best"])
        restore_tracker(self._early_stop, state["early_stop"])
        restore_tracker(self._train_means, state["train_means"])
        self._evaluated_step = state["evaluated_step"]
        self._train_s = state["train_s"]
        self.metrics = dict(state["metrics"])
        for step, key, value in settings.take(self.step):
            # Earlier changes are in the checkpoint; one of this very step may have come after it.
            if step == self.step:
                self.change_setting(key, value)
        self._early_stop.patience = int(self.settings["stop.patience"])
        self.replay = settings
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
