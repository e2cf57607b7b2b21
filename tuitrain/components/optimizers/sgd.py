"""Stochastic gradient descent."""

from collections.abc import Iterable

import torch
from torch.nn import Parameter

from tuitrain.components.optimizers.fused import can_fuse
from tuitrain.components.registry import optimizer
from tuitrain.config.schema import Fraction


@optimizer("sgd")
def sgd(
    parameters: Iterable[Parameter],
    lr: float,
    weight_decay: float,
    *,
    momentum: Fraction = 0.0,
    nesterov: bool = False,
) -> torch.optim.Optimizer:
    """Stochastic gradient descent, with momentum where it is not 0."""
    held = list(parameters)
    return torch.optim.SGD(
        held,
        lr=lr,
        weight_decay=weight_decay,
        momentum=momentum,
        nesterov=nesterov,
        fused=can_fuse(held),
    )
