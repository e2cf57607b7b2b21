"""A confusion matrix as a heat map: the part of it that fits, around a cell that is picked.

Reads without colour too: numbers, and a sign before each that says how many there are.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tuitrain.lang import term, tr
from tuitrain.view.chart.figure import Size, TerminalStyle
from tuitrain.view.chart.labels import shorten_apart
from tuitrain.view.format import display_width, sanitise, shorten
from tuitrain.view.spans import Span, SpanLine

LEVELS = 5
_SIGNS = " .:*#"
"""Of each level, where there is no colour."""
_LEAST_CELL, _MOST_CELL = 4, 18
_CORNER = term("true\\as")
_DOTS = "..."


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of the matrix."""

    row: int
    """Class number of what is true."""
    column: int
    """Class number of what was predicted."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """What is drawn."""

    counts: np.ndarray
    """[true, predicted]."""
    names: tuple[str, ...]
    hottest: int
    """Of the wrong cells."""
    shares: bool = False
    """Percent of each row in place of numbers."""

    @classmethod
    def of(cls, counts: np.ndarray, names: tuple[str, ...]) -> "HeatMap":
        """Return the map of counts [true, predicted]."""
        wrong = counts.copy()
        np.fill_diagonal(wrong, 0)
        return cls(counts, names, int(wrong.max(initial=0)))

    def text(self, row: int, column: int) -> str:
        """Return what stands in a cell; nothing for none."""
        number = int(self.counts[row, column])
        if not number:
            return ""
        if not self.shares:
            return str(number)
        percent = 100 * number / int(self.counts[row].sum())
        return f"{percent:.0f}" if percent >= 1 else "<1"

    def level(self, row: int, column: int) -> int:
        """Return how hot a cell is: right ones by their share, wrong ones by the most of any."""
        number = int(self.counts[row, column])
        whole = int(self.counts[row].sum()) if row == column else self.hottest
        return min(LEVELS - 1, int(LEVELS * number / whole)) if whole else 0


@dataclass(frozen=True, slots=True)
class Frame:
    """How many cells of the matrix there is room for, and how wide they are."""

    label: int
    cell: int
    rows: int
    columns: int

    def follow(self, first: Place, cursor: Place) -> Place:
        """Return the first cell in sight, moved as little as brings the cursor into sight."""
        return Place(
            _follow(first.row, cursor.row, self.rows),
            _follow(first.column, cursor.column, self.columns),
        )

    def place_at(self, first: Place, x: int, y: int, classes: int) -> Place | None:
        """Return the cell of the matrix at a cell of the terminal; None beside it."""
        if x < self.label or y < 1:
            return None
        row, column = first.row + y - 1, first.column + (x - self.label) // self.cell
        inside = y <= self.rows and (x - self.label) // self.cell < self.columns
        return Place(row, column) if inside and row < classes and column < classes else None


def _follow(first: int, cursor: int, number: int) -> int:
    return min(max(first, cursor - number + 1), cursor)


def frame_for(heat: HeatMap, size: Size) -> Frame:
    """Return how the matrix is laid out: names in full where all of it fits."""
    classes = len(heat.names)
    widest = max((display_width(sanitise(name)) for name in heat.names), default=1)
    corner = display_width(tr(_CORNER))
    label = min(max(widest, corner) + 2, max(corner + 2, size.width // 4))
    digits = 3 if heat.shares else len(str(int(heat.counts.max(initial=0))))
    least = max(_LEAST_CELL, digits + 2)
    room = max(least, size.width - label)
    cell = max(least, min(_MOST_CELL, widest + 2, room // max(1, classes)))
    return Frame(
        label, cell, min(classes, max(1, size.height - 1)), min(classes, max(1, room // cell))
    )


def heat_lines(
    heat: HeatMap, cursor: Place, first: Place, frame: Frame, look: TerminalStyle
) -> list[SpanLine]:
    """Return the heading and the rows in sight; the picked cell stands in brackets."""
    rows = range(first.row, min(first.row + frame.rows, len(heat.names)))
    columns = range(first.column, min(first.column + frame.columns, len(heat.names)))
    return [
        _head(heat, columns, cursor, frame),
        *(_row(heat, row, columns, cursor, frame, look) for row in rows),
    ]


def _head(heat: HeatMap, columns: range, cursor: Place, frame: Frame) -> SpanLine:
    names = shorten_names(heat.names, frame.cell - 1)
    spans = [Span(_padded(tr(_CORNER), frame.label), "quiet")]
    for column in columns:
        name = names[column]
        gap = " " * (frame.cell - 1 - display_width(name))
        spans.append(Span(f"{gap}{name} ", "strong" if column == cursor.column else "label"))
    return tuple(spans)


@lru_cache(maxsize=8)
def shorten_names(names: tuple[str, ...], width: int) -> list[str]:
    """Return names in so many cells each, told apart where that can be, else their numbers.

    Cut at their ends; without what they all begin with; or at their beginnings.
    """
    safe = [sanitise(name) for name in names]
    common = _shared(safe)
    tries = [
        shorten_apart(safe, width) if width > len(_DOTS) + 1 else [_first(n, width) for n in safe],
        [_first(name[common:], width) for name in safe],
        [_first(name[-width:], width) for name in safe],
    ]
    apart = (names for names in tries if len(set(names)) == len(safe) and all(names))
    return next(apart, [str(number) for number in range(len(safe))])


def _shared(names: list[str]) -> int:
    """Return how many characters all names begin with."""
    places = enumerate(zip(*names, strict=False))
    apart = (place for place, characters in places if len(set(characters)) > 1)
    return next(apart, 0)


def _first(name: str, width: int) -> str:
    """Return as much of a name as so many cells hold."""
    kept = name[:width]
    while display_width(kept) > width:
        kept = kept[:-1]
    return kept


def _row(
    heat: HeatMap, row: int, columns: range, cursor: Place, frame: Frame, look: TerminalStyle
) -> SpanLine:
    name = shorten(sanitise(heat.names[row]), frame.label - 2)
    style = "strong" if row == cursor.row else "label"
    spans = [Span(_padded(f" {name}", frame.label), style)]
    for column in columns:
        picked = Place(row, column) == cursor
        spans.append(_cell(heat, row, column, frame.cell, look, picked=picked))
    return tuple(spans)


def _cell(
    heat: HeatMap, row: int, column: int, width: int, look: TerminalStyle, *, picked: bool
) -> Span:
    text = heat.text(row, column)
    if picked:
        return Span(f"[{text or '.'}]".rjust(width), "picked")
    if not text:
        return Span(". ".rjust(width), "quiet")
    level = heat.level(row, column)
    sign = "" if look.colour else _SIGNS[level]
    return Span(f"{sign}{text} ".rjust(width), f"{'right' if row == column else 'wrong'}{level}")


def _padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def cell_words(heat: HeatMap, place: Place) -> str:
    """Return what a cell says, in full."""
    number, of = int(heat.counts[place.row, place.column]), int(heat.counts[place.row].sum())
    true, predicted = (sanitise(heat.names[each]) for each in (place.row, place.column))
    share = f" ({number / of:.1%})" if of else ""
    if place.row == place.column:
        return tr(
            "{true}, taken for it: {number:,} of {of:,}{share}",
            true=true,
            number=number,
            of=of,
            share=share,
        )
    return tr(
        "{true}, taken for {predicted}: {number:,} of {of:,}{share}",
        true=true,
        predicted=predicted,
        number=number,
        of=of,
        share=share,
    )


def largest_mistakes(counts: np.ndarray) -> list[Place]:
    """Return the wrong cells that have samples, the largest first."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    rows, columns = np.nonzero(wrong)
    order = np.argsort(-wrong[rows, columns], kind="stable")
    return [Place(int(rows[each]), int(columns[each])) for each in order]
