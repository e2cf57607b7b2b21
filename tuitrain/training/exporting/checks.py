"""Whether a file predicts what the model does: the greatest difference, and the task's figure."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tuitrain.errors import ExportError
from tuitrain.training.build import TrainingComponents
from tuitrain.training.data.sources import count
from tuitrain.training.exporting.model import Portable, Predict, validation_batches
from tuitrain.training.exporting.torch_files import first_line
from tuitrain.training.metrics.evaluation import evaluation_size

COMPARED = 128
"""Samples that are compared: a difference that is not chance shows in all of them."""
_BATCH = 32


def greatest_difference(
    portable: Portable, predict: Predict, parts: TrainingComponents
) -> tuple[int, float]:
    """Return on how many samples a file was compared with its model, and their difference.

    It is the greatest of any output, in units of the largest output where that is beyond 1.
    Batches of several sizes are looked at, of one sample too.

    Raises:
        ExportError: the file does not take one of them.
    """
    apart, largest = 0.0, 1.0
    for inputs in _batches(portable, parts):
        with torch.no_grad():
            wanted = portable.model(inputs)
        found = _asked(predict, inputs)
        apart = max(apart, _difference(wanted, found))
        largest = max(largest, float(torch.nan_to_num(wanted.float()).abs().max()))
    return min(COMPARED, count(parts.data.validation)), apart / largest


def _batches(portable: Portable, parts: TrainingComponents) -> Iterator[Tensor]:
    """Yield validation samples, the first one alone; texts that may be shorter are so at last."""
    inputs = torch.empty(0)
    for number, (inputs, _targets) in enumerate(validation_batches(parts, _BATCH, COMPARED)):
        if not number:
            yield inputs[:1]
        rest = inputs if number else inputs[1:]
        if len(rest):
            yield rest
    if "length" in portable.free:
        yield inputs[:, : max(2, inputs.shape[1] // 2)]


def _asked(predict: Predict, inputs: Tensor) -> Tensor:
    try:
        return predict(inputs)
    except Exception as error:
        # Runtimes raise errors of their own.
        raise ExportError(
            f"what was written does not take a batch of the shape {tuple(inputs.shape)}: "
            f"{first_line(error)}; a model whose code fixes a size, as by len(inputs), can't be "
            "exported for others"
        ) from error


def _difference(wanted: Tensor, found: Tensor) -> float:
    """Return the greatest difference; infinite where shapes differ, or what is no number does."""
    if wanted.shape != found.shape or not torch.equal(wanted.isnan(), found.isnan()):
        return float("inf")
    # Equal infinities have a difference that is no number.
    apart = torch.where(wanted == found, 0.0, (wanted.double() - found.double()).abs())
    return float(torch.where(wanted.isnan(), 0.0, apart).max())


def main_figure(predict: Predict, parts: TrainingComponents) -> tuple[str, float] | None:
    """Return the task's first metric on the validation part; None: it has none."""
    task = parts.task
    tally = task.accumulator(parts.data.spec.outputs, torch.device("cpu"))
    for inputs, targets in validation_batches(parts, evaluation_size(parts)):
        tally.add(task.shape_outputs(predict(inputs), targets), targets)
    metrics = tally.metrics()
    name = next((name for name in task.metrics if name in metrics), None)
    return None if name is None else (name, metrics[name])
