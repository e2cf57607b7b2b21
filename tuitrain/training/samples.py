"""What a data set is to the loop: two sets of samples, and what a model must know of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from tuitrain.training.data.stream import Stream


@dataclass(frozen=True, slots=True)
class Samples:
    """A set held in memory."""

    inputs: Tensor
    """[n, ...]; uint8 (0..255) or floating point."""
    targets: Tensor
    """[n] int64 class numbers, or [n] or [n, outputs] floating point."""

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def size_bytes(self) -> int:
        """Bytes that inputs and targets take."""
        return self.inputs.nbytes + self.targets.nbytes


Source = Samples | Stream
"""In memory, or read a sample at a time."""


@dataclass(frozen=True, slots=True)
class Splits:
    """A data set: what is trained on, what is validated on."""

    train: Any
    """Samples, or a map-style data set that yields (input, target) a sample; once checked, a
    `Source`."""
    validation: Any
    classes: tuple[str, ...] = ()
    """Names in the order of the class numbers; empty for regression."""


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What a model's builder may know of the data."""

    input_shape: tuple[int, ...]
    """One sample's shape, without the batch dimension: (features,) or (channels, height, width)."""
    outputs: int
    """Numbers the model must return for one sample: classes, else as many as it has targets."""


@dataclass(frozen=True, slots=True)
class DataContext:
    """What a data set's function gets: where files are, and how to say what takes long."""

    folder: Path
    report: Callable[[str], None]


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
