"""The targets of a whole training set, for what has to count them before the first step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset

from tuitrain.components.data import Samples
from tuitrain.training.data.sources import Source
from tuitrain.training.data.stream import Stream
from tuitrain.training.runtime.randomness import generator_states, restore_generators

_READ_SAMPLES = 256
"""How many are read at once."""


def all_targets(source: Source, report: Callable[[str], None]) -> Tensor:
    """Return all targets [n, ...] on the CPU, as the loop has them.

    Args:
        source: a set of samples.
        report: is told where every sample has to be read for it.
    """
    if isinstance(source, Samples):
        return source.targets.cpu()
    known = known_targets(source)
    if known is not None:
        return known
    report(f"reading {len(source):,} samples to count their targets")
    states = generator_states()
    starts = range(0, len(source), _READ_SAMPLES)
    parts = [
        source.batch(range(start, min(start + _READ_SAMPLES, len(source))))[1] for start in starts
    ]
    restore_generators(states)
    return torch.cat(parts)


def known_targets(source: Source) -> Tensor | None:
    """Return all targets where no sample has to be read for it; None: it takes reading them."""
    if isinstance(source, Samples):
        return source.targets
    stated = _stated(source)
    return source.rule.convert_targets(stated) if stated is not None else None


def _stated(source: Stream) -> Tensor | None:
    """Return what the set itself says, as torchvision's do by `targets`; None: it has to be read.

    They are those before a transform.
    """
    targets = _stated_by(source.samples)
    return targets if targets is not None and len(targets) == len(source) else None


def _stated_by(samples: Any) -> Tensor | None:
    if isinstance(samples, Subset):
        whole = _stated_by(samples.dataset)
        return whole[torch.as_tensor(samples.indices)] if whole is not None else None
    if isinstance(samples, ConcatDataset):
        parts = [_stated_by(part) for part in samples.datasets]
        found = [part for part in parts if part is not None]
        return torch.cat(found) if len(found) == len(parts) else None
    stated = getattr(samples, "targets", None)
    if stated is None or getattr(samples, "target_transform", None) is not None:
        return None
    try:
        targets = torch.as_tensor(stated)
    except (TypeError, ValueError, RuntimeError):
        return None
    return targets if targets.ndim and len(targets) == len(samples) else None
