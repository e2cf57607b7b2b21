"""What samples have to be, and what they are turned into: one rule for whole sets and for streams.

Knows tensors and words; nothing of how samples are read or batched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.task import IGNORED, Task
from tuitrain.errors import TrainingError

_WANTED = {
    "input": "a tensor or an array (for images, give the set a transform such as "
    "torchvision.transforms.ToTensor())",
    "target": "a number, a tensor or an array",
}
_SIGNED = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}


@dataclass(frozen=True, slots=True)
class SampleRule:
    """What one part of a data set, its training or its validation set, is held against."""

    where: str
    """The part in words: the beginning of every fault's text."""
    task: str
    """The preset's."""
    classes: int | None
    """Of a classification; None: targets are numbers."""
    low: float
    high: float
    """The least and the largest target."""
    dimensions: int = 0
    """Of one sample's class numbers; with any, they keep their type and may be `IGNORED`."""
    counted: str = "Splits.classes names"
    """What says how many classes there are."""
    is_tokens: bool = False
    """Whether inputs are tokens."""
    vocabulary: int | None = None
    """How many tokens there are, where that is known."""

    def convert_targets(self, targets: Tensor, numbers: Sequence[int] | None = None) -> Tensor:
        """Return targets [n, ...] as int64 class numbers [n], or as floating point.

        Args:
            targets: as the data set gives them.
            numbers: of the samples that they are of; None: the whole set.

        Raises:
            TrainingError: one of them is none that the task can take.
        """
        if self.classes is not None:
            targets = self._class_numbers(targets, numbers)
        elif not targets.is_floating_point():
            targets = targets.float()
        bad = self._outside(targets)
        if bool(bad.any()):
            place = int(bad.flatten(1).any(1).nonzero()[0] if bad.ndim > 1 else bad.nonzero()[0])
            value = targets[place][bad[place]].flatten()[0].item()
            raise TrainingError(f"{self._out_of_range(value)} {at(numbers, place)}")
        return targets

    def _outside(self, targets: Tensor) -> Tensor:
        """Return which targets are out of range: [n, ...], or one False for all."""
        if not self.dimensions:
            return (targets < self.low) | (targets > self.high)
        # A type of 8 bits can't be compared with numbers that it does not hold.
        least, largest = (int(value) for value in torch.aminmax(targets))
        if least >= self.low and largest <= self.high:
            return torch.zeros((), dtype=torch.bool)
        wide = targets.long()
        return ((wide < self.low) | (wide > self.high)) & (wide != IGNORED)

    def check_tokens(self, inputs: Tensor, numbers: Sequence[int] | None = None) -> None:
        """Hold inputs against the vocabulary, where they are tokens.

        Args:
            inputs: [n, ...].
            numbers: of the samples that they are of; None: the whole set.

        Raises:
            TrainingError: they are no whole numbers, or one is not in the vocabulary.
        """
        if not self.is_tokens:
            return
        if inputs.is_floating_point() or inputs.is_complex():
            raise TrainingError(
                f"{self.where} has inputs of {inputs.dtype}: where Splits.kind is tokens they must "
                f"be whole numbers {at(numbers, 0)}"
            )
        least, largest = (int(value) for value in torch.aminmax(inputs))
        if self.vocabulary is None or (least >= 0 and largest < self.vocabulary):
            return
        token = least if least < 0 else largest
        place = int((inputs.flatten(1) == token).any(1).nonzero()[0])
        raise TrainingError(
            f"{self.where} has the token {token}, Splits.vocabulary says {self.vocabulary}: 0 to "
            f"{self.vocabulary - 1} {at(numbers, place)}"
        )

    def plain(self, tensor: Tensor, what: str, number: int | None = None) -> Tensor:
        """Return inputs or targets as a tensor that can be batched: alone, and of a usual type.

        Args:
            tensor: of one sample, or of a whole set.
            what: `input` or `target`.
            number: of the sample; None: a whole set.

        Raises:
            TrainingError: there is no such tensor.
        """
        sample = "" if number is None else f" {at(None, number)}"
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
            raise TrainingError(f"{self.where} has {what}s that are no plain, dense tensor{sample}")
        if what == "target" and tensor.is_complex():
            raise TrainingError(
                f"{self.where} has targets of {tensor.dtype}, they must be real numbers{sample}"
            )
        # Torch computes with few of the unsigned types.
        tensor = tensor.to(_SIGNED.get(tensor.dtype, tensor.dtype))
        return tensor.detach() if tensor.requires_grad else tensor

    def _class_numbers(self, targets: Tensor, numbers: Sequence[int] | None) -> Tensor:
        if targets.is_floating_point():
            sample = "" if numbers is None else f" {at(numbers, 0)}"
            raise TrainingError(
                f"{self.where} has targets of {targets.dtype}, class numbers must be whole numbers "
                f"(int64){sample}"
            )
        if self.dimensions:
            return self._many_class_numbers(targets)
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = targets[:, 0]
        if targets.ndim != 1:
            raise TrainingError(
                f"{self.where} has targets of shape {tuple(targets.shape[1:])} for each sample, a "
                "target must be one class number (of one-hot rows: targets.argmax(1))"
            )
        return targets.long()

    def _many_class_numbers(self, targets: Tensor) -> Tensor:
        if targets.ndim != 1 + self.dimensions:
            wanted = ("[length]", "[height, width]")[self.dimensions - 1]
            raise TrainingError(
                f"{self.where} has targets of shape {tuple(targets.shape[1:])} for each sample, a "
                f"{self.task} target must be class numbers {wanted}"
            )
        return targets.byte() if targets.dtype == torch.bool else targets

    def _out_of_range(self, value: float) -> str:
        if self.classes is not None:
            return (
                f"{self.where} has the class number {value}, {self.counted} "
                f"{self.classes}: 0 to {self.classes - 1}"
            )
        return (
            f"{self.where} has the target {value:g}, a {self.task} task's are from {self.low:g} to "
            f"{self.high:g}"
        )


