"""One step: learning rate, batches, forward, backward, clip, update.

It knows neither when steps are taken nor what becomes of what they leave in the recorder.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from tuitrain.components.draw import derive
from tuitrain.components.logged import Sink, send_to
from tuitrain.components.task import Task
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch, Batches
from tuitrain.training.forward import ForwardPass
from tuitrain.training.instruments import Instrument
from tuitrain.training.metrics.named import outside_graphs
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.optimization.nonfinite import NonfinitePolicy
from tuitrain.training.optimization.optimizer import needs_closure
from tuitrain.training.optimization.undo import StepUndo
from tuitrain.training.profiling.timing import StepTimer
from tuitrain.training.settings.live import LiveSettings

Update = Callable[[int, list[Batch], Tensor], None]
"""Moves the weights, of a step counted from 0, its batches and its loss."""


class TrainStep:
    """Takes the steps of one run."""

    def __init__(
        self,
        components: TrainingComponents,
        settings: LiveSettings,
        nonfinite: NonfinitePolicy,
        recorder: StepRecorder,
        timer: StepTimer,
        norms: Instrument | None = None,
    ) -> None:
        self._norms = norms or Instrument("the norm of the gradients")
        self._components = components
        self._settings = settings
        self._nonfinite = nonfinite
        self._recorder = recorder
        self._timer = timer
        self._undo = StepUndo(components.model, components.loss)
        self._trainable = components.trainable
        self._needs_closure = needs_closure(components.optimizer)
        self._weighs = type(components.task).weigh is not Task.weigh
        self._transforms = components.hooks.transforms
        self._prepares = self._weighs or bool(self._transforms)
        self._updated = components.hooks.updated
        told = components.hooks.before_update
        self._update: Update = self._told_update if told else self._plain_update
        compiles = components.preset.train.compile
        self._log: Sink = outside_graphs(recorder.log) if compiles else recorder.log
        self._rate = -1.0
        self._forward = ForwardPass(components, recorder)

    def __call__(self, step: int, source: Batches) -> str:
        """Take a step.

        Args:
            step: counted from 0.
            source: of its batches.

        Returns:
            Why the run has to end: the loss is not finite, and the update was not made. Else empty.
        """
        components, recorder = self._components, self._recorder
        scaler = components.precision.scaler
        self._undo.begin(step)
        laps = self._timer.begin(step) if step >= self._timer.due else None

        rate = self._settings.rate(step)
        if rate != self._rate:
            components.groups.set_rate(rate)
            self._rate = rate
        components.optimizer.zero_grad()
        if laps is not None:
            laps.mark("other")

        total: Tensor | None = None
        batches = source.step(step, laps)
        if self._prepares:
            self._prepare(batches, step)
        for batch in batches:
            outputs, loss = self._forward.run(batch)
            if laps is not None:
                laps.mark("forward")
            if len(batches) > 1:
                loss = loss * batch.share
            torch.autograd.backward(loss if scaler is None else scaler.scale(loss))
            if laps is not None:
                laps.mark("backward")
            total = loss if total is None else total + loss.detach()
            recorder.add_batch(outputs.detach(), batch.targets, batch.samples)
            if laps is not None:
                laps.mark("other")

        total = cast(Tensor, total)
        recorded, wanted = self._nonfinite.look(total)
        if wanted:
            self._update(step, batches, total)
            for updated in self._updated:
                updated(step + 1)
            if laps is not None:
                laps.mark("optimizer")
        recorder.add_step(recorded, rate, len(batches))
        if wanted or not self._nonfinite.ends:
            return ""
        return f"loss is {total.item()} at step {step + 1}"

    @property
    def full(self) -> bool:
        """Whether what steps have left should be flushed."""
        return self._recorder.full

    def leave_untimed(self, step: int) -> None:
        """Do not time this step."""
        self._timer.leave_out(step)

    def undo(self, step: int) -> None:
        """Let go of what the step after `step` has left: it failed before its update was made."""
        self._recorder.forget_after(step)
        self._undo.undo(step)
        self._components.optimizer.zero_grad()

    def begin(self) -> None:
        """Take the next step's rate from the schedule: the optimizer's may be a checkpoint's."""
        self._rate = -1.0

    def listen(self) -> None:
        """Take what is told by `tuitrain.components.log` from now on."""
        send_to(self._log)

    def _prepare(self, batches: list[Batch], step: int) -> None:
        """Let the hooks put other inputs and targets in a step's batches, and weigh them."""
        seed = self._components.preset.train.seed
        for place, batch in enumerate(batches):
            for number, transform in enumerate(self._transforms):
                drawn = derive(seed, step, place, number)
                batch.inputs, batch.targets = transform(batch.inputs, batch.targets, drawn)
        if self._weighs and len(batches) > 1:
            share_by_weight(batches, self._components.task)

    # --- update -----------------------------------------------------------------------------------

    def _plain_update(
        self, step: int, batches: list[Batch], loss: Tensor, unscaled: bool = False
    ) -> None:
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

    def _told_update(self, step: int, batches: list[Batch], loss: Tensor) -> None:
        """Tell the hooks that look at gradients first."""
        scaler = self._components.precision.scaler
        if scaler is not None:
            scaler.unscale_(self._components.optimizer)
        for before in self._components.hooks.before_update:
            before(step + 1)
        self._plain_update(step, batches, loss, unscaled=True)

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
            return torch.nn.utils.clip_grad_norm_(self._trainable, clip_norm)
        gradients = [p.grad for p in self._trainable if p.grad is not None]
        if any(gradient.layout is not torch.strided for gradient in gradients):
            return torch.nn.utils.get_total_norm(gradients)
        # What get_total_norm does after it has sorted gradients by device, ten times as fast.
        norms: list[Tensor] = list(torch._foreach_norm(gradients))
        return cast(Tensor, torch.linalg.vector_norm(torch.stack(norms)))


def share_by_weight(batches: Sequence[Batch], task: Task) -> None:
    """Let each batch of a step count for what the task counts in it; nothing waits for the device.

    So a step in several batches is that of one, whichever places of each batch count for nothing.
    """
    counted = [torch.as_tensor(task.weigh(batch.targets)) for batch in batches]
    total = torch.stack(counted).sum().clamp(min=1)
    for batch, part in zip(batches, counted, strict=True):
        batch.share = part / total
