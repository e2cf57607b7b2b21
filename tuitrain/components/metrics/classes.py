"""Metrics of classes: of class numbers, and of yes or no, which are two classes.

Targets that are no class number, as -100 or 255 of pixels and tokens that count nowhere, are left
out. Means over classes are scikit-learn's `average="macro"` with `zero_division=0`: over those
classes that occur, among the targets or the predictions.
"""

from math import nan

import torch
from pydantic import PositiveInt
from torch import Tensor

from tuitrain.components.metric import Metric, MetricContext, classes_last
from tuitrain.components.registry import metric
from tuitrain.errors import TrainingError


class ClassSums(Metric):
    """Counts for each class, whose metrics differ in what they make of them."""

    larger_is_better = True

    def __init__(self, run: MetricContext) -> None:
        self._scored = "yes_no" not in run.task.target_kinds()
        classes = max(2, run.outputs) if self._scored else 2
        self._sums = torch.zeros(3, classes, dtype=torch.int64, device=run.device)

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count targets, predictions, and predictions that are right."""
        if self._scored:
            scores, true = classes_last(outputs, targets)
            predicted = scores.argmax(1)
        else:
            predicted, true = (outputs > 0).long().flatten(), (targets > 0.5).long().flatten()
        true = true.long()
        one = ((true >= 0) & (true < self._sums.shape[1])).long()
        true = true.clamp(0, self._sums.shape[1] - 1)
        support, chosen, right = self._sums
        support.index_add_(0, true, one)
        chosen.index_add_(0, predicted, one)
        right.index_add_(0, true, one * (true == predicted))

    def merge(self, other: "ClassSums") -> None:
        """Count what `other` has counted as well."""
        self._sums += other._sums

    def value(self) -> float:
        """Return the mean over the classes that occur."""
        support, chosen, right = self._sums.cpu().double()
        return self.mean(support, chosen, right)

    def mean(self, support: Tensor, chosen: Tensor, right: Tensor) -> float:
        """Return the metric.

        Args:
            support: [classes] how often each is the target.
            chosen: [classes] how often each is predicted.
            right: [classes] how often both.
        """
        raise NotImplementedError


class _Ratio(ClassSums):
    """The mean of a ratio; where that is 0 to 0, it is 0."""

    def over(self, support: Tensor, chosen: Tensor) -> Tensor:
        """Return what the right ones are held against, [classes]."""
        raise NotImplementedError

    def mean(self, support: Tensor, chosen: Tensor, right: Tensor) -> float:
        """Return the mean over the classes that occur."""
        occurs = support + chosen > 0
        return _mean((right / self.over(support, chosen).clamp(min=1))[occurs])


class _Precision(_Ratio):
    def over(self, support: Tensor, chosen: Tensor) -> Tensor:
        del support
        return chosen


class _Recall(_Ratio):
    def over(self, support: Tensor, chosen: Tensor) -> Tensor:
        del chosen
        return support


class _F1(_Ratio):
    def over(self, support: Tensor, chosen: Tensor) -> Tensor:
        # 2 right / (support + chosen) is the harmonic mean of precision and recall.
        return ((support + chosen) / 2).clamp(min=1)


class _IoU(ClassSums):
    def mean(self, support: Tensor, chosen: Tensor, right: Tensor) -> float:
        union = support + chosen - right
        return _mean((right / union.clamp(min=1))[union > 0])


class _BalancedAccuracy(ClassSums):
    def mean(self, support: Tensor, chosen: Tensor, right: Tensor) -> float:
        del chosen
        return _mean((right / support.clamp(min=1))[support > 0])


def _mean(values: Tensor) -> float:
    return float(values.mean()) if len(values) else nan


class TopK(Metric):
    """The share of targets that are among the k highest scores."""

    larger_is_better = True

    def __init__(self, run: MetricContext, k: int) -> None:
        if k >= run.outputs:
            raise TrainingError(
                f"metrics: the top {k} of {run.outputs} classes are always right; take a k from 1 "
                f"to {run.outputs - 1}"
            )
        self._k = k
        self._sums = torch.zeros(2, dtype=torch.int64, device=run.device)

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count targets, and those that are hit."""
        scores, true = classes_last(outputs, targets)
        # Those that count nowhere are no class that could be hit.
        counts = (true >= 0) & (true < scores.shape[1])
        hits = (scores.topk(self._k, 1).indices == true[:, None]).any(1)
        self._sums += torch.stack([(hits & counts).sum(), counts.sum()])

    def merge(self, other: "TopK") -> None:
        """Count what `other` has counted as well."""
        self._sums += other._sums

    def value(self) -> float:
        """Return their share."""
        hits, number = self._sums.tolist()
        return hits / number if number else nan


@metric("top_k", targets=("classes",), larger_is_better=True)
def top_k(run: MetricContext, *, k: PositiveInt = 5) -> Metric:
    """Share of targets whose class is among the `k` highest scores."""
    return TopK(run, k)


@metric("top5", targets=("classes",), larger_is_better=True)
def top5(run: MetricContext) -> Metric:
    """Share of targets whose class is among the 5 highest scores."""
    return TopK(run, 5)


@metric("balanced_accuracy", targets=("classes", "yes_no"), larger_is_better=True)
def balanced_accuracy(run: MetricContext) -> Metric:
    """Mean over the classes of the share of each that is found."""
    return _BalancedAccuracy(run)


@metric("f1_macro", targets=("classes", "yes_no"), larger_is_better=True)
def f1_macro(run: MetricContext) -> Metric:
    """Mean over the classes of the harmonic mean of precision and recall."""
    return _F1(run)


@metric("precision_macro", targets=("classes", "yes_no"), larger_is_better=True)
def precision_macro(run: MetricContext) -> Metric:
    """Mean over the classes of the share of predictions of each that are right."""
    return _Precision(run)


@metric("recall_macro", targets=("classes", "yes_no"), larger_is_better=True)
def recall_macro(run: MetricContext) -> Metric:
    """Mean over the classes of the share of each that is found, 0 for one only predicted."""
    return _Recall(run)


@metric("iou_mean", targets=("classes", "yes_no"), larger_is_better=True)
def iou_mean(run: MetricContext) -> Metric:
    """Mean over the classes of intersection over union, as of the pixels of a segmentation."""
    return _IoU(run)
