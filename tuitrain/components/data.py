"""What a data set is to the loop: two sets of samples, and what a model must know of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

DataKind = Literal["image", "table", "tokens", "series", "other"]
"""[channels, height, width], [features], [length] of whole numbers, [length, ...], or else."""


@dataclass(frozen=True, slots=True)
class Samples:
    """A set held in memory."""

    inputs: Tensor
    """[n, ...]; uint8 (0..255) or floating point."""
    targets: Tensor
    """[n] int64 class numbers, or [n] or [n, outputs] floating point; class numbers of positions
    [n, length] or of pixels [n, height, width] may be held in fewer bits."""

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def size_bytes(self) -> int:
        """Bytes that inputs and targets take."""
        return self.inputs.nbytes + self.targets.nbytes


@dataclass(frozen=True, slots=True)
class Splits:
    """A data set: what is trained on, what is validated on."""

    train: Any
    """Samples, or a map-style data set that yields (input, target) a sample."""
    validation: Any
    classes: tuple[str, ...] = ()
    """Names in the order of the class numbers; empty for regression."""
    kind: DataKind | None = None
    """What a sample is; None: an image or a table row where its shape is that of one. Tokens are
    never normalised."""
    vocabulary: int | None = None
    """Of tokens: how many there are, numbered from 0. Their inputs are held in any whole numbers,
    the model gets int64."""


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What a model's builder may know of the data."""

    input_shape: tuple[int, ...]
    """One sample's shape, without the batch dimension: (features,) or (channels, height, width)."""
    outputs: int
    """Numbers the model must return for one sample: classes, else as many as it has targets. Where
    each position or pixel has a class of its own, the classes: so many numbers for each of them."""
    kind: DataKind = "other"
    vocabulary: int | None = None
    """Of tokens: how many there are, numbered from 0; None where the data set does not say."""
    target_shape: tuple[int, ...] = ()
    """One sample's targets' shape; () for a number."""


@dataclass(frozen=True, slots=True)
class DataContext:
    """What a data set's function gets: where files are, and how to say what takes long."""

    folder: Path
    report: Callable[[str], None]
