"""Weights of classes, given or counted from the training targets."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from tuitrain.components.data import LossContext
from tuitrain.errors import TrainingError

Weights = Literal["balanced"] | Sequence[float] | None

_PIECE = 1 << 22
"""Targets that are counted at once: 32 MiB of them."""


def class_weights(
    context: LossContext, given: Weights, key: str, ignore_index: int = -100
) -> Tensor | None:
    """Return a weight for each class [classes]; None: all weigh the same.

    Balanced ones are samples / (classes * samples of the class), as scikit-learn's.

    Args:
        context: of the loss.
        given: in the preset.
        key: of the preset, for messages.
        ignore_index: a class number that does not count.

    Raises:
        TrainingError: there are not as many as classes, or a class has no sample to count.
    """
    if given is None:
        return None
    if given != "balanced":
        if len(given) != context.classes:
            raise TrainingError(
                f"loss.{key} has {len(given)} numbers, the data set has {context.classes} classes: "
                'it must have one for each, or be "balanced"'
            )
        return torch.tensor(given, dtype=torch.float32)
    counts = _count_classes(context, ignore_index)
    counted = [number for number in range(context.classes) if number != ignore_index]
    if absent := [number for number in counted if not counts[number]]:
        raise TrainingError(
            f"loss.{key} = balanced: the training set has no sample of class {absent[0]}; give a "
            "list of a number for each class"
        )
    weights = counts.sum() / (len(counted) * counts.clamp(min=1))
    return torch.where(counts > 0, weights, torch.zeros_like(weights)).float()


def _count_classes(context: LossContext, ignore_index: int) -> Tensor:
    """Return how many targets each class has [classes], in float64."""
    counts = torch.zeros(context.classes, dtype=torch.int64)
    # Class numbers of pixels may be held in 8 bits, where -100 is another number: a piece at a time
    # is made wide.
    for piece in torch.split(context.targets().flatten(), _PIECE):
        targets = piece.long()
        known = (targets >= 0) & (targets < context.classes) & (targets != ignore_index)
        counts += torch.bincount(targets[known], minlength=context.classes)
    return counts.double()


def share_of_yes(context: LossContext, key: str) -> Tensor:
    """Return the mean of the training targets: [] or, of several a sample, [outputs].

    Raises:
        TrainingError: one of them is always yes or always no.
    """
    share = context.targets().double().mean(0)
    if bool(((share <= 0) | (share >= 1)).any()):
        raise TrainingError(
            f"loss.{key} = balanced: the training set has only one of yes and no; give a number"
        )
    return share
