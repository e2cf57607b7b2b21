"""What a preset's data are: sizes, classes, ranges, what is missing, and samples as they come.

Sets held in memory are read whole; of those that are read a sample at a time so many, spread over
the set. Knows nothing of how it is shown.
"""

from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import DataContext, Samples
from tuitrain.training.data.build import Data, build_data
from tuitrain.training.data.sources import Source
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.inspection.figures import (
    Duplicates,
    channel_figures,
    class_counts,
    digests,
    find_duplicates,
    number_figures,
    target_figures,
    token_figures,
)
from tuitrain.training.inspection.samples import drawn_samples
from tuitrain.training.runtime.randomness import generator_states, restore_generators
from tuitrain.training.task import find_task

_PARTS = ("train", "validation")


def describe_data(inspected: Inspected, *, samples: int, read: int) -> dict[str, Any]:
    """Return what is known of both parts of a data set, as JSON data.

    Args:
        inspected: the preset.
        samples: how many of the training samples to return as they come to the model.
        read: of a set that is read a sample at a time, the most that are read of each part.

    Raises:
        TuitrainError: the data set is not here, or can't be trained on.
    """
    preset = inspected.preset
    task = find_task(preset.task)
    # Whatever the device has room for, it is looked at on the CPU.
    context = DataContext(
        inspected.data_directory,
        inspected.report,
        has_classes=task.has_classes,
        task=task.name,
    )
    data = build_data(preset, task, torch.device("cpu"), context)
    inspected.report("reading the samples")
    parts = {
        name: _read(source, read)
        for name, source in zip(_PARTS, (data.train, data.validation), strict=True)
    }
    return {
        "preset": preset.name,
        "data": preset.data.name,
        "task": task.name,
        "kind": data.spec.kind,
        "input_shape": list(data.spec.input_shape),
        "target_shape": list(data.spec.target_shape),
        "vocabulary": data.spec.vocabulary,
        "normalized": preset.data.normalize and data.spec.kind != "tokens",
        "augmentations": [section.name for section in preset.data.augment],
        "parts": {name: _figures(part, parts, data) for name, part in parts.items()},
        "classes": _classes(parts, data),
        "duplicates": _duplicates(parts),
        "samples": drawn_samples(data, preset, samples),
    }


class _Part:
    """The samples of one part that were read."""

    def __init__(self, source: Source, inputs: Tensor, targets: Tensor, numbers: list[int]) -> None:
        self.size = len(source)
        self.inputs, self.targets = inputs, targets
        self.numbers = numbers
        """Of the samples in the set."""
        self.size_bytes = source.size_bytes if isinstance(source, Samples) else None


def _read(source: Source, most: int) -> _Part:
    if isinstance(source, Samples):
        return _Part(source, source.inputs, source.targets, list(range(len(source))))
    number = min(len(source), most) if most else len(source)
    numbers = [place * len(source) // number for place in range(number)]
    states = generator_states()
    inputs, targets = source.batch(numbers)
    restore_generators(states)
    return _Part(source, inputs, targets, numbers)


def _figures(part: _Part, parts: dict[str, _Part], data: Data) -> dict[str, Any]:
    is_tokens = data.spec.kind == "tokens"
    are_numbers = not data.classes and part.targets.is_floating_point()
    everywhere = [each.targets for each in parts.values()]
    return {
        "samples": part.size,
        "read": len(part.numbers),
        "bytes": part.size_bytes,
        "inputs": {
            "dtype": str(part.inputs.dtype).removeprefix("torch."),
            **number_figures(part.inputs),
            "channels": [] if is_tokens else channel_figures(part.inputs),
            "tokens": token_figures(part.inputs, data.token_texts) if is_tokens else None,
        },
        "targets": {
            "dtype": str(part.targets.dtype).removeprefix("torch."),
            "outputs": target_figures(part.targets, everywhere) if are_numbers else [],
        },
    }


def _classes(parts: dict[str, _Part], data: Data) -> list[dict[str, Any]]:
    """Return each class with its count in both parts."""
    if not data.classes:
        return []
    counts = {name: class_counts(part.targets, len(data.classes)) for name, part in parts.items()}
    return [
        {"name": name, **{part: counts[part][number] for part in _PARTS}}
        for number, name in enumerate(data.classes)
    ]


def _duplicates(parts: dict[str, _Part]) -> dict[str, Any]:
    """Return how many inputs are in both parts, and how many are in one more than once."""
    train, validation = (digests(parts[name].inputs) for name in _PARTS)
    found: Duplicates = find_duplicates(train, validation)
    numbers = [
        [parts["train"].numbers[one], parts["validation"].numbers[other]]
        for one, other in found.pairs
    ]
    return {
        "in_both": found.in_both,
        "pairs": numbers,
        "within_train": len(train) - len(set(train)),
        "within_validation": len(validation) - len(set(validation)),
    }
