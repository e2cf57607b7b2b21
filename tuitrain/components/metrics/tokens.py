"""Metrics of the probability that a model gives to what is true."""

from math import exp, inf, nan

import torch
from torch import Tensor, nn

from tuitrain.components.metric import Metric, MetricContext, classes_last
from tuitrain.components.registry import metric
from tuitrain.components.task import widest


class Perplexity(Metric):
    """The exponential of the mean cross-entropy over all targets."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(2, dtype=widest(device), device=device)

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Sum the cross-entropy of the targets that are class numbers, and count them."""
        scores, true = classes_last(outputs, targets)
        counts = (true >= 0) & (true < scores.shape[1])
        known = torch.where(counts, true, -100)
        loss = nn.functional.cross_entropy(scores.float(), known, reduction="sum")
        self._sums += torch.stack([loss.to(self._sums.dtype), counts.sum().to(self._sums.dtype)])

    def merge(self, other: "Perplexity") -> None:
        """Sum what `other` has summed as well."""
        self._sums += other._sums

    def value(self) -> float:
        """Return it; infinite where it is beyond all numbers."""
        total, number = self._sums.tolist()
        if not number:
            return nan
        try:
            return exp(total / number)
        except OverflowError:
            return inf


@metric("perplexity", targets=("classes",))
def perplexity(run: MetricContext) -> Metric:
    """Exponential of the mean cross-entropy of each target, as of the tokens of a text."""
    return Perplexity(run.device)
