"""From raw batches to what the model takes: augment, convert, normalise, on the device.

Knows nothing of where a batch comes from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard

import torch
from torch import Tensor

from tuitrain.components import registry
from tuitrain.components.data import Samples
from tuitrain.components.draw import Draw, derive
from tuitrain.config.schema import AugmentSection
from tuitrain.errors import TrainingError
from tuitrain.training.data.sources import Source

Augment = Callable[[Tensor, Tensor, Draw], tuple[Tensor, Tensor]]

_STATISTICS_SAMPLES = 2048
"""Samples that mean and deviation of a streamed set are taken from."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and 1 / deviation of each channel, shaped to broadcast over a batch."""

    mean: Tensor
    inverse_deviation: Tensor

    def to(self, device: torch.device) -> "Statistics":
        """Return the same on a device."""
        return Statistics(self.mean.to(device), self.inverse_deviation.to(device))


def measure_statistics(source: Source, *, last: bool = False) -> Statistics:
    """Measure the training inputs: a channel each for images, a feature each for vectors.

    A channel that never varies keeps its scale. Of a streamed set the first samples are read.

    Args:
        source: the training set.
        last: the last dimension is that of the features, as in a series [length, features].

    Raises:
        TrainingError: the inputs are complex.
    """
    if isinstance(source, Samples):
        inputs = source.inputs
    else:
        inputs, _targets = source.batch(range(min(len(source), _STATISTICS_SAMPLES)))
    if inputs.is_complex():
        raise TrainingError(
            f"data.normalize = true: inputs of {inputs.dtype} can't be normalised, set it to false"
        )
    channel = inputs.ndim - 1 if last else 1
    mean, deviation = _moments(inputs, channel)
    deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    shape = [-1 if dimension == channel else 1 for dimension in range(inputs.ndim)]
    return Statistics(mean.float().reshape(shape), (1 / deviation).float().reshape(shape))


def _moments(inputs: Tensor, channel: int) -> tuple[Tensor, Tensor]:
    """Return mean and deviation in float64, in pieces so that no second copy of a set is made."""
    dimensions = [dimension for dimension in range(inputs.ndim) if dimension != channel]
    total, squares, number = torch.zeros(1), torch.zeros(1), 0
    for piece in torch.split(inputs, 4096):
        wide = piece.double()
        total = total + wide.sum(dimensions)
        squares = squares + wide.square().sum(dimensions)
        number += wide.numel() // wide.shape[channel]
    mean = total / number
    return mean, (squares / number - mean.square()).clamp(min=0).sqrt()


class BatchTransform:
    """Turns raw batches into prepared ones; the same for both ways that batches arrive."""

    def __init__(
        self,
        *,
        seed: int,
        statistics: Statistics | None,
        augment: Sequence[Augment],
        channels_last: bool,
        targets: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        """Begin with what the preset says.

        Args:
            seed: the run's.
            statistics: what inputs are normalised by; None: they are not.
            augment: of training batches, in order.
            channels_last: lay images out so.
            targets: makes a batch's targets of its prepared inputs and the data set's targets;
                None: those are taken as they are.
        """
        self.input_type = torch.float32
        """Of what the model takes; int64: tokens."""
        self._targets = targets
        self._seed = seed
        self._statistics = statistics
        self._augment = tuple(augment)
        self._channels_last = channels_last

    @property
    def augments(self) -> bool:
        """Whether what a batch of the training becomes follows from the epoch as well."""
        return bool(self._augment)

    def prepare_once(self, *sets: Samples) -> tuple[Samples, ...]:
        """Return whole sets as `evaluate` makes them of batches; it has nothing left to do then."""
        made = tuple(Samples(self.evaluate(each.inputs), each.targets) for each in sets)
        self._statistics = None
        return made

    def train(
        self, inputs: Tensor, targets: Tensor, index: Tensor, epoch: int
    ) -> tuple[Tensor, Tensor]:
        """Augment and prepare; `index` [batch] are the samples' numbers."""
        for place, augment in enumerate(self._augment):
            draw = Draw(index, derive(self._seed, epoch, place))
            inputs, targets = augment(inputs, targets, draw)
        return self.prepare(inputs, targets)

    def prepare(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare inputs and targets without augmentation."""
        inputs = self.evaluate(inputs)
        return inputs, targets if self._targets is None else self._targets(inputs, targets)

    def evaluate(self, inputs: Tensor) -> Tensor:
        """Prepare inputs without augmentation."""
        if self.input_type == torch.int64:
            return inputs.long()
        if self._statistics is not None:
            # uint8 less float32 is float32 in one pass: no conversion of its own is needed.
            inputs = (inputs - self._statistics.mean).mul_(self._statistics.inverse_deviation)
        elif not inputs.is_floating_point() and not inputs.is_complex():
            # Whole numbers may be looked up: in 16 bits they would not stay what they are.
            inputs = inputs.double() if self.input_type == torch.float64 else inputs.float()
            return self._laid_out(inputs)
        if inputs.dtype != self.input_type and inputs.is_floating_point():
            inputs = inputs.to(self.input_type)
        return self._laid_out(inputs)

    def _laid_out(self, inputs: Tensor) -> Tensor:
        if self._channels_last and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs


def build_augmentations(
    sections: Sequence[AugmentSection], input_shape: Sequence[int]
) -> list[Augment]:
    """Return the preset's augmentations, in order.

    Raises:
        TrainingError: the data are no images.
    """
    images = [section for section in sections if ":" not in section.name]
    if images and len(input_shape) != 3:
        raise TrainingError(
            f"data.augment: {images[0].name} is for images; a sample of this data set has shape "
            f"{tuple(input_shape)}"
        )
    return [_build_augmentation(section) for section in sections]


def _build_augmentation(section: AugmentSection) -> Augment:
    """Return a function of inputs, targets and draw, whichever of both kinds it is made of."""
    build = registry.augmentation.find(section.name)
    given = [name for name in registry.required_arguments(build) if name not in section.options]
    augment = partial(build, **section.options)

    def inputs_alone(inputs: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        return augment(inputs, draw), targets

    def both(inputs: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        pair = augment(inputs, targets, draw)
        if not _is_pair(pair) or len(pair[1]) != len(targets):
            raise TrainingError(
                f"data.augment: {section.name} takes inputs, targets and draw: it must return the "
                "inputs and as many targets, as a tuple"
            )
        return pair

    return both if len(given) == 3 else inputs_alone


def _is_pair(found: Any) -> TypeGuard[tuple[Tensor, Tensor]]:
    return (
        isinstance(found, tuple)
        and len(found) == 2
        and all(isinstance(part, Tensor) and part.ndim > 0 for part in found)
    )
