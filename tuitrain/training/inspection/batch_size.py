"""Which batch sizes fit into memory, and how fast each of them is, by real steps.

On a CUDA device a size that is too large is tried and its error caught; on a CPU, where the system
would end the process, a size is tried only if the line through two smaller ones says that it fits.
"""

import gc
import statistics
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch

from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.inspection.steps import Deadline, TrialSteps, with_batch_size
from tuitrain.training.memory.allocator import Allocator, find_allocator
from tuitrain.training.memory.footprint import held_tensors, measure_held
from tuitrain.training.memory.oom_report import OutOfMemory, is_out_of_memory
from tuitrain.training.memory.saved_tensors import SavedTensorTracker
from tuitrain.training.modules.frozen_body import keep_features

MARGIN = 0.9
"""Share of the room that is used: the allocator takes blocks of 2 and 20 MiB, and leaves gaps."""
_ROUND_TO = 8
_WARM_UP = 2
"""Steps that are not timed: the first ones choose kernels and fill caches."""
_MOST_S = 10.0
"""Seconds of timed steps of one size."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One batch size."""

    batch_size: int
    fits: bool
    memory_bytes: int | None = None
    """The most that a step takes, with all that is there between two; on a CPU what is counted."""
    step_s: float | None = None
    """The median of a step's time."""
    samples_per_s: float | None = None
    note: str = ""


def find_batch_size(
    inspected: Inspected,
    *,
    first: int,
    most: int | None,
    steps: int,
    minutes: float,
    memory_bytes: int | None,
) -> dict[str, Any]:
    """Return each size that was tried, as JSON data.

    Args:
        inspected: the preset.
        first: the smallest size; each one after it is twice as large.
        most: the largest; None: as many samples as the training set has.
        steps: timed ones of each size.
        minutes: how long all of it may take.
        memory_bytes: that this process may fill on a CPU; None: what the machine has free.

    Raises:
        TuitrainError: the preset can't be trained.
    """
    preset = inspected.preset
    # Each of thousands of steps has to exist; none is told of.
    train = preset.train.model_copy(update={"epochs": 1_000_000, "max_steps": 0})
    preset = preset.model_copy(update={"train": train})
    parts = build_components(preset, inspected.data_directory, inspected.report)
    keep_features(parts, inspected.report)
    allocator = find_allocator(parts.device)
    room = _room_bytes(parts, allocator, memory_bytes)
    trial = _Trial(parts, allocator, steps, Deadline(minutes))
    samples = parts.data.plan.samples
    largest = min(samples, most or samples)
    tried: list[Tried] = []
    for size in _sizes(first, largest, tried, room):
        inspected.report(f"trying batches of {size}")
        tried.append(_foreseen(size, tried, room, parts.device) or trial(size, room))
        if trial.deadline.passed:
            break
    return {
        "preset": preset.name,
        "device": str(parts.device),
        "training_samples": samples,
        "room_bytes": room,
        "margin": MARGIN,
        "tried": [asdict(each) for each in tried],
        "stopped": "its time was over" if trial.deadline.passed else "",
        "spent_s": trial.deadline.spent_s,
    }


def _room_bytes(
    parts: TrainingComponents, allocator: Allocator, memory_bytes: int | None
) -> int | None:
    """Return what a step may take with all that is there already."""
    held = measure_held(parts).held_bytes
    room = allocator.holding().room_bytes
    if parts.device.type == "cpu" and memory_bytes is not None:
        room = memory_bytes if room is None else min(room, memory_bytes)
    if room is None:
        return None
    return room + (allocator.holding().allocated_bytes or 0 if allocator.measures_peak else held)


def _sizes(first: int, largest: int, tried: list[Tried], room: int | None) -> Iterator[int]:
    """Yield sizes: twice as large each, then, once one is too large, those in between."""
    size = min(first, largest)
    while True:
        yield size
        if not tried or not tried[-1].fits or size == largest:
            break
        size = min(2 * size, largest)
    if len(tried) > 1 and not tried[-1].fits:
        yield from _between(tried, room)


