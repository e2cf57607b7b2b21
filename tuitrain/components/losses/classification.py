"""Losses of class scores."""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn
from torch.nn import functional

from tuitrain.components.data import LossContext
from tuitrain.components.losses.weights import class_weights as weights_of
from tuitrain.components.losses.weights import share_of_yes
from tuitrain.components.registry import loss
from tuitrain.components.rows import as_rows
from tuitrain.config.schema import Fraction
from tuitrain.errors import TrainingError


class CrossEntropyLoss(nn.Module):
    """Cross-entropy of scores, or of log-probabilities, with a weight for each class.

    As torch has it, the mean is over the weights of the batch's samples.
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, ignore_index: int, smoothing: float) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self._ignore_index, self._smoothing = ignore_index, smoothing

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of scores [batch, classes, ...] for class numbers or shares of them."""
        rows, numbers = as_rows(outputs, targets)
        return functional.cross_entropy(
            rows,
            numbers,
            weight=_in_type_of(self.weight, outputs),
            ignore_index=self._ignore_index,
            label_smoothing=self._smoothing,
        )


class NegativeLogLikelihood(nn.Module):
    """Takes log-probabilities, and holds the first batch against that."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, ignore_index: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self._ignore_index = ignore_index
        self._looked = False

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of log-probabilities [batch, classes, ...].

        Raises:
            TrainingError: they are something else, by which training would lead nowhere.
        """
        if not self._looked:
            self._looked = True
            _refuse_scores(outputs)
        return functional.nll_loss(
            outputs, targets, _in_type_of(self.weight, outputs), ignore_index=self._ignore_index
        )


def _refuse_scores(outputs: Tensor) -> None:
    sums = outputs.detach().double().exp().sum(1)
    # In 16 bits log-probabilities add up to 1 within a few percent.
    if bool((sums - 1).abs().max() > 0.1):
        raise TrainingError(
            f"loss.name = nll takes log-probabilities, whose exponentials add up to 1 for each "
            f"sample; the model's add up to {sums.flatten()[0].item():.3g}: end the model in "
            "torch.nn.LogSoftmax(1), or take loss.name = cross_entropy"
        )


class MulticlassFocal(nn.Module):
    """Cross-entropy in which a sample weighs (1 - its probability) ** gamma."""

    alpha: Tensor | None

    def __init__(self, alpha: Tensor | None, gamma: float) -> None:
        super().__init__()
        self.register_buffer("alpha", alpha)
        self._gamma = gamma

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of scores [batch, classes, ...] for class numbers or shares of them."""
        logs = functional.log_softmax(outputs, 1)
        losses = -_focus(1 - logs.exp(), self._gamma) * logs
        if self.alpha is not None:
            shape = [1, -1, *[1] * (outputs.ndim - 2)]
            losses = losses * self.alpha.to(losses.dtype).view(shape)
        if targets.is_floating_point():
            return (losses * targets).sum(1).mean()
        return losses.gather(1, targets.unsqueeze(1)).mean()


class BinaryFocal(nn.Module):
    """Binary cross-entropy in which a sample weighs (1 - its probability) ** gamma."""

    alpha: Tensor | None

    def __init__(self, alpha: Tensor | None, gamma: float) -> None:
        super().__init__()
        self.register_buffer("alpha", alpha)
        self._gamma = gamma

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of scores for targets from 0 to 1, both of one shape."""
        losses = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
        yes = outputs.to(losses.dtype).sigmoid()
        losses = losses * _focus(yes + targets - 2 * yes * targets, self._gamma)
        if self.alpha is not None:
            alpha = self.alpha.to(losses.dtype)
            losses = losses * (alpha * targets + (1 - alpha) * (1 - targets))
        return losses.mean()


def _focus(wrong: Tensor, gamma: float) -> Tensor:
    """Return a power whose slope is finite where nothing is wrong any more."""
    return wrong.clamp(min=torch.finfo(wrong.dtype).eps) ** gamma


def _in_type_of(weight: Tensor | None, outputs: Tensor) -> Tensor | None:
    return None if weight is None else weight.to(outputs.dtype)


@loss("cross_entropy", tasks=("classification", "language_modelling", "segmentation"))
def cross_entropy(
    context: LossContext,
    *,
    class_weights: Literal["balanced"] | Sequence[NonNegativeFloat] | None = None,
    ignore_index: int = -100,
    label_smoothing: Fraction = 0.0,
) -> nn.Module:
    """Cross-entropy of class scores; targets of the number `ignore_index` do not count."""
    weights = weights_of(context, class_weights, "class_weights", ignore_index)
    return CrossEntropyLoss(weights, ignore_index, label_smoothing)


@loss("nll", tasks=("classification",))
def nll(
    context: LossContext,
    *,
    class_weights: Literal["balanced"] | Sequence[NonNegativeFloat] | None = None,
    ignore_index: int = -100,
) -> nn.Module:
    """Negative log-likelihood, for a model that ends in a log-softmax."""
    weights = weights_of(context, class_weights, "class_weights", ignore_index)
    return NegativeLogLikelihood(weights, ignore_index)


@loss("focal", tasks=("classification", "binary"))
def focal(
    context: LossContext,
    *,
    alpha: Literal["balanced"] | Fraction | Sequence[NonNegativeFloat] | None = None,
    gamma: NonNegativeFloat = 2.0,
) -> nn.Module:
    """Focal loss (Lin 2017): what is right already counts little; `alpha` weighs classes, or yes.

    With classes `alpha` is a number for each; for yes or no that of yes, and no has 1 - `alpha`.
    """
    if not context.classes:
        return BinaryFocal(_alpha_of_yes(context, alpha), gamma)
    if isinstance(alpha, float | int):
        raise TrainingError(
            f"loss.alpha = {alpha:g}: with {context.classes} classes it must be a list of a number "
            'for each, or "balanced"'
        )
    return MulticlassFocal(weights_of(context, alpha, "alpha"), gamma)


def _alpha_of_yes(
    context: LossContext, given: Literal["balanced"] | float | Sequence[float] | None
) -> Tensor | None:
    """Return the weight of yes; the rarer it is, the more a balanced one is."""
    if given is None:
        return None
    if given == "balanced":
        return 1 - share_of_yes(context, "alpha").float()
    if isinstance(given, float | int):
        return torch.tensor(float(given))
    raise TrainingError(
        f'loss.alpha is a list: for yes or no it must be a number within 0 and 1, or "balanced"; '
        f"found {len(given)} numbers"
    )


@loss("bce_with_logits", tasks=("binary",))
def bce_with_logits(
    context: LossContext, *, pos_weight: Literal["balanced"] | PositiveFloat | None = None
) -> nn.Module:
    """Binary cross-entropy of one score; a yes counts `pos_weight` times."""
    if pos_weight == "balanced":
        share = share_of_yes(context, "pos_weight")
        return nn.BCEWithLogitsLoss(pos_weight=((1 - share) / share).float())
    weight = None if pos_weight is None else torch.tensor(float(pos_weight))
    return nn.BCEWithLogitsLoss(pos_weight=weight)
