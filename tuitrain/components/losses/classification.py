"""Losses of class scores."""

from torch import nn

from tuitrain.components.registry import loss
from tuitrain.config.schema import Fraction


@loss("cross_entropy", tasks=("classification", "language_modelling", "segmentation"))
def cross_entropy(*, label_smoothing: Fraction = 0.0) -> nn.Module:
    """Cross-entropy of class scores."""
    return nn.CrossEntropyLoss(label_smoothing=label_smoothing)


@loss("bce_with_logits", tasks=("binary",))
def bce_with_logits() -> nn.Module:
    """Binary cross-entropy of one score."""
    return nn.BCEWithLogitsLoss()
