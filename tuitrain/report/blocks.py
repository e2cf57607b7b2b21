"""What a report is made of, as frozen values; the same for a page and for a text.

Texts are as the record has them: who writes them out makes them harmless.
"""

from dataclasses import dataclass, field
from typing import Literal

from tuitrain.plots.panels import Figure, PicturePanel

Tone = Literal["", "note", "bad", "good"]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what they are."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    """Columns of numbers."""
    marked: frozenset[int] = frozenset()
    """Rows that stand out."""
    best: frozenset[tuple[int, int]] = frozenset()
    """Cells, as (row, column), that are the best of their row."""


@dataclass(frozen=True, slots=True)
class Code:
    """Lines as they are: commands, or what a program wrote."""

    text: str


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a whole."""

    parts: tuple[tuple[str, str, float], ...]
    """Name, amount in words, and share from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Charts:
    """Charts and tables of counts."""

    figure: Figure
    drawn_only: bool = False
    """What they say stands elsewhere in the report as well: a text goes without them."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Samples with what is said of them."""

    panel: PicturePanel


@dataclass(frozen=True, slots=True)
class Folded:
    """What is opened by who wants to see it."""

    title: str
    blocks: tuple["Block", ...]


Block = Text | Facts | Table | Code | Shares | Charts | Pictures | Folded


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report with a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    legend: tuple[tuple[str, int], ...] = field(default=())
    """Of all its curves, where they are of several runs."""
