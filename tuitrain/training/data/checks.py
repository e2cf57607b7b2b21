"""Checks what a data set's function returns, so that a fault is told by what it is and where.

Torch would name an index or a dtype in the middle of a step, and on a GPU not even that.
"""

from typing import Any

import numpy as np
from torch import Tensor

from tuitrain.errors import TrainingError
from tuitrain.training.randomness import generator_states, restore_generators
from tuitrain.training.samples import Samples, Source, Splits


def check_splits(name: str, task: str, found: Any) -> Splits:
    """Return a data set's splits, class numbers as int64 and other targets as floating point.

    Args:
        name: as the preset has it.
        task: the preset's.
        found: what the data set's function returned.

    Raises:
        TrainingError: this is nothing that can be trained on.
    """
    where = f"data.name = {name}:"
    if not isinstance(found, Splits):
        raise TrainingError(
            f"{where} its function returned {_kind(found)}, it must return a "
            "tuitrain.training.samples.Splits"
        )
    classes = len(found.classes) if task == "classification" else None
    if classes == 0:
        raise TrainingError(
            f"{where} Splits.classes is empty, a classification task needs the classes' names"
        )
    train = _check_part(found.train, classes, f"{where} its training set")
    validation = _check_part(found.validation, classes, f"{where} its validation set")
    return Splits(train, validation, found.classes)


def _check_part(part: Any, classes: int | None, where: str) -> Source:
    if isinstance(part, Samples):
        return _check_samples(part, classes, where)
    if not (hasattr(part, "__len__") and hasattr(part, "__getitem__")):
        raise TrainingError(
            f"{where} is {_kind(part)}, it must be a tuitrain.training.samples.Samples or have "
            "__len__ and __getitem__"
        )
    if not len(part):
        raise TrainingError(f"{where} is empty")
    # What its transforms draw here is drawn once more when the run begins.
    states = generator_states()
    first = part[0]
    restore_generators(states)
    _check_first(first, where)
    source: Source = part
    return source


def _check_samples(samples: Samples, classes: int | None, where: str) -> Samples:
    inputs, targets = samples.inputs, samples.targets
    for name, value in (("inputs", inputs), ("targets", targets)):
        if not isinstance(value, Tensor):
            raise TrainingError(f"{where} has {_kind(value)} for {name}, it must be a tensor")
    if len(inputs) != len(targets):
        raise TrainingError(f"{where} has {len(inputs):,} inputs and {len(targets):,} targets")
    if not len(inputs):
        raise TrainingError(f"{where} is empty")
    if classes is not None:
        return Samples(inputs, _class_numbers(targets, classes, where))
    return samples if targets.is_floating_point() else Samples(inputs, targets.float())


def _class_numbers(targets: Tensor, classes: int, where: str) -> Tensor:
    if targets.is_floating_point():
        raise TrainingError(
            f"{where} has targets of {targets.dtype}, class numbers must be whole numbers (int64)"
        )
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes:
        raise TrainingError(
            f"{where} has the class number {low if low < 0 else high}, Splits.classes names "
            f"{classes}: 0 to {classes - 1}"
        )
    return targets.long()


def _check_first(first: Any, where: str) -> None:
    """Look at one sample of a set that yields them one at a time."""
    if not isinstance(first, tuple | list) or len(first) != 2:
        raise TrainingError(
            f"{where} yields {_kind(first)}, each sample must be a pair (input, target)"
        )
    if not isinstance(first[0], Tensor | np.ndarray | np.generic | float | int):
        raise TrainingError(
            f"{where} yields {_kind(first[0])} as input, it must be a tensor or an array (for "
            "images, give the set a transform such as torchvision.transforms.ToTensor())"
        )


def _kind(value: Any) -> str:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return "None" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
