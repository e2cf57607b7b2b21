"""Which batch size would fit: from the line through two measured sizes, and then tried.

Runs on the failure path alone, when the state of the run is saved: what is tried moves generators
and running statistics.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from tuitrain.components.data import Samples
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.batches import Batch, TensorBatches
from tuitrain.training.data.loader import LoaderBatches
from tuitrain.training.memory.allocator import Allocator
from tuitrain.training.memory.footprint import held_tensors, recomputed_bytes
from tuitrain.training.memory.oom_report import OutOfMemory, is_out_of_memory
from tuitrain.training.memory.saved_tensors import SavedTensorTracker, held_bytes
from tuitrain.training.metrics.named import split_terms

_MARGIN = 0.9
"""Share of the room that is used: the allocator takes blocks of 2 and 20 MiB, and leaves gaps."""
_ROUND_TO = 8
_PASSES = 2
"""Made with an allocator that keeps what was freed: the second pass meets what the first has left,
in blocks that small tensors were cut off. On an H100 a size that took three blocks of a quarter of
the memory each got through the first pass only."""

Measure = Callable[[int], int | None]
"""Runs forward and backward in batches of a size: the bytes it needs beyond what is there between
two steps; None where memory ran out again."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The largest batch size found to fit, and the line it comes from."""

    batch_size: int
    per_sample_bytes: int | None = None
    """None: only one size could be measured."""
    fixed_bytes: int | None = None
    """What a step needs whatever the size of its batches, beyond what is there between steps."""


def fit_batch_size(failed: int, room_bytes: int, measure: Measure) -> Fit | None:
    """Return the largest size below `failed` that fits in `room_bytes`; None: not one does.

    Two sizes are measured, the line through them gives a third, and that is tried: a size that is
    returned has been through a forward and a backward pass.
    """
    measured: dict[int, int] = {}
    size = failed // 2
    while size and len(measured) < 2:
        needed = measure(size)
        if needed is None:
            failed = size
        else:
            measured[size] = needed
        size //= 2
    if not measured:
        return None
    largest = max(measured)
    if len(measured) < 2:
        return Fit(largest)
    small, large = sorted(measured)
    each = (measured[large] - measured[small]) / (large - small)
    fixed = measured[small] - each * small
    fits = failed - 1
    if each > 0:
        fits = min(fits, int((room_bytes * _MARGIN - fixed) / each))
    if fits < largest:
        # The line leaves the room's margin free where the size that was measured did not.
        return Fit(_rounded(max(1, fits)), round(each), round(fixed))
    return Fit(_largest_tried(largest, failed, fits, measure), round(each), round(fixed))


def _largest_tried(works: int, failed: int, fits: int, measure: Measure) -> int:
    """Try what the line says, and go half way back to what works as often as it fails."""
    candidate = _rounded(fits)
    while candidate > works:
        if measure(candidate) is not None:
            return candidate
        failed = candidate
        candidate = _rounded((works + failed) // 2)
    return works


def _rounded(size: int) -> int:
    return size - size % _ROUND_TO if size >= _ROUND_TO else size


def again_settings(step_samples: int, fits: int) -> dict[str, int]:
    """Return batch size and accumulation for steps of as many samples, in batches that fit.

    The number must divide the samples of a step; where only much smaller ones do, a step takes a
    few samples more.
    """
    divisors = [size for size in range(1, min(fits, step_samples) + 1) if step_samples % size == 0]
    whole = [size for size in divisors if size % _ROUND_TO == 0]
    size = divisors[-1]
    if whole and whole[-1] * 2 > size:
        size = whole[-1]
    if size * 2 <= min(fits, step_samples):
        batches = -(-step_samples // fits)
        size = -(-step_samples // batches)
    return {"train.batch_size": size, "train.accumulate": -(-step_samples // size)}


class Trial:
    """Measures what a batch of a size takes: called once for each size."""

    def __init__(self, parts: TrainingComponents, allocator: Allocator, step: int) -> None:
        """Take the batches from where `step` (counted from 0) begins."""
        self._parts = parts
        self._allocator = allocator
        self._step = step

    def __call__(self, size: int) -> int | None:
        """Return the bytes that forward and backward need; None where memory runs out.

        Raises:
            Exception: whatever else the model or the data raise at this size.
        """
        try:
            needed = self._run(size)
        except OutOfMemory as error:
            if not is_out_of_memory(error):
                raise
            needed = None
            traceback.clear_frames(error.__traceback__)
        self._parts.optimizer.zero_grad(set_to_none=True)
        self._allocator.release()
        return needed

    def _run(self, size: int) -> int:
        before = self._allocator.holding().allocated_bytes or 0
        self._allocator.begin_peak()
        if self._allocator.measures_peak:
            for _pass in range(_PASSES):
                self._forward_backward(size)
            return (self._allocator.peak_bytes() or 0) - before
        with SavedTensorTracker(held_tensors(self._parts)) as kept:
            self._forward_backward(size)
        again = recomputed_bytes(self._parts, size)
        return kept.peak_bytes + again + self._gradients_bytes()

    def _forward_backward(self, size: int) -> None:
        parts, scaler = self._parts, self._parts.precision.scaler
        batches = self._batches(size)
        with parts.precision.autocast():
            # Not compiled: each size would be compiled anew. It needs more memory, not less.
            outputs, targets = parts.model(batches[0].inputs), batches[0].targets
            shaped = parts.task.shape_outputs(outputs, targets)
            loss = split_terms(parts.loss(shaped, targets))[0]
        torch.autograd.backward(loss if scaler is None else scaler.scale(loss))

    def _gradients_bytes(self) -> int:
        gradients = (p.grad for p in self._parts.model.parameters())
        return sum(held_bytes(gradient) for gradient in gradients if gradient is not None)

    def _batches(self, size: int) -> list[Batch]:
        """Return a step's samples in batches of a size, of an epoch's first step: it is full."""
        data = self._parts.data
        step = self._step - data.plan.place(self._step)[1]
        plan = replace(data.plan, at_once=size)
        if data.on_device and isinstance(data.train, Samples):
            return TensorBatches(data.train, plan, data.preparation).step(step)
        batches = LoaderBatches(
            data.train,
            plan,
            data.preparation,
            workers=0,
            first_step=step,
            end_step=step + 1,
            device=self._parts.device,
        )
        return batches.step(step)
