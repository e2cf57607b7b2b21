"""Adam and AdamW."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field, PositiveFloat
from torch.nn import Parameter

from tuitrain.components.optimizers.fused import can_fuse
from tuitrain.components.registry import optimizer
from tuitrain.config.schema import Fraction


@optimizer("adamw")
def adamw(
    parameters: Iterable[Parameter],
    lr: float,
    weight_decay: float,
    *,
    betas: Annotated[Sequence[Fraction], Field(min_length=2, max_length=2)] = (0.9, 0.999),
    eps: PositiveFloat = 1e-8,
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019): Adam with decoupled weight decay."""
    held = list(parameters)
    options: dict[str, Any] = {"betas": tuple(betas), "eps": eps, "fused": can_fuse(held)}
    return torch.optim.AdamW(held, lr=lr, weight_decay=weight_decay, **options)


@optimizer("adam")
def adam(
    parameters: Iterable[Parameter],
    lr: float,
    weight_decay: float,
    *,
    betas: Annotated[Sequence[Fraction], Field(min_length=2, max_length=2)] = (0.9, 0.999),
    eps: PositiveFloat = 1e-8,
) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2015), weight decay added to the gradient."""
    held = list(parameters)
    options: dict[str, Any] = {"betas": tuple(betas), "eps": eps, "fused": can_fuse(held)}
    return torch.optim.Adam(held, lr=lr, weight_decay=weight_decay, **options)
