"""The update of a step: gradients measured and clipped, hooks that look at them, weights moved.

Knows neither rates nor when an update is made.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from tuitrain.training.build import TrainingComponents
from tuitrain.training.checkpoints.sharded import whole
from tuitrain.training.data.batches import Batch
from tuitrain.training.forward import ForwardPass
from tuitrain.training.instruments import Instrument
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.optimization.optimizer import needs_closure
from tuitrain.training.settings.live import LiveSettings

Update = Callable[[int, list[Batch], Tensor], None]
"""Moves the weights, of a step counted from 0, its batches and its loss."""


class WeightUpdate:
    """Makes the updates of one run."""

    def __init__(
        self,
        components: TrainingComponents,
        settings: LiveSettings,
        recorder: StepRecorder,
        forward: ForwardPass,
        norms: Instrument | None = None,
    ) -> None:
        self._components = components
        self._settings = settings
        self._recorder = recorder
        self._forward = forward
        self._norms = norms or Instrument("the norm of the gradients")
        self._trainable = components.trainable
        self._needs_closure = needs_closure(components.optimizer)
        told = components.hooks.before_update
        self.run: Update = self._told if told else self._plain
        """Makes one; the least that these components need."""

    def _plain(self, step: int, batches: list[Batch], loss: Tensor, unscaled: bool = False) -> None:
        optimizer, scaler = self._components.optimizer, self._components.precision.scaler
        clip_norm = self._settings["train.clip_norm"]
        every = self._components.preset.train.grad_norm_every
        if clip_norm or (every and (step + 1) % every == 0):
            if scaler is not None and not unscaled:
                scaler.unscale_(optimizer)
            self._record_norm(step + 1, clip_norm)
        if self._needs_closure:
            optimizer.step(cast(Any, self._closure(batches, loss)))
        elif scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()

    def _told(self, step: int, batches: list[Batch], loss: Tensor) -> None:
        """Tell the hooks that look at gradients first."""
        scaler = self._components.precision.scaler
        if scaler is not None:
            scaler.unscale_(self._components.optimizer)
        for before in self._components.hooks.before_update:
            before(step + 1)
        self._plain(step, batches, loss, unscaled=True)

    def _record_norm(self, step: int, clip_norm: float) -> None:
        if clip_norm:
            self._recorder.add_norm(step, self._norm(clip_norm))
            return
        norm = self._norms.look(lambda: self._norm(0.0), None)
        if norm is not None:
            self._recorder.add_norm(step, norm)

    def _closure(self, batches: list[Batch], loss: Tensor) -> Callable[[], Tensor]:
        """Return the closure of an optimizer that evaluates the loss several times a step.

        Its first call is the forward and backward pass that was made; later ones leave no metrics.
        """
        made = [loss.detach()]

        def closure() -> Tensor:
            if made:
                return made.pop()
            self._components.optimizer.zero_grad()
            self._recorder.listens = False
            with torch.enable_grad():
                losses = [self._backward_again(batch) for batch in batches]
            self._recorder.listens = True
            if clip_norm := self._settings["train.clip_norm"]:
                self._norm(clip_norm)
            return torch.stack(losses).sum()

        return closure

    def _backward_again(self, batch: Batch) -> Tensor:
        loss = self._forward.run(batch)[1] * batch.share
        torch.autograd.backward(loss)
        return loss.detach()

    def _norm(self, clip_norm: float) -> Tensor:
        """Return the norm of all gradients, clipping them where there is a limit."""
        if clip_norm:
            return whole(torch.nn.utils.clip_grad_norm_(self._trainable, clip_norm))
        gradients = [p.grad for p in self._trainable if p.grad is not None]
        if any(gradient.layout is not torch.strided for gradient in gradients):
            return torch.nn.utils.get_total_norm(gradients)
        # What get_total_norm does after it has sorted gradients by device, ten times as fast.
        norms: list[Tensor] = list(torch._foreach_norm(gradients))
        return whole(cast(Tensor, torch.linalg.vector_norm(torch.stack(norms))))
