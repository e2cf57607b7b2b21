"""Batches for the loop, and those of whole-set tensors on the device.

A stream through DataLoader workers (`loader`) visits the same samples in the same order and ends
in the same preparation on the device (`BatchTransform`), so for one seed both give the same.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from tuitrain.components.data import Samples
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.data.transform import BatchTransform
from tuitrain.training.profiling.timing import Laps


@dataclass(slots=True)
class Batch:
    """What one forward pass takes, on the device; not frozen, as that doubles the cost of one."""

    inputs: Tensor
    """[batch, ...], prepared."""
    targets: Tensor
    """[batch] or [batch, outputs]."""
    share: float | Tensor
    """This batch's part of what its step counts: of its samples, where the task counts no other; 1
    without accumulation."""
    samples: int


class Batches(Protocol):
    """Where the loop gets its batches from."""

    def step(self, step: int, laps: Laps | None = None) -> list[Batch]:
        """Return the batches of one step; the loop asks for the steps in order.

        Args:
            step: counted from 0.
            laps: where the step is timed, what is told of waiting and of copying.
        """
        ...

    def close(self) -> None:
        """End loader workers, where there are any."""
        ...


_SMALL_BYTES = 4 * 1024
"""Inputs of a step that takes no longer than gathering them, so that those of several steps are
gathered at once."""
_GATHERED_BYTES = 16 * 1024
"""As many as make up this; no more, as whoever keeps a batch keeps what was gathered with it."""

Part = tuple[Tensor, Tensor, float, int]
"""Inputs, targets, share and samples of a batch."""


class TensorBatches:
    """Batches gathered from whole-set tensors that are already on the device.

    What can be done once for many steps is: a small model takes no longer for a step than a few
    dozen of python's lines.
    """

    def __init__(self, samples: Samples, plan: BatchSchedule, preparation: BatchTransform) -> None:
        self._samples = samples
        self._plan = plan
        self._preparation = preparation
        self._steps_per_epoch, self._ahead = plan.steps_per_epoch, plan.ahead
        sample_bytes = samples.inputs[:1].numel() * preparation.input_type.itemsize
        step_bytes = max(1, sample_bytes * plan.step_samples)
        # What augments may look at the other samples of its batch.
        alone = preparation.augments or plan.lengths is not None or step_bytes > _SMALL_BYTES
        self._together = 1 if alone else _GATHERED_BYTES // step_bytes
        """Steps that are gathered at once; they begin at multiples of it in each epoch."""
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)
        """The numbers of an epoch's samples, on the CPU."""
        self._orders: tuple[Tensor, ...] = ()
        """The numbers of the samples that are gathered at once, over the epoch."""
        self._lengths: tuple[Tensor, ...] = ()
        """Of each step's samples, on the CPU, where batches are cut to the longest."""
        self._first = -1
        """The first step of those that were, by its place in the epoch."""
        self._gathered: list[list[Part]] = []

    def step(self, step: int, laps: Laps | None = None) -> list[Batch]:
        """Return the batches of one step."""
        epoch, place = divmod(step + self._ahead, self._steps_per_epoch)
        if epoch != self._epoch:
            self._begin_epoch(epoch)
        if self._plan.ranks > 1:
            parts = self._gather_own(step)
        elif self._lengths:
            parts = self._gather_cut(place)
        elif self._together == 1:
            parts = self._gather_each(place)
        else:
            at = place % self._together
            if place - at != self._first:
                self._gather_together(place - at)
            parts = self._gathered[at]
        batches = [Batch(*part) for part in parts]
        if laps is not None:
            laps.mark("data")
        return batches

    def _begin_epoch(self, epoch: int) -> None:
        order = self._plan.order(epoch)
        if self._plan.lengths is not None:
            self._lengths = torch.split(self._plan.lengths[order], self._plan.step_samples)
        self._order = order
        order = order.to(self._samples.inputs.device)
        self._orders = torch.split(order, self._plan.step_samples * self._together)
        self._epoch, self._first = epoch, -1

    def _gather_together(self, first: int) -> None:
        """Gather several steps, each of them a view."""
        inputs, targets = self._gather(self._orders[first // self._together])
        size = self._plan.step_samples
        steps = zip(torch.split(inputs, size), torch.split(targets, size), strict=True)
        self._gathered = [self._split(*step) for step in steps]
        self._first = first

    def _split(self, inputs: Tensor, targets: Tensor) -> list[Part]:
        size, samples = self._plan.forward_size, len(inputs)
        batches = zip(torch.split(inputs, size), torch.split(targets, size), strict=True)
        return [(part, target, len(part) / samples, len(part)) for part, target in batches]

    def _gather_each(self, place: int) -> list[Part]:
        """Gather the batches of one step by themselves."""
        order = self._orders[place]
        return [
            (*self._gather(index), len(index) / len(order), len(index))
            for index in torch.split(order, self._plan.forward_size)
        ]

    def _gather_own(self, step: int) -> list[Part]:
        """Gather this rank's batches of one step."""
        lengths = self._plan.lengths
        found = []
        for part in self._plan.own_parts(step):
            index = self._order[part.first : part.end]
            longest = None if lengths is None else int(lengths[index].max())
            index = index.to(self._samples.inputs.device)
            found.append((*self._gather(index, longest), part.share, part.samples))
        return found

    def _gather_cut(self, place: int) -> list[Part]:
        """Gather the batches of one step, each as long as its longest sample."""
        order, size = self._orders[place], self._plan.forward_size
        parts = zip(torch.split(order, size), torch.split(self._lengths[place], size), strict=True)
        return [
            (*self._gather(index, int(lengths.max())), len(index) / len(order), len(index))
            for index, lengths in parts
        ]

    def _gather(self, index: Tensor, longest: int | None = None) -> tuple[Tensor, Tensor]:
        inputs = self._samples.inputs.index_select(0, index)
        if longest is not None:
            inputs = inputs[:, :longest]
        targets = self._samples.targets.index_select(0, index)
        return self._preparation.train(inputs, targets, index, self._epoch)

    def close(self) -> None:
        """Nothing to end."""
