"""Class scores of positions and pixels as those of so many samples."""

import torch
from torch import Tensor


def as_rows(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return scores and class numbers as [n, classes] and [n], where that is better than as it is.

    On CUDA torch has no deterministic cross-entropy of more dimensions; and where the classes of a
    place lie side by side, as a language model gives them, rows cost no copy and are read faster.

    Args:
        outputs: [batch, classes, ...].
        targets: [batch, ...]; others are left as they are, as shares of classes.
    """
    if outputs.ndim < 3 or targets.is_floating_point():
        return outputs, targets
    if outputs.stride(1) != 1 and not torch.are_deterministic_algorithms_enabled():
        return outputs, targets
    return outputs.movedim(1, -1).flatten(0, -2), targets.flatten()
