"""Batches for the loop: whole-set tensors on the device, or a stream through DataLoader workers.

Both visit the same samples in the same order and end in the same preparation on the device
(`BatchTransform`), so for one seed they give the same batches.
"""

import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from tuitrain.components.data import Samples
from tuitrain.components.draw import derive
from tuitrain.training.data.loading import Failure, Loaded, Loading, describe_failure, handed_on
from tuitrain.training.data.sources import Source, count
from tuitrain.training.data.transform import BatchTransform
from tuitrain.training.distributed.world import ALONE, World
from tuitrain.training.distributed.world import share as share_of
from tuitrain.training.profiling.timing import Laps
from tuitrain.training.runtime.randomness import (
    epoch_order,
    generator_states,
    restore_generators,
    seed_everything,
)


@dataclass(frozen=True, slots=True)
class BatchSchedule:
    """Which samples each step takes: a pure function of seed and step."""

    samples: int
    batch_size: int
    accumulate: int
    drop_last: bool
    seed: int
    at_once: int = 0
    """Samples in one forward pass where a whole batch takes too much memory; 0: a whole batch."""
    ahead: int = 0
    """Steps of this size that the data are ahead of the count of steps, since a resume changed the
    size of a step; negative: behind."""
    lengths: Tensor | None = field(default=None, compare=False)
    """[samples] on the CPU, of samples that batches are cut to the longest of; None: all are whole.
    """
    bucket: int = 0
    """Samples of similar length that come one after the other, where there are lengths."""
    rank: int = 0
    """Which of several ranks takes its part of each batch."""
    ranks: int = 1

    @property
    def forward_size(self) -> int:
        """Samples in one forward pass."""
        return self.at_once or self.batch_size

    @property
    def rank_size(self) -> int:
        """The most samples that go through one rank's model at a time."""
        return -(-self.forward_size // self.ranks)

    @property
    def step_samples(self) -> int:
        """Samples in a full step."""
        return self.batch_size * self.accumulate

    @property
    def steps_per_epoch(self) -> int:
        """Steps that one pass over the samples takes."""
        whole = self.samples // self.step_samples
        return whole if self.drop_last else -(-self.samples // self.step_samples)

    def order(self, epoch: int) -> Tensor:
        """Return the numbers of the samples in the order in which an epoch takes them.

        It follows from neither the size of batches nor that of steps, as these may change.
        """
        order = epoch_order(self.seed, epoch, self.samples)
        if self.lengths is None:
            return order
        return by_length(order, self.lengths, self.bucket, derive(self.seed, epoch, _PURPOSE))

    def slices(self, step: int) -> list[tuple[int, int]]:
        """Return where in the epoch's order each batch of a step (counted from 0) lies.

        Of several ranks: each batch of this one.
        """
        if self.ranks > 1:
            return [(part.first, part.end) for part in self.own_parts(step)]
        start, end = self._range(step)
        return list(pairwise([*range(start, end, self.forward_size), end]))

    def _range(self, step: int) -> tuple[int, int]:
        """Return from where to where in the epoch's order a step goes."""
        start = self.place(step)[1] * self.step_samples
        return start, min(start + self.step_samples, self.samples)

    def own_parts(self, step: int) -> "list[OwnPart]":
        """Return this rank's batches of a step; each rank has as many, and none is empty."""
        start, end = self._range(step)
        made: list[OwnPart] = []
        for first, last in pairwise([*range(start, end, self.batch_size), end]):
            low, high = share_of(last - first, self.rank, self.ranks)
            most = -(-(last - first) // self.ranks)
            pieces = -(-most // self.at_once) if self.at_once else 1
            for piece in range(pieces):
                here, there = share_of(high - low, piece, pieces)
                made.append(self._part(first + low + here, first + low + there, last, end - start))
        return made

    def _part(self, first: int, end: int, last: int, total: int) -> "OwnPart":
        if first < end:
            # Gradients are averaged over the ranks: so it counts for its samples.
            return OwnPart(first, end, (end - first) * self.ranks / total, end - first)
        first = min(first, last - 1)
        return OwnPart(first, first + 1, 0.0, 0)

    def epoch(self, step: int) -> int:
        """Return the epoch, counted from 0, that a step belongs to."""
        return self.place(step)[0]

    def place(self, step: int) -> tuple[int, int]:
        """Return a step's epoch and its place there, both counted from 0."""
        return divmod(step + self.ahead, self.steps_per_epoch)

    def epochs_done(self, step: int) -> float:
        """Return how many epochs are done after this many steps, with their fraction."""
        return (step + self.ahead) / self.steps_per_epoch

    def state(self) -> dict[str, int | bool]:
        """Return what a later resume must know to go on with steps of another size."""
        keys = ("samples", "batch_size", "accumulate", "drop_last", "ahead")
        return {key: getattr(self, key) for key in keys}

    def going_on_from(self, before: "BatchSchedule", step: int) -> "BatchSchedule":
        """Return this plan, set to go on where `before` stands after `step` steps.

        The epoch goes on in its order after the samples it has had, from the next whole step on:
        where steps of the new size do not end there, less than one of them is left out.
        """
        epoch, place = before.place(step)
        taken = min(place * before.step_samples, before.samples)
        steps = min(-(-taken // self.step_samples), self.steps_per_epoch)
        return replace(self, ahead=epoch * self.steps_per_epoch + steps - step)


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What one of several ranks puts through the model at once."""

    first: int
    """In the epoch's order."""
    end: int
    share: float
    """What its mean loss is multiplied by, so that the mean over the ranks is that of the step."""
    samples: int
    """0: there is none left for this rank; one that counts for nothing stands in, as all ranks go
    through the model together."""


_POOL_BUCKETS = 50
"""Samples are sorted by length among so many buckets: the more, the more alike, and the less
chance has a say in which samples meet."""
_PURPOSE = 0xB0C7
"""Keeps the order of buckets apart from other draws of the same seed."""


def by_length(order: Tensor, lengths: Tensor, bucket: int, seed: int) -> Tensor:
    """Return an order in which samples of similar length come one after the other.

    Stretches of the order are sorted by length and cut into buckets, which are shuffled; the last
    of an order is smaller where they do not come out even, and stays the last.

    Args:
        order: [samples] a permutation.
        lengths: [samples] of the samples, by their numbers.
        bucket: samples of a bucket.
        seed: of the buckets' order.
    """
    generator = torch.Generator().manual_seed(seed)
    made = []
    for pool in torch.split(order, bucket * _POOL_BUCKETS):
        ordered = pool[torch.argsort(lengths[pool], stable=True)]
        buckets = torch.split(ordered, bucket)
        whole = [each for each in buckets if len(each) == bucket]
        made += [whole[place] for place in torch.randperm(len(whole), generator=generator)]
        made += buckets[len(whole) :]
    return torch.cat(made)


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


@dataclass(frozen=True, slots=True)
class _Request:
    """One batch that a loader worker is asked for; small, as it crosses a queue."""

    seed: int
    index: np.ndarray


class _RequestSampler(Sampler[_Request]):
    """All batches from one step to another, as one stream over the epochs' borders."""

    def __init__(self, plan: BatchSchedule, first_step: int, end_step: int) -> None:
        self._plan = plan
        self._steps = range(first_step, end_step)

    def __iter__(self) -> Iterator[_Request]:
        epoch, order = -1, np.empty(0, dtype=np.int64)
        for step in self._steps:
            if self._plan.epoch(step) != epoch:
                epoch = self._plan.epoch(step)
                order = self._plan.order(epoch).numpy()
            for first, end in self._plan.slices(step):
                yield _Request(derive(self._plan.seed, epoch, first), order[first:end])


class _BatchDataset(Dataset[Loaded | Failure]):
    """Turns a request into a whole batch, so that its random numbers need no worker's stream."""

    def __init__(self, source: Source, in_worker: bool) -> None:
        self._source = source
        self._in_worker = in_worker

    def __getitem__(self, request: _Request) -> Loaded | Failure:
        try:
            return self._load(request)
        except BaseException as error:
            if handed_on(error):
                return describe_failure(error)
            raise

    def _load(self, request: _Request) -> Loaded:
        index = torch.from_numpy(request.index)
        if isinstance(self._source, Samples):
            inputs = self._source.inputs.index_select(0, index)
            return inputs, self._source.targets.index_select(0, index), index
        with _seeded(request.seed, restore=not self._in_worker):
            inputs, targets = self._source.batch(request.index.tolist())
        return inputs, targets, index


@contextmanager
def _seeded(seed: int, restore: bool) -> Iterator[None]:
    """Let a user's transforms draw from the batch's seed; leave the loop's generators alone."""
    before = generator_states() if restore else None
    seed_everything(seed)
    try:
        yield
    finally:
        if before:
            restore_generators(before)


def _settle_loader_worker(_worker: int) -> None:
    """Leave signals to the worker, which ends its loaders itself.

    SLURM sends SIGTERM to every process of a job at once; a loader that dies of it would take the
    stop's checkpoint with it.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


def open_loader(
    source: Source, sampler: Sampler[Any], workers: int, device: torch.device
) -> Loading:
    """Start a DataLoader over whole-batch requests and return its batches.

    The loader gets a generator of its own: it draws a base seed, and from torch's global one that
    would shift the dropout of the run.
    """
    loader: DataLoader[Any] = DataLoader(
        _BatchDataset(source, in_worker=workers > 0),
        sampler=sampler,
        batch_size=None,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        worker_init_fn=_settle_loader_worker,
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        generator=torch.Generator(),
    )
    with warnings.catch_warnings():
        # Python 3.12 warns that a forked child of a process with threads may hang. Loaders are
        # forked, as torch does by default, so that the set is shared and not copied; only
        # queue threads are alive here, and their locks are made anew in the child.
        warnings.filterwarnings("ignore", message=".*multi-threaded.*", category=DeprecationWarning)
        return Loading(lambda: iter(loader))


class LoaderBatches:
    """Batches streamed through DataLoader workers and copied to the device."""

    def __init__(
        self,
        source: Source,
        plan: BatchSchedule,
        preparation: BatchTransform,
        *,
        workers: int,
        first_step: int,
        end_step: int,
        device: torch.device,
    ) -> None:
        self._plan = plan
        self._preparation = preparation
        self._device = device
        sampler = _RequestSampler(plan, first_step, end_step)
        self._stream = open_loader(source, sampler, workers, device)

    def step(self, step: int, laps: Laps | None = None) -> list[Batch]:
        """Take the next batches off the stream."""
        epoch = self._plan.epoch(step)
        if self._plan.ranks > 1:
            parts = self._plan.own_parts(step)
            return [self._take(epoch, part.share, part.samples, laps) for part in parts]
        slices = self._plan.slices(step)
        total = slices[-1][1] - slices[0][0]
        return [
            self._take(epoch, (end - first) / total, end - first, laps) for first, end in slices
        ]

    def _take(self, epoch: int, share: float, samples: int, laps: Laps | None) -> Batch:
        loaded = next(self._stream)
        if laps is not None:
            laps.mark("data")
        if self._plan.lengths is not None:
            loaded = (loaded[0][:, : int(self._plan.lengths[loaded[2]].max())], *loaded[1:])
        inputs, targets, index = (part.to(self._device, non_blocking=True) for part in loaded)
        if laps is not None:
            laps.mark("copy")
        inputs, targets = self._preparation.train(inputs, targets, index, epoch)
        batch = Batch(inputs, targets, share, samples)
        if laps is not None:
            laps.mark("data")
        return batch

    def close(self) -> None:
        """End the loader workers and wait for them."""
        self._stream.close()


class _Ranges(Sampler[_Request]):
    """The samples in their own order, for evaluation."""

    def __init__(self, samples: int, firsts: range) -> None:
        self._samples = samples
        self._firsts = firsts

    def __iter__(self) -> Iterator[_Request]:
        for first in self._firsts:
            end = min(first + self._firsts.step, self._samples)
            yield _Request(derive(first), np.arange(first, end, dtype=np.int64))


def evaluation_batches(
    source: Source,
    preparation: BatchTransform,
    *,
    batch_size: int,
    workers: int,
    device: torch.device,
    world: World = ALONE,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (inputs, targets) over the whole set once, in order, prepared but not augmented.

    Of several ranks each takes its share of the very batches that one rank would take.
    """
    firsts = range(0, count(source), batch_size)
    low, high = world.share(len(firsts))
    firsts = firsts[low:high]
    if isinstance(source, Samples):
        for first in firsts:
            inputs = source.inputs[first : first + batch_size].to(device)
            targets = source.targets[first : first + batch_size].to(device)
            yield preparation.prepare(inputs, targets)
        return
    stream = open_loader(source, _Ranges(count(source), firsts), workers, device)
    try:
        for inputs, targets, _index in stream:
            yield preparation.prepare(inputs.to(device), targets.to(device))
    finally:
        stream.close()
