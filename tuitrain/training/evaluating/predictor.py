"""A checkpoint's model as a thing that is asked about samples: read, prepared, put into words.

Shared by all that predict, however samples come and wherever answers go.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import SampleReader
from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.evaluating.collect import family_of
from tuitrain.training.evaluating.other_data import reader_of

Words = dict[str, Any]
"""What is said of a sample: `classes`, the likeliest first, or `values`."""


class Predictor:
    """Prepares samples as in the run's evaluations, and says the model's outputs in words."""

    def __init__(self, parts: TrainingComponents) -> None:
        """Take a model that has its weights and is in evaluation mode when it is asked.

        Raises:
            UsageError: the task gives neither a class nor numbers a sample, or the data set does
                not say how samples from elsewhere are read.
        """
        self._parts = parts
        self._words = _words_of(parts)
        reader = reader_of(parts.data)
        if reader is None:
            raise UsageError(
                f"predict: data.name = {parts.preset.data.name} does not say how samples from "
                "elsewhere are read; it is for images, tables and texts"
            )
        self.reader: SampleReader = reader

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return what the model makes of inputs as the reader gives them, float32 on the CPU."""
        parts = self._parts
        prepared = parts.data.preparation.evaluate(inputs.to(parts.device))
        with torch.no_grad(), parts.precision.autocast() or nullcontext():
            outputs: Tensor = parts.model(prepared)
        return outputs.float().cpu()

    def words(self, outputs: Tensor, top: int) -> list[Words]:
        """Return what outputs [n, ...] say, of classes the `top` likeliest."""
        return self._words(outputs, top)


def _words_of(parts: TrainingComponents) -> Callable[[Tensor, int], list[Words]]:
    """Return what says outputs in words.

    Raises:
        UsageError: the task gives neither a class nor numbers a sample.
    """
    family, names = family_of(parts.task), parts.data.classes
    if family == "classes" and not parts.task.has_classes:
        return lambda outputs, top: _class_words(_yes_or_no(outputs), names, top)
    if family == "classes":
        return lambda outputs, top: _class_words(outputs, names, top)
    if family == "tokens":
        return lambda outputs, top: _class_words(outputs[:, -1], names, top)
    if family == "numbers":
        return lambda outputs, _top: [
            {"values": values} for values in outputs.reshape(len(outputs), -1).tolist()
        ]
    raise UsageError(
        f"predict: task = {parts.task.name} gives no class and no numbers for a sample as a whole; "
        "`tuitrain evaluate` judges it"
    )


def _yes_or_no(outputs: Tensor) -> Tensor:
    """Return one score a sample as the scores of two classes [n, 2]."""
    score = outputs.reshape(len(outputs), 1)
    return torch.cat([torch.zeros_like(score), score], 1)


def _class_words(outputs: Tensor, classes: Sequence[str], top: int) -> list[Words]:
    """Return the likeliest classes by scores [n, classes]."""
    names = classes or tuple(str(number) for number in range(outputs.shape[1]))
    best = outputs.softmax(1).topk(min(top, outputs.shape[1]), dim=1)
    return [
        {
            "classes": [
                {"class": names[number], "probability": value}
                for number, value in zip(numbers, values, strict=True)
            ]
        }
        for numbers, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
