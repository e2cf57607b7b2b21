"""What is written on a drawn chart: marks, gaps, labels, notes and the cursor.

Knows the grid and places on it; a curve is never covered.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tuitrain.lang import tr
from tuitrain.view.chart.cell_grid import CellGrid, whole_cells
from tuitrain.view.chart.figure import Chart, Line, Mark, TerminalStyle
from tuitrain.view.chart.labels import shorten_apart
from tuitrain.view.chart.layout import Layout
from tuitrain.view.chart.raster import Area
from tuitrain.view.chart.ticks import short_number
from tuitrain.view.format import display_width, shorten
from tuitrain.view.palette import SLOTS

MARK_SYMBOLS = {
    "evaluation": "e",
    "checkpoint": "c",
    "best": "B",
    "continue": ">",
    "pause": "=",
    "resume": ">",
    "setting": "v",
    "batch": "b",
    "alert": "!",
}
"""By weight: where several fall on one column the last of these is seen; none marks a curve."""

_AWAY = (2, 3, 4)
"""Cells from a sign at the edge to its value, beside the flanks of its curve."""
_OUTSIDE = {False: ("▲", "▼"), True: ("^", "v")}
"""At the upper and at the lower edge, in ASCII or not."""

_WEIGHTS = {kind: weight for weight, kind in enumerate(MARK_SYMBOLS)}
_COLUMNS_A_TEXT = 24
"""Marks have one text and another for so many columns: a chart is for its curves."""
_LABEL_ROWS = (0, -1, 1, -2, 2, -3, 3)
"""Rows from a curve's end, the nearest first, where its label may stand."""


