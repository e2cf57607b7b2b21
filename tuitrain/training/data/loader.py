"""Batches streamed through DataLoader workers, whole batches at a time."""

import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from tuitrain.components.data import Samples
from tuitrain.components.draw import derive
from tuitrain.training.data.batches import Batch
from tuitrain.training.data.loading import Failure, Loaded, Loading, describe_failure, handed_on
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.data.sources import Source
from tuitrain.training.data.transform import BatchTransform
from tuitrain.training.profiling.timing import Laps
from tuitrain.training.runtime.randomness import (
    generator_states,
    restore_generators,
    seed_everything,
)


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One batch that a loader worker is asked for; small, as it crosses a queue."""

    seed: int
    index: np.ndarray


class _RequestSampler(Sampler[BatchRequest]):
    """All batches from one step to another, as one stream over the epochs' borders."""

    def __init__(self, plan: BatchSchedule, first_step: int, end_step: int) -> None:
        self._plan = plan
        self._steps = range(first_step, end_step)

    def __iter__(self) -> Iterator[BatchRequest]:
        epoch, order = -1, np.empty(0, dtype=np.int64)
        for step in self._steps:
            if self._plan.epoch(step) != epoch:
                epoch = self._plan.epoch(step)
                order = self._plan.order(epoch).numpy()
            for first, end in self._plan.slices(step):
                yield BatchRequest(derive(self._plan.seed, epoch, first), order[first:end])


class _BatchDataset(Dataset[Loaded | Failure]):
    """Turns a request into a whole batch, so that its random numbers need no worker's stream."""

    def __init__(self, source: Source, in_worker: bool) -> None:
        self._source = source
        self._in_worker = in_worker

    def __getitem__(self, request: BatchRequest) -> Loaded | Failure:
        try:
            return self._load(request)
        except BaseException as error:
            if handed_on(error):
                return describe_failure(error)
            raise

    def _load(self, request: BatchRequest) -> Loaded:
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
