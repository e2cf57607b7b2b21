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
Fixed = Callable[[Tensor], Tensor]
"""What takes no draw, as a resize: it is made of every batch, also at evaluations."""

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


def measure_statistics(
    source: Source, samples: int | None = None, *, codes: int = 0, last: bool = False
) -> Statistics:
    """Measure the training inputs: a channel each for images, a feature each for vectors.

    A channel that never varies keeps its scale. Of a streamed set the first samples are read.

    Args:
        source: the training part.
        samples: take so many, evenly spread, of a set of either kind.
        codes: how many of the last features are left as they are.
        last: the last dimension is that of the features, as in a series [length, features].

    Raises:
        TrainingError: the inputs are complex.
    """
    inputs = _inputs(source, samples)
    if inputs.is_complex():
        raise TrainingError(
            f"data.normalize = true: inputs of {inputs.dtype} can't be normalised, set it to false"
        )
    channel = inputs.ndim - 1 if last else 1
    mean, deviation = _moments(inputs, channel)
    deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    if codes:
        mean[-codes:], deviation[-codes:] = 0, 1
    shape = [-1 if dimension == channel else 1 for dimension in range(inputs.ndim)]
    return Statistics(mean.float().reshape(shape), (1 / deviation).float().reshape(shape))


def _inputs(source: Source, samples: int | None) -> Tensor:
    """Return the inputs to measure."""
    if samples is None:
        if isinstance(source, Samples):
            return source.inputs
        return source.batch(range(min(len(source), _STATISTICS_SAMPLES)))[0]
    number = min(len(source), samples)
    spread = [place * len(source) // number for place in range(number)]
    if isinstance(source, Samples):
        return source.inputs[torch.tensor(spread)]
    return source.batch(spread)[0]


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
        fixed: Sequence[Fixed] = (),
        targets: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        """Stand ready.

        Args:
            seed: of the run.
            statistics: what inputs are normalised by; None: they are not.
            augment: all augmentations, in order.
            channels_last: the memory order that images are given.
            fixed: those among `augment` that are made at evaluations as well.
            targets: makes a batch's targets of its prepared inputs and the data set's targets;
                None: those are taken as they are.
        """
        self.input_type = torch.float32
        """Of what the model takes; int64: tokens."""
        self._targets = targets
        self._seed = seed
        self._statistics = self._normalised_by = statistics
        self._augment = tuple(augment)
        self._fixed = tuple(fixed)
        self._channels_last = channels_last

    @property
    def normalised_by(self) -> Statistics | None:
        """What samples as the data set has them are normalised by; None: they are not."""
        return self._normalised_by

    @property
    def augments(self) -> bool:
        """Whether what a batch of the training becomes follows from the epoch as well."""
        return bool(self._augment)

    @property
    def draws(self) -> bool:
        """Whether some augmentation is a matter of chance."""
        return len(self._augment) > len(self._fixed)

    def normalize_as(
        self, mean_and_deviation: tuple[Sequence[float], Sequence[float]], raw: Tensor
    ) -> None:
        """Normalise as weights were trained with, not as the training set itself would have it.

        Inputs that are no pixels, as others have normalised them before, are left as they are.

        Args:
            mean_and_deviation: of each channel, of pixels from 0 to 1.
            raw: a few inputs as they are in the set: 0 to 255 where they are whole numbers.
        """
        if raw.is_floating_point() and not (raw.min() >= 0 and raw.max() <= 1):
            return
        scale = 1 if raw.is_floating_point() else 255
        means, deviations = (torch.tensor(v).reshape(1, -1, 1, 1) for v in mean_and_deviation)
        statistics = Statistics(means * scale, 1 / (deviations * scale))
        before = self._statistics
        self._statistics = statistics if before is None else statistics.to(before.mean.device)
        self._normalised_by = self._statistics

    def prepare_once(self, *sets: Samples) -> tuple[Samples, ...]:
        """Return whole sets as `evaluate` makes them of batches; it has nothing left to do then."""
        made = tuple(Samples(self.evaluate(each.inputs), each.targets) for each in sets)
        self._statistics = None
        return made

    def restore(self, inputs: Tensor) -> Tensor:
        """Return prepared inputs in the values that they had before they were normalised."""
        if self._normalised_by is None:
            return inputs
        by = self._normalised_by.to(inputs.device)
        return inputs / by.inverse_deviation + by.mean

    def train(
        self, inputs: Tensor, targets: Tensor, index: Tensor, epoch: int
    ) -> tuple[Tensor, Tensor]:
        """Augment and prepare; `index` [batch] are the samples' numbers."""
        for place, augment in enumerate(self._augment):
            draw = Draw(index, derive(self._seed, epoch, place))
            inputs, targets = augment(inputs, targets, draw)
        inputs = self._prepare(inputs)
        return inputs, self._make_targets(inputs, targets)

    def prepare(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Prepare inputs and targets without augmentation."""
        inputs = self.evaluate(inputs)
        return inputs, self._make_targets(inputs, targets)

    def _make_targets(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return targets if self._targets is None else self._targets(inputs, targets)

    def evaluate(self, inputs: Tensor) -> Tensor:
        """Prepare inputs without augmentation, apart from what is no matter of chance."""
        for fixed in self._fixed:
            inputs = fixed(inputs)
        return self._prepare(inputs)

    def _prepare(self, inputs: Tensor) -> Tensor:
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
) -> tuple[list[Augment], list[Fixed]]:
    """Return the preset's augmentations in order, and those that are no matter of chance.

    Raises:
        TrainingError: the data are no images.
    """
    images = [section for section in sections if ":" not in section.name]
    if images and len(input_shape) != 3:
        raise TrainingError(
            f"data.augment: {images[0].name} is for images; a sample of this data set has shape "
            f"{tuple(input_shape)}"
        )
    augment: list[Augment] = []
    fixed: list[Fixed] = []
    for section in sections:
        build = registry.augmentation.find(section.name)
        taken = registry.required_arguments(build)
        function = partial(build, **section.options)
        given = len([name for name in taken if name not in section.options])
        if given == 1:
            fixed.append(function)
        augment.append(_as_augment(section.name, function, given))
    return augment, fixed


def _as_augment(name: str, function: Callable[..., Any], given: int) -> Augment:
    """Return a function of inputs, targets and draw, whichever of them `function` takes."""

    def inputs_alone(inputs: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        return (function(inputs) if given == 1 else function(inputs, draw)), targets

    def both(inputs: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        pair = function(inputs, targets, draw)
        if not _is_pair(pair) or len(pair[1]) != len(targets):
            raise TrainingError(
                f"data.augment: {name} takes inputs, targets and draw: it must return the "
                "inputs and as many targets, as a tuple"
            )
        return pair

    return both if given == 3 else inputs_alone


def transformed_shape(
    transform: BatchTransform, inputs: Tensor, sections: Sequence[AugmentSection]
) -> tuple[int, ...]:
    """Return the shape of a sample as the model gets it.

    Args:
        transform: of the run.
        inputs: a few training inputs as they are in the set.
        sections: the preset's augmentations.

    Raises:
        TrainingError: the samples of training and of evaluation differ in it.
    """
    shape = tuple(transform.evaluate(inputs).shape[1:])
    # The user's own are first called in a step, where it is told what they do wrong.
    if any(":" in section.name for section in sections):
        return shape
    numbers = torch.arange(len(inputs), device=inputs.device)
    in_training = tuple(transform.train(inputs, numbers, numbers, 0)[0].shape[1:])
    if in_training != shape:
        raise TrainingError(
            f"data.augment makes samples of shape {in_training} in training and {shape} at "
            'evaluations; add { name = "resize", ... } or { name = "center_crop", ... }, which are '
            "made in both"
        )
    return shape


def _is_pair(found: Any) -> TypeGuard[tuple[Tensor, Tensor]]:
    return (
        isinstance(found, tuple)
        and len(found) == 2
        and all(isinstance(part, Tensor) and part.ndim > 0 for part in found)
    )
