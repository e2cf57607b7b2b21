"""One of several classes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuitrain.components.counts import ClassCounts
from tuitrain.components.registry import task
from tuitrain.components.task import MetricAccumulator, Task, mean_each


@task("classification")
class Classification(Task):
    """One of several classes a sample.

    Outputs are [batch, classes], targets [batch] int64. Accuracy is the share of samples whose
    class has the highest score.
    """

    metrics = ("accuracy",)
    train_metric = "accuracy"
    larger_is_better = ("accuracy",)
    monitor = "val/accuracy"
    loss = "cross_entropy"
    targets = ("classes", "mixable")
    has_classes = True

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Class scores are taken as they are."""
        del targets
        return outputs

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the accuracy of each batch."""
        true = torch.cat(list(targets))
        # Shares of classes, as mixing gives them, count as the largest of them.
        right = torch.cat(list(outputs)).argmax(1) == (true.argmax(1) if true.ndim > 1 else true)
        return mean_each(right.float(), [len(item) for item in targets])

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to count."""
        return ClassCounts(outputs, device)
