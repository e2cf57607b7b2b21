"""One step: learning rate, batches, forward, backward, clip, update.

It knows neither when steps are taken nor what becomes of what they leave in the recorder.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from tuitrain.components.draw import derive
from tuitrain.components.logged import Sink, send_to
from tuitrain.components.task import Task
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch, Batches
from tuitrain.training.distributed.replica import Replica
from tuitrain.training.forward import ForwardPass
from tuitrain.training.instruments import Instrument
from tuitrain.training.metrics.named import outside_graphs
from tuitrain.training.metrics.recorder import StepRecorder
from tuitrain.training.optimization.nonfinite import NonfinitePolicy
from tuitrain.training.optimization.undo import StepUndo
from tuitrain.training.optimization.update import WeightUpdate
from tuitrain.training.profiling.timing import Laps, StepTimer
from tuitrain.training.settings.live import LiveSettings


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
        self._components = components
        self._settings = settings
        self._nonfinite = nonfinite
        self._recorder = recorder
        self._timer = timer
        self._undo = StepUndo(components.model, components.loss)
        self._weighs = type(components.task).weigh is not Task.weigh
        self._transforms = components.hooks.transforms
        self._prepares = self._weighs or bool(self._transforms)
        self._replica = components.replica
        self._updated = components.hooks.updated
        compiles = components.compiled is not False
        self._log: Sink = outside_graphs(recorder.log) if compiles else recorder.log
        self._rate = -1.0
        self._forward = ForwardPass(components, recorder)
        self._update = WeightUpdate(components, settings, recorder, self._forward, norms)

    def __call__(self, step: int, source: Batches, laps: Laps | None = None) -> str:
        """Take a step.

        Args:
            step: counted from 0.
            source: of its batches.
            laps: time it, whether it was drawn or not.

        Returns:
            Why the run has to end: the loss is not finite, and the update was not made. Else empty.
        """
        components, recorder = self._components, self._recorder
        self._undo.begin(step)
        if laps is None and step >= self._timer.due:
            laps = self._timer.begin(step)

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
            self._prepare(batches, step, laps)
        replica = self._replica
        for batch in batches if replica is None else replica.in_turn(batches, laps):
            outputs, loss = self._forward.run(batch)
            if laps is not None:
                laps.mark("forward")
            if len(batches) > 1 or replica is not None:
                loss = self._weighed(loss, batch)
            self._backward(loss, laps)
            total = loss if total is None else total + loss.detach()
            recorder.add_batch(outputs.detach(), batch.targets, batch.samples)
            if laps is not None:
                laps.mark("other")

        total = cast(Tensor, total)
        total = total if replica is None else replica.agreed(total.detach())
        recorded, wanted = self._nonfinite.look(total)
        if wanted:
            self._update.run(step, batches, total)
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
        """Whether what steps have left should be flushed; several ranks agree on that elsewhere."""
        return self._replica is None and self._recorder.full

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

    def _backward(self, loss: Tensor, laps: Laps | None) -> None:
        """Make the gradients of a batch; of several ranks, wait for the others' too."""
        scaler, replica = self._components.precision.scaler, self._replica
        if laps is not None and replica is not None:
            replica.time_exchange(loss, laps)
        torch.autograd.backward(loss if scaler is None else scaler.scale(loss))
        if laps is not None:
            laps.mark("backward" if replica is None else "exchange")

    def _weighed(self, loss: Tensor, batch: Batch) -> Tensor:
        """Return what a batch adds to its step's loss."""
        loss = loss * batch.share
        return loss if self._replica is None else self._replica.guard(loss)

    def _prepare(self, batches: list[Batch], step: int, laps: Laps | None) -> None:
        """Let the hooks put other inputs and targets in a step's batches, and weigh them."""
        seed = self._components.preset.train.seed
        for place, batch in enumerate(batches):
            for number, transform in enumerate(self._transforms):
                drawn = derive(seed, step, place, number)
                batch.inputs, batch.targets = transform(batch.inputs, batch.targets, drawn)
        if self._weighs and (len(batches) > 1 or self._replica is not None):
            if laps is not None and self._replica is not None:
                laps.mark("other")
            share_by_weight(batches, self._components.task, self._replica)
            if laps is not None and self._replica is not None:
                laps.mark("exchange")


def share_by_weight(batches: Sequence[Batch], task: Task, replica: Replica | None = None) -> None:
    """Let each batch of a step count for what the task counts in it; nothing waits for the device.

    So a step in several batches, or on several ranks, is that of one, whichever places of each
    batch count for nothing.
    """
    counted = [torch.as_tensor(task.weigh(batch.targets)) for batch in batches]
    if replica is not None:
        counted = [
            part if batch.samples else torch.zeros_like(part)
            for batch, part in zip(batches, counted, strict=True)
        ]
        total = replica.mean(torch.stack(counted).sum())
        for batch, part in zip(batches, counted, strict=True):
            batch.share = part / total
        return
    total = torch.stack(counted).sum().clamp(min=1)
    for batch, part in zip(batches, counted, strict=True):
        batch.share = part / total
