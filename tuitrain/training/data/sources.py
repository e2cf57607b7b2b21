"""A set as the loop reads it: held in memory, or read a sample at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tuitrain.components.data import Samples
from tuitrain.training.data.stream import Stream
from tuitrain.training.runtime.randomness import generator_states, restore_generators

Source = Samples | Stream
"""In memory, or read a sample at a time."""


def sample_shape(source: Source) -> tuple[int, ...]:
    """Return the shape of one input."""
    if isinstance(source, Samples):
        return tuple(source.inputs.shape[1:])
    return source.input_shape


def target_shape(source: Source) -> tuple[int, ...]:
    """Return the shape of one target; () for a plain number."""
    if isinstance(source, Samples):
        return tuple(source.targets.shape[1:])
    return source.target_shape


def sample_type(source: Source) -> torch.dtype:
    """Return the type of the inputs; of a stream that of the first one."""
    return source.inputs.dtype if isinstance(source, Samples) else source.input_type


def count(source: Source) -> int:
    """Return the number of samples."""
    return len(source)


def raw_samples(source: Source, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return samples as they are in the set; what its transforms draw is drawn again later."""
    if isinstance(source, Samples):
        chosen = torch.as_tensor(numbers, device=source.inputs.device)
        return source.inputs[chosen], source.targets[chosen]
    states = generator_states()
    pair = source.batch(numbers)
    restore_generators(states)
    return pair
