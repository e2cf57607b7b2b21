"""A class for each pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuitrain.components.counts import ClassCounts
from tuitrain.components.pictures import class_colours
from tuitrain.components.registry import task
from tuitrain.components.samples import Sample
from tuitrain.components.task import IGNORED, Counts, MetricAccumulator, Task


@task("segmentation")
class Segmentation(Task):
    """One of several classes a pixel.

    Outputs are [batch, classes, height, width], targets [batch, height, width] class numbers, -100
    where a pixel counts for nothing. Loss and metrics are over the pixels that count.
    """

    metrics = ("accuracy", "mean_iou")
    train_metric = "accuracy"
    larger_is_better = ("accuracy", "mean_iou")
    monitor = "val/mean_iou"
    loss = "cross_entropy"
    has_classes = True
    target_dimensions = 2

    def output_shape(self, outputs: int, target_shape: Sequence[int]) -> tuple[int, ...]:
        """Return [classes, height, width]."""
        return (outputs, *target_shape)

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Class scores are taken as they are."""
        del targets
        return outputs

    def weigh(self, targets: Tensor) -> Tensor:
        """Return how many pixels count."""
        return (targets != IGNORED).sum()

    def summarise(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return how many pixels were right, and how many there were: scalars."""
        return (outputs.argmax(1) == targets).sum(), self.weigh(targets)

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the share of each batch's pixels whose class has the highest score."""
        number = torch.stack(list(targets)).clamp(min=1)
        shares: list[float] = (torch.stack(list(outputs)) / number).tolist()
        return shares

    def describe(self, target: Tensor, output: Tensor, classes: Sequence[str]) -> Sample:
        """Return the mask as it should be and as the model has it, in one colour a class."""
        del classes
        return {"target": class_colours(target), "output": class_colours(output.argmax(0))}

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin to count."""
        return PixelCounts(outputs, device)


class PixelCounts:
    """Counts of pixels by their true and predicted class."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self._counts = ClassCounts(classes, device)

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count one batch."""
        self._counts.add(outputs, targets)

    def merge(self, other: "PixelCounts") -> None:
        """Count what `other` has counted as well."""
        self._counts.merge(other._counts)

    def counts(self) -> Counts:
        """Return them, in pixels."""
        return self._counts.counts()

    def metrics(self) -> dict[str, float]:
        """Return the accuracy, and the mean over the classes of intersection over union.

        A class that is neither there nor predicted has none and is left out.
        """
        counts = self._counts.counts()
        each = zip(counts["correct"], counts["support"], counts["predicted"], strict=True)
        shares = [
            both / (true + predicted - both) for both, true, predicted in each if true + predicted
        ]
        return {**self._counts.metrics(), "mean_iou": sum(shares) / max(1, len(shares))}
