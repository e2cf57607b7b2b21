"""RMSprop."""

from collections.abc import Iterable

import torch
from pydantic import PositiveFloat
from torch.nn import Parameter

from tuitrain.components.registry import optimizer
from tuitrain.config.schema import Fraction


@optimizer("rmsprop")
def rmsprop(
    parameters: Iterable[Parameter],
    lr: float,
    weight_decay: float,
    *,
    alpha: Fraction = 0.99,
    momentum: Fraction = 0.0,
    eps: PositiveFloat = 1e-8,
) -> torch.optim.Optimizer:
    """RMSprop (Hinton 2012): steps scaled by a running mean of squared gradients."""
    return torch.optim.RMSprop(
        parameters, lr=lr, weight_decay=weight_decay, alpha=alpha, momentum=momentum, eps=eps
    )