def rule_of(
    task: Task,
    classes: int | None,
    own_loss: bool,
    where: str,
    *,
    is_tokens: bool = False,
    vocabulary: int | None = None,
) -> SampleRule:
    """Return what a part of a data set is held against.

    Args:
        task: the preset's.
        classes: how many there are where targets are class numbers.
        own_loss: the loss is the user's own.
        where: the part in words.
        is_tokens: inputs are tokens.
        vocabulary: how many of them there are, where that is known.
    """
    low, high = task.target_range(own_loss) if classes is None else (0, classes - 1)
    return SampleRule(
        where,
        task.name,
        classes,
        low,
        high,
        dimensions=task.target_dimensions,
        counted="Splits.vocabulary says" if task.predicts_tokens else "Splits.classes names",
        is_tokens=is_tokens,
        vocabulary=vocabulary,
    )


def at(numbers: Sequence[int] | None, place: int) -> str:
    """Return which sample it is."""
    return f"(sample {place if numbers is None else numbers[place]})"


def to_tensor(value: Any, what: str, where: str, number: int) -> Tensor:
    """Return an input or a target of one sample as a tensor.

    Raises:
        TrainingError: it is nothing that a tensor can be made of.
    """
    if isinstance(value, Tensor):
        return value
    refused = TrainingError(
        f"{where} yields {kind_of(value)} as {what}, it must be {_WANTED[what]} {at(None, number)}"
    )
    if not isinstance(value, np.ndarray | np.generic | float | int | list | tuple):
        raise refused
    try:
        return torch.as_tensor(_native(value) if isinstance(value, np.ndarray) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise refused from error


def _native(array: np.ndarray) -> np.ndarray:
    """Return an array in the layout and byte order that torch takes; without a copy as a rule."""
    if array.dtype.byteorder not in "=|":
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array) if any(stride < 0 for stride in array.strides) else array


def kind_of(value: Any) -> str:
    """Return what a value is, for a sentence."""
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return "None" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
