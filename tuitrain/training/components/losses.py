"""Losses: each returns a function of (outputs, targets) to the mean over the batch."""

from pydantic import PositiveFloat
from torch import nn

from tuitrain.config.schema import Fraction
from tuitrain.training.registry import loss


@loss("cross_entropy", tasks=("classification",))
def cross_entropy(*, label_smoothing: Fraction = 0.0) -> nn.Module:
    """Cross-entropy of class scores."""
    return nn.CrossEntropyLoss(label_smoothing=label_smoothing)


@loss("bce_with_logits", tasks=("binary",))
def bce_with_logits() -> nn.Module:
    """Binary cross-entropy of one score."""
    return nn.BCEWithLogitsLoss()


@loss("l1", tasks=("regression",))
def l1() -> nn.Module:
    """Mean absolute error."""
    return nn.L1Loss()


@loss("mse", tasks=("regression",))
def mse() -> nn.Module:
    """Mean squared error."""
    return nn.MSELoss()


@loss("huber", tasks=("regression",))
def huber(*, delta: PositiveFloat = 1.0) -> nn.Module:
    """Squared below `delta`, linear above (Huber 1964)."""
    return nn.HuberLoss(delta=delta)


@loss("smooth_l1", tasks=("regression",))
def smooth_l1(*, beta: PositiveFloat = 1.0) -> nn.Module:
    """Huber loss divided by `beta`."""
    return nn.SmoothL1Loss(beta=beta)
