"""Validation samples by their numbers, as plain data to be drawn beside what a model made of them.

Knows the data set; no model is built for it.
"""

from collections.abc import Sequence
from typing import Any

import torch

from tuitrain.components.data import DataContext
from tuitrain.errors import UsageError
from tuitrain.training.data.build import build_data
from tuitrain.training.data.sources import count, raw_samples
from tuitrain.training.inspection.answers import Inspected
from tuitrain.training.inspection.samples import described
from tuitrain.training.task import find_task


def validation_samples(
    inspected: Inspected, *, numbers: Sequence[int], side: int = 256, checkpoint: str = ""
) -> dict[str, Any]:
    """Return samples of the validation part: pixels, text or values, and what is known of each.

    Args:
        inspected: the run's preset.
        numbers: in the order of an evaluation.
        side: the most pixels of an image's side.
        checkpoint: of the run, where it is a trained model that is asked; no sample depends on it.

    Raises:
        TuitrainError: the data set is not here, or has no such samples.
    """
    del checkpoint
    preset = inspected.preset
    task = find_task(preset.task)
    context = DataContext(
        inspected.data_directory,
        inspected.report,
        has_classes=task.has_classes,
        task=task.name,
    )
    data = build_data(preset, task, torch.device("cpu"), context)
    there = count(data.validation)
    if any(not 0 <= number < there for number in numbers):
        raise UsageError(
            f"the validation part has {there:,} samples now: it is another one than was evaluated"
        )
    if not numbers:
        return {"samples": []}
    inputs, targets = raw_samples(data.validation, list(numbers))
    samples = described(data, inputs, targets, list(numbers), side)
    facts = data.facts() if data.facts is not None else None
    for sample, number in zip(samples, numbers, strict=True):
        columns = facts.columns if facts is not None else {}
        sample["columns"] = {name: cells[number] for name, cells in columns.items()}
    return {"samples": samples}
