"""What a metric is to the loop: counts over one evaluation, and the value that they come to.

A metric is one class; it counts on the device and is read once, at the end of the evaluation.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from tuitrain.components.task import Task


@dataclass(frozen=True, slots=True)
class MetricContext:
    """What a metric's builder may know of the run."""

    task: Task
    outputs: int
    """Numbers that the model gives for one sample: classes, or targets."""
    device: torch.device
    classes: tuple[str, ...] = ()
    """Names in the order of the class numbers; empty where there are none."""


class Metric:
    """One metric over one evaluation; made anew for each."""

    larger_is_better: ClassVar[bool] = False

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count one batch, without waiting for the device.

        Args:
            outputs: [batch, ...] as the loss takes them, in the number format of the run.
            targets: [batch] or [batch, ...].
        """
        raise NotImplementedError

    def merge(self, other: Any) -> None:
        """Count what `other`, of the same kind, has counted of other batches as well.

        Needed where a run has several ranks: each counts its share of an evaluation.
        """
        raise NotImplementedError

    def value(self) -> float:
        """Return what the batches come to; NaN where they say nothing."""
        raise NotImplementedError


def classes_last(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return scores as [places, classes] and targets as [places], whatever a sample is.

    Args:
        outputs: [batch, classes, ...] as torch's losses take them.
        targets: [batch, ...] class numbers.
    """
    scores = outputs.movedim(1, -1)
    return scores.reshape(-1, scores.shape[-1]), targets.reshape(-1)
