"""A checkpoint's model as a thing that is asked about samples: read, prepared, put into words.

Shared by all that predict, however samples come and wherever answers go.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from tuitrain.components.data import SampleReader
from tuitrain.components.readers.series import SeriesReader
from tuitrain.errors import UsageError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.evaluating.collect import family_of
from tuitrain.training.evaluating.other_data import reader_of

Words = dict[str, Any]
"""What is said of a sample: `classes`, the likeliest first, `values`, `shares` of an image by
class, the largest first, or `mse` of a reconstruction, None where what is wanted is not known."""


class Predictor:
    """Prepares samples as in the run's evaluations, and says the model's outputs in words."""

    def __init__(self, parts: TrainingComponents) -> None:
        """Take a model that has its weights and is in evaluation mode when it is asked.

        Raises:
            UsageError: nothing is known of what the task's outputs are, or the data set does not
                say how samples from elsewhere are read.
        """
        self._parts = parts
        reader = reader_of(parts.data)
        if reader is None:
            raise UsageError(
                f"predict: data.name = {parts.preset.data.name} does not say how samples from "
                "elsewhere are read; it is for images, tables, texts and series"
            )
        self.reader: SampleReader = reader
        self._words = _words_of(parts, reader)

    def prepared(self, inputs: Tensor) -> Tensor:
        """Return inputs as the reader gives them as the model takes them, on its device."""
        return self._parts.data.preparation.evaluate(inputs.to(self._parts.device))

    def given(self, prepared: Tensor) -> Tensor:
        """Return what the model makes of prepared inputs, float32 on the CPU."""
        parts = self._parts
        with torch.no_grad(), parts.precision.autocast() or nullcontext():
            outputs: Tensor = parts.model(prepared)
        return outputs.float().cpu()

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return what the model makes of inputs as the reader gives them, float32 on the CPU."""
        return self.given(self.prepared(inputs))

    def words(self, outputs: Tensor, top: int, prepared: Tensor | None = None) -> list[Words]:
        """Return what outputs [n, ...] say.

        Args:
            outputs: of the model.
            top: how many classes of each.
            prepared: what they are made of, [n, ...]; a reconstruction's error is to it.
        """
        said = self._words(outputs, top)
        if said and "mse" in said[0] and prepared is not None:
            return [{"mse": error} for error in self._errors(outputs, prepared)]
        return said

    def _errors(self, outputs: Tensor, prepared: Tensor) -> list[float | None]:
        """Return each sample's mean squared error, as evaluations have it."""
        if not self._parts.data.reconstructs_inputs or outputs.shape != prepared.shape:
            return [None] * len(outputs)
        apart = outputs - prepared.float().cpu()
        errors: list[float | None] = apart.square().flatten(1).mean(1).tolist()
        return errors


Say = Callable[[Tensor, int], list[Words]]


def _words_of(parts: TrainingComponents, reader: SampleReader) -> Say:
    """Return what says outputs in words.

    Raises:
        UsageError: nothing is known of the task's outputs.
    """
    family, names = family_of(parts.task), parts.data.classes
    says: dict[str, Say] = {
        "tokens": lambda outputs, top: class_words(outputs[:, -1], names, top),
        "pixels": lambda outputs, _top: _share_words(outputs, names),
        "numbers": lambda outputs, _top: _number_words(_in_units(outputs, reader)),
        "tensors": lambda outputs, _top: [{"mse": None} for _ in outputs],
        "classes": lambda outputs, top: class_words(
            outputs if parts.task.has_classes else yes_or_no(outputs), names, top
        ),
    }
    if family not in says:
        raise UsageError(
            f"predict: task = {parts.task.name} does not say what its outputs are; "
            "`tuitrain evaluate` judges it"
        )
    return says[family]


def yes_or_no(outputs: Tensor) -> Tensor:
    """Return one score a sample as the scores of two classes [n, 2]."""
    score = outputs.reshape(len(outputs), 1)
    return torch.cat([torch.zeros_like(score), score], 1)


def class_words(outputs: Tensor, classes: Sequence[str], top: int) -> list[Words]:
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


def _share_words(outputs: Tensor, classes: Sequence[str]) -> list[Words]:
    """Return each class's share of an image, by scores [n, classes, height, width]."""
    number = outputs.shape[1]
    names = classes or tuple(str(each) for each in range(number))
    found = []
    for mask in outputs.argmax(1):
        shares = torch.bincount(mask.flatten(), minlength=number) / mask.numel()
        order = shares.argsort(descending=True, stable=True).tolist()
        present = [each for each in order if shares[each] > 0]
        found.append({"shares": [{"class": names[n], "share": float(shares[n])} for n in present]})
    return found


def _in_units(outputs: Tensor, reader: SampleReader) -> Tensor:
    return reader.in_units(outputs) if isinstance(reader, SeriesReader) else outputs


def _number_words(outputs: Tensor) -> list[Words]:
    return [{"values": values} for values in outputs.reshape(len(outputs), -1).tolist()]
