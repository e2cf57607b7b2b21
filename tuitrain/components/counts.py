"""Counts of classes over an evaluation."""

import torch
from torch import Tensor

from tuitrain.components.task import Counts

MOST_CONFUSION_CLASSES = 128
"""With more classes only the per-class sums are kept, not the table."""


class ClassCounts:
    """Counts of (true, predicted) pairs."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self._classes = classes
        self._table: Tensor | None = None
        self._sums: tuple[Tensor, Tensor, Tensor] | None = None
        if classes <= MOST_CONFUSION_CLASSES:
            self._table = torch.zeros(classes * classes, dtype=torch.int64, device=device)
        else:
            sums = torch.zeros(3, classes, dtype=torch.int64, device=device)
            self._sums = (sums[0], sums[1], sums[2])

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count one batch; scores above 0 are class 1 where there is one score a sample.

        Targets below 0 are not counted.
        """
        scored = outputs.ndim > targets.ndim
        predicted = (outputs.argmax(1) if scored else (outputs > 0).long()).flatten()
        true = (targets if scored else targets > 0.5).long().flatten()
        # Added as 0 and not left out: how many are left is for the device alone to know.
        one = (true >= 0).long()
        true = true.clamp(min=0)
        if self._table is not None:
            self._table.index_add_(0, true * self._classes + predicted, one)
        elif self._sums is not None:
            support, chosen, correct = self._sums
            support.index_add_(0, true, one)
            chosen.index_add_(0, predicted, one)
            correct.index_add_(0, true, (true == predicted) * one)

    def merge(self, other: "ClassCounts") -> None:
        """Count what `other` has counted as well."""
        if self._table is not None and other._table is not None:
            self._table += other._table
        elif self._sums is not None and other._sums is not None:
            for own, counted in zip(self._sums, other._sums, strict=True):
                own.add_(counted)

    def counts(self) -> Counts:
        """Return support, predicted and correct a class, and the confusion table if small."""
        if self._table is not None:
            table = self._table.view(self._classes, self._classes)
            return {
                "support": table.sum(1).tolist(),
                "predicted": table.sum(0).tolist(),
                "correct": table.diagonal().tolist(),
                "confusion": table.tolist(),
            }
        support, chosen, correct = self._sums or ((), (), ())
        return {
            "support": torch.as_tensor(support).tolist(),
            "predicted": torch.as_tensor(chosen).tolist(),
            "correct": torch.as_tensor(correct).tolist(),
        }

    def metrics(self) -> dict[str, float]:
        """Return the accuracy."""
        counts = self.counts()
        return {"accuracy": sum(counts["correct"]) / max(1, sum(counts["support"]))}
