"""k-fold: the training and the validation part joined, and one fold of them held out.

Which sample is in which fold follows from the seed alone, so over the folds of one seed each sample
is held out once, and a resumed run holds out the same.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset

from tuitrain.components.data import Samples, Splits
from tuitrain.components.draw import derive
from tuitrain.errors import TrainingError
from tuitrain.training.data.sources import Source, count
from tuitrain.training.data.targets import known_targets

_PURPOSE = 0xF01D
"""Keeps the draw apart from others of the same seed."""


def hold_out(splits: Splits, fold: str, seed: int, report: Callable[[str], None]) -> Splits:
    """Return other splits of the same samples: fold K of N is the validation part.

    Args:
        splits: as checked.
        fold: `K/N`, both counted from 1.
        seed: of the run.
        report: is told where folds can't have each class in its share.

    Raises:
        TrainingError: there are fewer samples than folds, or the parts can't be joined.
    """
    number, folds = (int(part) for part in fold.split("/"))
    train, validation = splits.train, splits.validation
    samples = count(train) + count(validation)
    if samples < folds:
        raise TrainingError(
            f"data.fold = {fold}: the data set has {samples} samples; take no more folds than that"
        )
    parts = [known_targets(train), known_targets(validation)]
    labels = _labels([part for part in parts if part is not None]) if None not in parts else None
    if labels is None:
        report("the targets are not known without reading every sample: folds are drawn at random")
        labels = torch.zeros(samples, dtype=torch.int64)
    held = assign_folds(labels, folds, seed) == number - 1
    return replace(
        splits,
        train=_take(train, train, validation, ~held, fold),
        validation=_take(validation, train, validation, held, fold),
        facts=None,
    )


def assign_folds(labels: Tensor, folds: int, seed: int) -> Tensor:
    """Return each sample's fold [n], from 0 on; folds have each label in its share.

    Args:
        labels: [n] int64.
        folds: how many.
        seed: of the run.
    """
    generator = torch.Generator().manual_seed(derive(seed, _PURPOSE))
    order = torch.randperm(len(labels), generator=generator)
    # Sorted by label the samples are dealt out in turn, so no fold has two more than another.
    order = order[torch.argsort(labels[order], stable=True)]
    assigned = torch.empty_like(labels)
    assigned[order] = torch.arange(len(labels)) % folds
    return assigned


def _labels(parts: list[Tensor]) -> Tensor:
    """Return class numbers, or yes and no, as labels [n]; of other targets all are one."""
    targets = torch.cat([part.flatten(1).squeeze(1) if part.ndim > 1 else part for part in parts])
    counted = targets.ndim == 1 and (
        not targets.is_floating_point() or bool(((targets == 0) | (targets == 1)).all())
    )
    return targets.long() if counted else torch.zeros(len(targets), dtype=torch.int64)


def _take(like: Source, train: Source, validation: Source, chosen: Tensor, fold: str) -> Source:
    """Return the chosen samples of both parts joined, as a source such as `like`."""
    numbers = chosen.nonzero()[:, 0]
    if isinstance(train, Samples) and isinstance(validation, Samples):
        return Samples(
            torch.cat([train.inputs, validation.inputs])[numbers],
            torch.cat([train.targets, validation.targets])[numbers],
        )
    if isinstance(train, Samples) or isinstance(validation, Samples) or isinstance(like, Samples):
        raise TrainingError(
            f"data.fold = {fold}: one part of the data set is held in memory, the other is read a "
            "sample at a time, so that they can't be joined"
        )
    joined: Any = ConcatDataset([train.samples, validation.samples])
    return replace(like, samples=Subset(joined, numbers.tolist()))