def _between(tried: list[Tried], room: int | None) -> Iterator[int]:
    """Yield the size that just fits by what was measured, and half way back while none does."""
    works, failed = tried[-2].batch_size, tried[-1].batch_size
    line = _line([each for each in tried if each.fits])
    size = (works + failed) // 2
    if line is not None and room is not None:
        size = min(failed - 1, int((room * MARGIN - line[0]) / line[1]))
    while (size := size - size % _ROUND_TO) > works:
        yield size
        if tried[-1].fits:
            return
        size = (works + size) // 2


def _line(fitting: list[Tried]) -> tuple[float, float] | None:
    """Return the bytes that do not depend on the size, and those of each sample."""
    known = [each for each in fitting if each.memory_bytes is not None][-2:]
    if len(known) < 2:
        return None
    small, large = ((each.batch_size, each.memory_bytes or 0) for each in known)
    each_bytes = (large[1] - small[1]) / (large[0] - small[0])
    return (small[1] - each_bytes * small[0], each_bytes) if each_bytes > 0 else None


def _foreseen(
    size: int, tried: list[Tried], room: int | None, device: torch.device
) -> Tried | None:
    """Return that a size is too large, where trying it would end the process."""
    line = _line([each for each in tried if each.fits])
    if device.type == "cuda" or line is None or room is None:
        return None
    needed = round(line[0] + line[1] * size)
    if needed <= room * MARGIN:
        return None
    return Tried(size, False, needed, note="not tried: would take more than there is")


class _Trial:
    """Takes steps of one size after the other."""

    def __init__(
        self, parts: TrainingComponents, allocator: Allocator, steps: int, deadline: Deadline
    ) -> None:
        self._parts = parts
        self._allocator = allocator
        self._steps = steps
        self.deadline = deadline

    def __call__(self, size: int, room: int | None) -> Tried:
        """Return what steps of a size take."""
        with_batch_size(self._parts, size)
        try:
            tried = self._measured(size, room)
        except OutOfMemory as error:
            if not is_out_of_memory(error):
                raise
            traceback.clear_frames(error.__traceback__)
            tried = Tried(size, False, note="out of memory")
        self._parts.optimizer.zero_grad(set_to_none=True)
        gc.collect()
        self._allocator.release()
        return tried

    def _measured(self, size: int, room: int | None) -> Tried:
        # What comes of the weights does not matter: only how long it takes.
        taking = TrialSteps(self._parts, "ignore")
        try:
            memory_bytes = self._memory(taking)
            times = list(self._times(taking))
        finally:
            taking.close()
        step_s = statistics.median(times)
        fits = room is None or memory_bytes is None or memory_bytes <= room * MARGIN
        note = "" if fits else f"takes more than {MARGIN:.0%} of what there is"
        return Tried(size, fits, memory_bytes, step_s, size / step_s, note)

    def _memory(self, taking: TrialSteps) -> int | None:
        """Take the steps that are not timed; return the most that one of them took."""
        self._allocator.begin_peak()
        if self._allocator.measures_peak:
            for _ in range(_WARM_UP):
                taking.take()
            taking.read()
            return self._allocator.peak_bytes()
        taking.take()
        with SavedTensorTracker(held_tensors(self._parts)) as kept:
            taking.take()
        taking.read()
        return kept.peak_bytes + measure_held(self._parts).held_bytes

    def _times(self, taking: TrialSteps) -> Iterator[float]:
        begun = time.perf_counter()
        for _ in range(self._steps):
            before = time.perf_counter()
            taking.take()
            # Waits for the device: else a step is only handed to it.
            taking.read()
            now = time.perf_counter()
            yield now - before
            if now - begun > _MOST_S or self.deadline.passed:
                break
