"""Losses of class scores."""

from torch import Tensor, nn

from tuitrain.components.registry import loss
from tuitrain.components.rows import as_rows
from tuitrain.config.schema import Fraction


class CrossEntropyLoss(nn.CrossEntropyLoss):
    """As torch's, of class numbers at places through rows."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of scores [batch, classes, ...]."""
        return super().forward(*as_rows(outputs, targets))


@loss("cross_entropy", tasks=("classification", "language_modelling", "segmentation"))
def cross_entropy(*, label_smoothing: Fraction = 0.0) -> nn.Module:
    """Cross-entropy of class scores."""
    return CrossEntropyLoss(label_smoothing=label_smoothing)


@loss("bce_with_logits", tasks=("binary",))
def bce_with_logits() -> nn.Module:
    """Binary cross-entropy of one score."""
    return nn.BCEWithLogitsLoss()
