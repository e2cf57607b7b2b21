"""A set as the loop reads it: held in memory, or read a sample at a time."""

from tuitrain.components.data import Samples
from tuitrain.training.data.stream import Stream

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


def count(source: Source) -> int:
    """Return the number of samples."""
    return len(source)
