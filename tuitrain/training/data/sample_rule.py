"""What samples have to be, and what they are turned into: one rule for whole sets and for streams.

Knows tensors and words; nothing of how samples are read or batched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.task import Task
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
        bad = (targets < self.low) | (targets > self.high)
        if bool(bad.any()):
            place = int(bad.flatten(1).any(1).nonzero()[0] if bad.ndim > 1 else bad.nonzero()[0])
            value = targets[place][bad[place]].flatten()[0].item()
            raise TrainingError(f"{self._out_of_range(value)} {at(numbers, place)}")
        return targets

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
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = targets[:, 0]
        if targets.ndim != 1:
            raise TrainingError(
                f"{self.where} has targets of shape {tuple(targets.shape[1:])} for each sample, a "
                "target must be one class number (of one-hot rows: targets.argmax(1))"
            )
        return targets.long()

    def _out_of_range(self, value: float) -> str:
        if self.classes is not None:
            return (
                f"{self.where} has the class number {value}, Splits.classes names "
                f"{self.classes}: 0 to {self.classes - 1}"
            )
        return (
            f"{self.where} has the target {value:g}, a {self.task} task's are from {self.low:g} to "
            f"{self.high:g}"
        )


def rule_of(task: Task, classes: int | None, own_loss: bool, where: str) -> SampleRule:
    """Return what a part of a data set is held against.

    Args:
        task: the preset's.
        classes: how many there are where targets are class numbers.
        own_loss: the loss is the user's own.
        where: the part in words.
    """
    if classes is not None:
        return SampleRule(where, task.name, classes, 0, classes - 1)
    return SampleRule(where, task.name, None, *task.target_range(own_loss))


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
