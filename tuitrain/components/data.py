"""What a data set is to the loop: two sets of samples, and what a model must know of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from torch import Tensor

DataKind = Literal["image", "table", "tokens", "series", "other"]
"""[channels, height, width], [features], [length] of whole numbers, [length, ...], or else."""

Takes = Literal["images", "rows", "texts", "series"]
"""What a reader reads: files of images; tables with column names; texts; tables in order of time,
of which the last values are one sample."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table as a model gets it."""

    name: str
    width: int = 1
    """Features that it becomes: of a category one-hot as many as it has values."""
    choices: tuple[str, ...] = ()
    """Of a category: its values in the training part, in the order of their features or of their
    codes from 1 on; empty for numbers."""


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
class Facts:
    """What a data set knows of its samples beside input and target, in their order."""

    names: Sequence[str]
    """What each is called, as its file or its line."""
    are_files: bool = False
    """Whether the names are files, which tell a sample from all others."""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of a table: its cells by column."""


class SampleReader(Protocol):
    """Makes inputs of what is not in the data set, as the data set makes its own.

    One of rows may have `columns`, a `Column` each in the order of the features; one of texts a
    method `pieces(text)` that returns what each token of it stands for: without them columns have
    numbers, and words are those of the vocabulary. One that has `state() -> dict` of JSON data, and
    a class method `from_state(state)` that makes it again, is kept in checkpoints: predictions then
    need the data set no more.
    """

    takes: Takes

    def read(self, items: Sequence[str]) -> Tensor:
        """Return inputs [n, ...] as they are in the set, neither augmented nor normalised.

        Args:
            items: paths of images, the path of one table or series, or texts.

        Raises:
            TuitrainError: one can't be read; the text says which and why.
        """
        ...

    def labelled(self, path: Path) -> tuple["Samples", Facts]:
        """Return samples with their targets from another place, all of them.

        Raises:
            TuitrainError: there are none that fit the set; the text says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenTexts:
    """What tokens are as text, for those who look at them."""

    texts: tuple[str, ...]
    """In the order of the token numbers; empty for one that says nothing, as padding."""
    between: str = ""
    """Stands between two of them: a space where they are words."""

    def decode(self, tokens: Iterable[int]) -> str:
        """Return tokens as one text; those that have none are left out."""
        known = (self.texts[token] for token in tokens if 0 <= token < len(self.texts))
        return self.between.join(text for text in known if text)


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
    token_texts: TokenTexts | None = None
    """Of tokens: what they are as text; None: where each place has a token to predict, the classes'
    names one after the other."""
    codes: tuple[int, ...] = ()
    """Of a table whose last columns are whole numbers to look up: how many there are of each, 0
    stands for what the training part does not have. They are never normalised."""
    statistics_samples: int | None = None
    """From how many samples, evenly spread, mean and deviation are taken; None: from all of a set
    in memory, from the first ones of another."""
    bucket: int = 0
    """Of tokens in memory that are filled up at their end by 0: so many training samples of similar
    length come one after the other, and a batch is cut to its longest; 0: samples are mixed
    whatever their lengths, and stay as long as they are."""
    facts: Callable[[], Facts] | None = None
    """Tells what is known of each validation sample beside input and target."""
    reader: SampleReader | None = None
    """Reads samples that are not in the set, for predictions."""


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
    codes: tuple[int, ...] = ()
    """Of a table: how many whole numbers there are to look up in each of its last columns."""
    examples: Callable[[int], Tensor] | None = None
    """Returns up to so many training inputs from all over the set, as the model gets them but not
    augmented: for layers that are worked out from the data. None: there are none to look at."""
    restored: bool = False
    """Whether a checkpoint's weights are put in next, so that none need to be fetched."""


@dataclass(frozen=True, slots=True)
class LossContext:
    """What a loss's builder may know of the training set."""

    spec: DataSpec
    task: str
    """As the preset has it."""
    classes: int
    """How many there are where targets are class numbers; else 0."""
    targets: Callable[[], Tensor]
    """Returns the training targets, on the CPU: [n] int64 class numbers, [n, ...] of positions or
    pixels in as few bits as they are held in, or [n, ...] floating point. A set that yields samples
    one at a time is read once for it, as a whole."""


@dataclass(frozen=True, slots=True)
class DataContext:
    """What a data set's function gets: where files are, and how to say what takes long."""

    folder: Path
    report: Callable[[str], None]
    warn: Callable[[str], None] = lambda _text: None
    """Tells what the user has to know later too, as samples that are left out: raises an alert."""
    estimate: bool = False
    """Only shapes and sizes are asked for: nothing is written, and no more read than that takes."""
    has_classes: bool | None = None
    """Whether the task's targets are class numbers; None: not known."""
    task: str = ""
    """The preset's."""
