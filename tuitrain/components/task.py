"""What a task is to the loop: how targets, outputs and metrics of one kind of training look.

A task is one class in one file. What is literal in it is also read from its source, without
importing it, by `tuitrain.config.catalogue`. Everything it measures stays on the device until the
loop flushes.
"""

from collections.abc import Sequence
from math import inf, prod
from typing import ClassVar, NotRequired, Protocol, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from tuitrain.components.samples import Sample, SampleBatch
from tuitrain.errors import TrainingError

IGNORED = -100
"""The class number of a position or pixel that counts for nothing: torch's `ignore_index`.

The mean loss of an evaluation, and of a step in several batches, is over all that counts; train
metrics and terms of a loss weigh the batches of one such step by their samples.
"""


class Counts(TypedDict):
    """What an evaluation counted by class: one number a class in each list, in the same order."""

    support: list[int]
    """Samples that are of the class."""
    predicted: list[int]
    """Samples that were taken for it."""
    correct: list[int]
    """Samples that are both."""
    confusion: NotRequired[list[list[int]]]
    """Rows: true, columns: predicted."""


class MetricAccumulator(Protocol):
    """Sums over one evaluation.

    One with `merge(other)`, which counts what another of its kind has counted as well, can be used
    on several ranks.
    """

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Count one batch."""
        ...

    def metrics(self) -> dict[str, float]:
        """Return the metrics without their `val/`."""
        ...

    def counts(self) -> Counts | None:
        """Return per-class counts, where there are classes."""
        ...


class Task:
    """One kind of training; a task overrides what is otherwise with it."""

    name: str = ""
    """As the preset has it; set when the task is found by it."""
    metrics: ClassVar[tuple[str, ...]] = ()
    """What an evaluation gives beside the loss, e.g. accuracy, which is then val/accuracy."""
    train_metric: ClassVar[str] = ""
    """What `measure_steps` gives."""
    larger_is_better: ClassVar[tuple[str, ...]] = ()
    """Those of its metrics that are better when they are larger."""
    monitor: ClassVar[str] = "val/loss"
    """The metric that decides which checkpoint is best, where a preset names none."""
    loss: ClassVar[str] = ""
    """The loss of a preset that names none; empty: a preset must name one."""
    has_classes: ClassVar[bool] = False
    """Whether targets are class numbers, int64 from 0 on, so that the classes must have names."""
    target_dimensions: ClassVar[int] = 0
    """Of one sample's class numbers: 1 where each position of a sequence has one, 2 where each
    pixel has. Those may be `IGNORED` too."""
    predicts_tokens: ClassVar[bool] = False
    """Whether the class numbers are tokens: the vocabulary says how many there are."""
    reconstructs: ClassVar[bool] = False
    """Whether the prepared inputs are the targets, where those of the data set are one number a
    sample."""
    takes_data_of: ClassVar[tuple[str, ...]] = ()
    """Tasks whose data sets fit this one as well."""

    targets: ClassVar[tuple[str, ...]] = ()
    """What its targets are, for metrics and hooks that fit only some: `classes` (a class number
    each, which `has_classes` says too), `yes_no` (0. or 1. each), `numbers`; and `mixable`, where
    a sample may be blended of two, its targets by `soft_targets`."""

    @classmethod
    def target_kinds(cls) -> frozenset[str]:
        """Return what its targets are; empty where it does not say."""
        return frozenset(cls.targets) | ({"classes"} if cls.has_classes else set())

    def soft_targets(self, targets: Tensor, outputs: int) -> Tensor:
        """Return targets as numbers that can be blended: of class numbers [batch, classes] shares.

        Loss and `measure_steps` of a task whose targets are mixable take such targets, too.

        Args:
            targets: [batch] or [batch, ...].
            outputs: numbers that the model gives for one sample: classes, or targets.
        """
        return one_hot(targets, outputs).float() if self.has_classes else targets

    def target_range(self, own_loss: bool) -> tuple[float, float]:
        """Return the least and the largest target that is no class number.

        Args:
            own_loss: the loss is the user's own, which may take other targets than those here.
        """
        del own_loss
        return -inf, inf

    def outputs(self, classes: int, target_shape: Sequence[int]) -> int:
        """Return how many numbers the model must give for one sample.

        Args:
            classes: how many the data set names.
            target_shape: of one sample's targets; () for a number.
        """
        return classes if self.has_classes else prod(target_shape)

    def output_shape(self, outputs: int, target_shape: Sequence[int]) -> tuple[int, ...] | None:
        """Return the shape that a model's outputs must have for one sample; None: any that fits.

        Args:
            outputs: as the model's builder knows it.
            target_shape: of one sample's targets.
        """
        del target_shape
        return (outputs,) if self.has_classes else None

    def shape_outputs(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return outputs in the shape that loss and metrics take: by default that of the targets.

        Raises:
            TrainingError: there are not as many as the targets want.
        """
        return shaped_like(outputs, targets)

    def weigh(self, targets: Tensor) -> Tensor | int:
        """Return what a batch's mean loss counts for in that of an evaluation or a step: samples.

        Where a task counts something else, a tensor on the device: nothing waits for it.
        """
        return len(targets)

    def summarise(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is kept of a batch for `measure_steps`, on the device: the whole of it.

        A task whose outputs are large returns sums instead, as a step must not wait for a flush.
        """
        return outputs, targets

    def measure_steps(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> list[float]:
        """Return the train metric of each batch; one transfer from the device for all.

        Args:
            outputs: of each batch, or what `summarise` made of them.
            targets: as outputs.
        """
        raise NotImplementedError

    def samples(self, model: nn.Module, batch: SampleBatch) -> list[Sample]:
        """Return what is shown of some validation samples: input, target and output of each.

        A model that has a method `samples(batch)` is asked instead. Both are called without
        gradients and in evaluation mode; what they draw changes nothing of the training.
        """
        outputs = self.shape_outputs(model(batch.inputs), batch.targets)
        parts = enumerate(zip(batch.targets, outputs, strict=True))
        return [
            {"input": batch.shown_input(place), **self.describe(target, output, batch.classes)}
            for place, (target, output) in parts
        ]

    def describe(self, target: Tensor, output: Tensor, classes: Sequence[str]) -> Sample:
        """Return a sample's target and output as they are shown, of classes the likeliest.

        Args:
            target: [] or [...].
            output: of classes [classes, ...], else as the target.
            classes: their names.
        """
        if not self.has_classes:
            return {"target": target, "output": output}
        likeliest = output.argmax(0)
        if target.ndim or not classes:
            return {"target": target, "output": likeliest}
        probability = float(output.float().softmax(0).max())
        name = f"{classes[int(likeliest)]} ({probability:.0%})"
        return {"target": classes[int(target)], "output": name}

    def accumulator(self, outputs: int, device: torch.device) -> MetricAccumulator:
        """Begin an evaluation; `outputs` are the numbers that the model gives for one sample."""
        raise NotImplementedError


def widest(device: torch.device) -> torch.dtype:
    """Return the widest floating point type of a device: Metal has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def mean_each(values: Tensor, sizes: Sequence[int]) -> list[float]:
    """Return the mean over each run of `sizes` consecutive values."""
    if len(set(sizes)) == 1:
        means: list[float] = values.view(len(sizes), -1).mean(1).tolist()
        return means
    return torch.stack([part.mean() for part in torch.split(values, list(sizes))]).tolist()


def shaped_like(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return [batch] as [batch, 1] or the other way round, whichever the targets are.

    Losses broadcast one against the other to [batch, batch] and train on with that.
    """
    if outputs.shape == targets.shape:
        return outputs
    if outputs.numel() != targets.numel():
        raise TrainingError(
            f"the model gives outputs of shape {tuple(outputs.shape)} for targets of shape "
            f"{tuple(targets.shape)}: it must give one number for each target"
        )
    return outputs.reshape(targets.shape)