class Annotations:
    """Writes on one chart's grid; row 0 of the canvas is its top here."""

    def __init__(self, grid: CellGrid, layout: Layout, look: TerminalStyle) -> None:
        """Take the grid as the canvas left it."""
        self._grid = grid
        self._area = layout.area
        self._left = layout.axes.left
        self._axis_row = layout.area.rows if layout.axes.x_line else None
        self._ascii = look.ascii

    def add_marks(self, marks: Iterable[Mark]) -> None:
        """Put each mark's symbol below its place, and a few words where there is room for them.

        Words that are the same stand once, at the newest mark: a run that is paused ten times has
        ten symbols.
        """
        seen: dict[int, Mark] = {}
        for mark in sorted(marks, key=lambda mark: (_WEIGHTS[mark.kind], mark.x)):
            column = self._column_of(mark.x)
            if column is not None:
                seen[column] = mark
        said: set[str] = set()
        for column, mark in sorted(seen.items(), reverse=True):
            style = "alert" if mark.kind == "alert" else "mark"
            self._add_symbol(column, MARK_SYMBOLS[mark.kind], style)
            text = self._short(mark.text)
            if text in said or len(said) > self._area.columns // _COLUMNS_A_TEXT:
                continue
            if text and self._add_text(column, text, style):
                said.add(text)

    def add_outside(self, lines: Iterable[Line], *, log: bool) -> None:
        """Mark at the edges where values lie beyond them, and say how far the furthest are."""
        found: list[_Outside] = []
        for line in lines:
            found += _outside(line, self._area)
        for each in found:
            row = 0 if each.above else self._area.rows - 1
            symbol = _OUTSIDE[self._ascii][not each.above]
            self._grid.put(row, self._left + each.column, symbol, f"line{each.slot}")
        found.sort(key=lambda each: each.distance, reverse=True)
        said = 0
        for each in found:
            if said > self._area.columns // _COLUMNS_A_TEXT:
                break
            said += self._say_outside(each, 10**each.value if log else each.value)

    def _say_outside(self, each: "_Outside", value: float) -> bool:
        text, row = short_number(value), 0 if each.above else self._area.rows - 1
        starts = [place for away in _AWAY for place in (
            each.column + away, each.column + 1 - away - len(text)
        )]  # fmt: skip
        fits = (start for start in starts if 0 <= start <= self._area.columns - len(text))
        return any(self._write(row, start, text, f"line{each.slot}") for start in fits)

    def add_gaps(self, lines: Iterable[Line]) -> None:
        """Mark the columns that hold a NaN or an infinity."""
        for line in lines:
            broken = [x for place, x in enumerate(line.x) if is_broken(line, place)]
            for column in self._area.columns_of(broken):
                if column is not None:
                    self._add_symbol(column, MARK_SYMBOLS["alert"], "alert")

    def add_labels(self, lines: Sequence[Line]) -> None:
        """Write each line's label at its right end, as near as there is room."""
        labels = [whole_cells(line.label, self._ascii) for line in lines]
        for line, text in zip(lines, shorten_apart(labels, self._most_cells), strict=True):
            self._add_label(line, text)

    def _add_label(self, line: Line, text: str) -> None:
        end = _last_finite(line, self._area.x_range)
        if end is None:
            return
        column = self._column_of(line.x[end]) or 0
        row = self._area.rows - 1 - self._area.row_of(line.mean[end])
        start = min(column, self._area.columns - 1) - display_width(text) + 1
        for distance in _LABEL_ROWS:
            if self._write(row + distance, max(start, 1), text, f"line{line.slot}"):
                return

    def add_note(self, text: str) -> None:
        """Write a note at the top right, or one row lower."""
        for row in (0, 1):
            if self._write(row, self._area.columns - display_width(text), text, "alert"):
                return

    def add_message(self, text: str) -> None:
        """Write in the middle of an empty chart."""
        row, column = (self._area.rows - 1) // 2, (self._area.columns - display_width(text)) // 2
        self._write(row, column, text, "label")

    def add_cursor(self, x: float) -> None:
        """Draw the cursor through everything that is blank in its column."""
        column = self._column_of(x)
        if column is None:
            return
        for row in range(self._area.rows):
            if self._grid.is_blank(row, self._left + column):
                self._grid.put(row, self._left + column, "|" if self._ascii else "│", "cursor")

    def _short(self, text: str) -> str:
        return shorten(whole_cells(text, self._ascii), self._most_cells)

    @property
    def _most_cells(self) -> int:
        """How wide a text beside a curve may be."""
        return max(8, self._area.columns // 3)

    def _column_of(self, x: float) -> int | None:
        (column,) = self._area.columns_of((x,))
        return column

    def _add_symbol(self, column: int, symbol: str, style: str) -> None:
        if self._axis_row is not None:
            self._grid.put(self._axis_row, self._left + column, symbol, style)
        elif self._grid.is_blank(0, self._left + column):
            self._grid.put(0, self._left + column, symbol, style)

    def _add_text(self, column: int, text: str, style: str) -> bool:
        """Write beside the symbol's row if the curve leaves room there, else at the top."""
        low = self._area.rows - 1
        rows = (1,) if self._axis_row is None else (low, low - 1, 0, 1)
        # Text next to the axis would run into it.
        start = max(1, min(column, self._area.columns - display_width(text)))
        return any(self._write(row, start, text, style) for row in rows)

    def _write(self, row: int, column: int, text: str, style: str) -> bool:
        if not 0 <= row < self._area.rows or column < 0:
            return False
        return self._grid.put_if_blank(row, self._left + column, text, style)


class _Outside(NamedTuple):
    """Where a line leaves the chart: the furthest value of columns next to each other."""

    column: int
    above: bool
    value: float
    distance: float
    slot: int


def _outside(line: Line, area: Area) -> list[_Outside]:
    found: list[_Outside] = []
    bottom, top = area.y_range
    slack = (top - bottom) * 1e-9
    columns = area.columns_of(line.x)
    for column, low, high in zip(columns, line.low, line.high, strict=True):
        if column is None:
            continue
        for above, value, distance in ((True, high, high - top), (False, low, bottom - low)):
            if not slack < distance < math.inf:
                continue
            each = _Outside(column, above, value, distance, line.slot % SLOTS)
            near = found and found[-1].above == above and column - found[-1].column <= 1
            if near and found[-1].distance >= distance:
                continue
            if near:
                found.pop()
            found.append(each)
    return found


def is_broken(line: Line, place: int) -> bool:
    """Return whether a column holds a value that is not finite."""
    if line.nonfinite:
        return line.nonfinite[place] > 0
    return not (math.isfinite(line.low[place]) and math.isfinite(line.high[place]))


def notes(chart: Chart) -> tuple[str, ...]:
    """Return what the curves can't show: points that are not finite or not on a log axis.

    A raw curve and its smoothed one have one label and are counted once.
    """
    broken: dict[str, int] = {}
    below: dict[str, int] = {}
    for line in chart.lines:
        broken[line.label] = max(broken.get(line.label, 0), _broken_points(line))
        below[line.label] = max(below.get(line.label, 0), sum(low <= 0 for low in line.low))
    found = []
    if any(broken.values()):
        found.append(tr("{count} not finite", count=sum(broken.values())))
    if chart.log and any(below.values()):
        found.append(tr("{count} not above 0", count=sum(below.values())))
    return tuple(found)


def _broken_points(line: Line) -> int:
    places = (place for place in range(len(line.x)) if is_broken(line, place))
    return sum(line.nonfinite[place] if line.nonfinite else 1 for place in places)


def _last_finite(line: Line, x_range: tuple[float, float]) -> int | None:
    for place in reversed(range(len(line.x))):
        if x_range[0] <= line.x[place] <= x_range[1] and math.isfinite(line.mean[place]):
            return place
    return None
