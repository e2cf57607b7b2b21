"""Yes or no."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuitrain.components.counts import ClassCounts
from tuitrain.components.registry import task
from tuitrain.components.task import MetricAccumulator, Task, mean_each


@task("binary")
class Binary(Task):
    """Yes or no a sample.

    There is one score a sample, targets are [batch] or [batch, 1] of 0. or 1.; above 0 is yes.
    """

    metrics = ("accuracy",)
    train_metric = "accuracy"
    larger_is_better = ("accuracy",)
    monitor = "val/accuracy"
    loss = "bce_with_logits"
    targets = ("yes_no", "mixable")

    def target_range(self, own_loss: bool) -> tuple[float, float]:
        """Return 0 and 1; some losses take -1 and 1."""
        return (-1 if own_loss else 0), 1

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the accuracy of each batch."""
        right = (torch.cat(list(outputs)) > 0) == (torch.cat(list(targets)) > 0.5)
        return mean_each(right.float(), [len(item) for item in targets])

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to count, as for two classes."""
        del outputs
        return ClassCounts(2, device)
