"""Single samples of a data set as the model and the loss get them, for those who look at a few."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuitrain.components.samples import SampleBatch
from tuitrain.components.task import Task
from tuitrain.training.data.build import Data
from tuitrain.training.data.sources import count, raw_samples, target_shape


def first_samples(data: Data, device: torch.device, number: int) -> tuple[Tensor, Tensor]:
    """Return the set's first samples as the model and the loss get them, without augmentation."""
    return prepared_samples(data, device, range(min(number, count(data.train))))


def prepared_samples(
    data: Data, device: torch.device, numbers: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return training samples as the model and the loss get them, without augmentation."""
    inputs, targets = raw_samples(data.train, numbers)
    return data.preparation.prepare(inputs.to(device), targets.to(device))


def validation_samples(
    task: Task, raw: Data, data: Data, device: torch.device, number: int
) -> SampleBatch:
    """Return samples from all over the validation set.

    Args:
        task: of the run.
        raw: the data as they are before they are normalised, where that is done once.
        data: the data as the loop has them.
        device: where the samples are to be.
        number: of them, or as many as there are.
    """
    number = min(number, count(raw.validation))
    places = [place * count(raw.validation) // number for place in range(number)]
    inputs, targets = raw_samples(raw.validation, places)
    once, _targets = raw_samples(data.validation, places)
    prepared, made = data.preparation.prepare(once.to(device), targets.to(device))
    own_targets = task.reconstructs and not target_shape(raw.validation)
    return SampleBatch(
        prepared,
        made,
        inputs,
        data.classes,
        data.token_texts,
        data.preparation.restore if own_targets else None,
    )


def example_inputs(data: Data, device: torch.device, number: int) -> Tensor:
    """Return up to `number` prepared inputs, evenly from the whole set: it may be sorted."""
    numbers = torch.linspace(0, count(data.train) - 1, min(number, count(data.train))).long()
    return prepared_samples(data, device, numbers.tolist())[0]
