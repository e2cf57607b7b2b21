"""One pass over a part in its own order, for evaluations."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from tuitrain.components.data import Samples
from tuitrain.components.draw import derive
from tuitrain.training.data.loader import BatchRequest, open_loader
from tuitrain.training.data.sources import Source, count
from tuitrain.training.data.transform import BatchTransform
from tuitrain.training.distributed.world import ALONE, World


class _Ranges(Sampler[BatchRequest]):
    """The samples in their own order, for evaluation."""

    def __init__(self, samples: int, firsts: range) -> None:
        self._samples = samples
        self._firsts = firsts

    def __iter__(self) -> Iterator[BatchRequest]:
        for first in self._firsts:
            end = min(first + self._firsts.step, self._samples)
            yield BatchRequest(derive(first), np.arange(first, end, dtype=np.int64))


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
