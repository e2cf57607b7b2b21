"""One step: learning rate, batches, forward, backward, clip, update.

It knows neither when steps are taken nor what becomes of what they leave in the recorder.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch, Batches
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.nonfinite import NonfinitePolicy
from tuitrain.training.optimizing import needs_closure
from tuitrain.training.profiling.timing import Laps, StepTimer
from tuitrain.training.settings import LiveSettings
from tuitrain.training.step_checks import check_inputs, check_loss, check_outputs


class Stepper:
    """Takes the steps of one run."""

    def __init__(
        self,
        parts: TrainingComponents,
        settings: LiveSettings,
        recorder: StepRecorder,
        timer: StepTimer,
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._recorder = recorder
        self._timer = timer
        train = parts.preset.train
        self._guard = NonfinitePolicy(
            parts.optimizer, parts.device, train.nonfinite, parts.precision.scaler is not None
        )
        self._trainable = parts.trainable
        self._closure = needs_closure(parts.optimizer)
        self._rate = -1.0
        self._checked = False
        """Whether a first batch has shown that the parts fit together."""

    @property
    def learns_late(self) -> bool:
        """Whether only the flush tells that updates were left out."""
        return self._guard.on_device

    def begin(self) -> None:
        """Take the next step's rate from the schedule: the optimizer's may be a checkpoint's."""
        self._rate = -1.0

    def take(self, step: int, source: Batches) -> str:
        """Take a step.

        Args:
            step: counted from 0.
            source: of its batches.

        Returns:
            Why the run has to end: the loss is not finite, and the update was not made. Else empty.
        """
        laps = self._timer.begin(step) if step >= self._timer.due else None
        rate = self._settings.rate(step)
        if rate != self._rate:
            self._set_rate(rate)
        self._parts.optimizer.zero_grad()
        if laps is not None:
            laps.mark("other")
        batches = source.step(step, laps)
        loss = self._forward_backward(batches, laps)
        reason = ""
        if self._guard.allows(loss):
            self._update(step, batches, loss)
            if laps is not None:
                laps.mark("optimizer")
        elif self._parts.preset.train.nonfinite == "stop":
            reason = f"loss is {loss.item()} at step {step + 1}"
        self._recorder.add_step(loss, rate, len(batches))
        return reason

    def _set_rate(self, rate: float) -> None:
        self._rate = rate
        self._parts.groups.set_rate(rate)

    def _forward_backward(self, batches: list[Batch], laps: Laps | None) -> Tensor:
        """Return the step's loss, detached; gradients are those of the mean over its samples."""
        losses = []
        scaler = self._parts.precision.scaler
        for batch in batches:
            outputs, loss = self._outputs_and_loss(batch)
            if laps is not None:
                laps.mark("forward")
            if batch.share != 1.0:
                loss = loss * batch.share
            scaled = loss if scaler is None else scaler.scale(loss)
            torch.autograd.backward(scaled)
            if laps is not None:
                laps.mark("backward")
            losses.append(loss.detach())
            self._recorder.add_batch(outputs.detach(), batch.targets)
            if laps is not None:
                laps.mark("other")
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _outputs_and_loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        if self._parts.precision.is_plain:
            return self._compute(batch)
        with self._parts.precision.autocast():
            return self._compute(batch)

    def _compute(self, batch: Batch) -> tuple[Tensor, Tensor]:
        parts, checked = self._parts, self._checked
        if not checked:
            check_inputs(parts, batch)
        outputs = parts.forward(batch.inputs)
        if not checked:
            check_outputs(parts, batch, outputs)
        outputs = parts.task.shape_outputs(outputs, batch.targets)
        loss = parts.loss(outputs, batch.targets)
        if not checked:
            check_loss(parts, loss)
            self._checked = True
        return outputs, loss

    def _update(self, step: int, batches: list[Batch], loss: Tensor) -> None:
        optimizer, scaler = self._parts.optimizer, self._parts.precision.scaler
        clip_norm = self._settings["train.clip_norm"]
        every = self._parts.preset.train.grad_norm_every
        if clip_norm or (every and (step + 1) % every == 0):
            if scaler is not None:
                scaler.unscale_(optimizer)
            self._recorder.add_norm(step + 1, self._norm(clip_norm))
        if self._closure:
            optimizer.step(cast(Any, self._evaluated_again(batches, loss)))
        elif scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()

    def _evaluated_again(self, batches: list[Batch], loss: Tensor) -> Callable[[], Tensor]:
        """Return the closure of an optimizer that evaluates the loss several times a step.

        Its first call is the forward and backward pass that was made; later ones leave no metrics.
        """
        made = [loss]

        def closure() -> Tensor:
            if made:
                return made.pop()
            self._parts.optimizer.zero_grad()
            with torch.enable_grad():
                losses = [self._backward_again(batch) for batch in batches]
            if clip_norm := self._settings["train.clip_norm"]:
                self._norm(clip_norm)
            return torch.stack(losses).sum()

        return closure

    def _backward_again(self, batch: Batch) -> Tensor:
        loss = self._outputs_and_loss(batch)[1] * batch.share
        torch.autograd.backward(loss)
        return loss.detach()

    def _norm(self, clip_norm: float) -> Tensor:
        """Return the norm of all gradients, clipping them where there is a limit."""
        if clip_norm:
            return torch.nn.utils.clip_grad_norm_(self._trainable, clip_norm)
        gradients = [p.grad for p in self._trainable if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients)
