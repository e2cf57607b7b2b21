"""Losses of numbers."""

from pydantic import PositiveFloat
from torch import nn

from tuitrain.components.registry import loss


@loss("l1", tasks=("regression", "reconstruction"))
def l1() -> nn.Module:
    """Mean absolute error."""
    return nn.L1Loss()


@loss("mse", tasks=("regression", "reconstruction"))
def mse() -> nn.Module:
    """Mean squared error."""
    return nn.MSELoss()


@loss("huber", tasks=("regression", "reconstruction"))
def huber(*, delta: PositiveFloat = 1.0) -> nn.Module:
    """Squared below `delta`, linear above (Huber 1964)."""
    return nn.HuberLoss(delta=delta)


@loss("smooth_l1", tasks=("regression", "reconstruction"))
def smooth_l1(*, beta: PositiveFloat = 1.0) -> nn.Module:
    """Huber loss divided by `beta`."""
    return nn.SmoothL1Loss(beta=beta)
