"""A chart as lines of text: the one function that the screens call, and the cursor's read-out.

Pure: the same chart, size and look give the same text. Knows nothing of textual or of a record.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tuitrain.lang import tr
from tuitrain.view.chart.annotate import Annotations, notes
from tuitrain.view.chart.canvas import draw_axes
from tuitrain.view.chart.cell_grid import Under
from tuitrain.view.chart.figure import Chart, Line, Mark, Size, TerminalStyle, line_from_series
from tuitrain.view.chart.layout import plan_layout
from tuitrain.view.chart.raster import (
    Area,
    Cell,
    Strokes,
    braille,
    braille_cells,
    braille_strokes,
    cell_strokes,
    thinned,
    whole_cells,
)
from tuitrain.view.format import sanitise
from tuitrain.view.palette import FAINT_MARKER, SLOTS, marker_of
from tuitrain.view.spans import Span, SpanLine, fit_line

__all__ = [
    "Chart",
    "Drawing",
    "Line",
    "Mark",
    "Reading",
    "Size",
    "Span",
    "TerminalStyle",
    "align_columns",
    "draw_chart",
    "drawn_lines",
    "line_from_series",
    "notes",
    "values_at",
    "with_shared_gutter",
]  # fmt: skip

_MARKER_EVERY = 8
"""Cells between the markers on one of several curves that no colour tells apart."""
_BEHIND = frozenset(f"faint{slot}" for slot in range(SLOTS))
_FULL_DOTS = 5
"""More of a cell's eight dots would hide a curve that crosses it."""

Picture = dict[Cell, tuple[str, str]]
"""Character and style of each cell of the canvas that is not blank."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn chart, and where on it places of the horizontal axis are."""

    lines: tuple[SpanLine, ...]
    left: int = 0
    """Cells to the left of the canvas."""
    area: Area | None = None
    """The canvas; None where there are no cells."""

    def x_at(self, cell: int) -> float:
        """Return the place on the axis that a cell of a row shows, the nearest for those beside."""
        if self.area is None:
            return 0.0
        first, last = self.area.x_range
        share = (cell - self.left) / max(1, self.area.columns - 1)
        return min(last, first + min(1.0, max(0.0, share)) * (last - first))

    def column_of(self, x: float) -> int | None:
        """Return the canvas column of a place on the axis, None outside."""
        return self.area.columns_of((x,))[0] if self.area is not None else None


class Reading(NamedTuple):
    """What one line says at a place on the horizontal axis."""

    label: str
    slot: int
    x: float
    """Where its column nearest to the place is; NaN where the line has none."""
    value: float
    """The mean of that column, smoothed where the curve is; NaN where it has none."""
    raw: float | None = None
    """The mean before smoothing; None where nothing was smoothed."""


def draw_chart(
    chart: Chart, size: Size, look: TerminalStyle, under: Under | None = None
) -> Drawing:
    """Return `size.height` lines, each exactly `size.width` cells wide, and what they show where.

    Styles: axis, label, title, mark, alert, cursor, line0 to line7, faint0 to faint7, and none.
    A chart too small for its ticks goes without them, and one too small for axes without those.

    Args:
        chart: what to draw; anything finite or not, in any order of magnitude.
        size: the cells to fill; without any there are no lines.
        look: what the terminal can show.
        under: what to put where curves would be, for a picture of them; None: the curves.
    """
    if size.width < 1 or size.height < 1:
        return Drawing(())
    lines = drawn_lines(chart)
    layout = plan_layout(chart, lines, size)
    area, left = layout.area, layout.axes.left
    grid = draw_axes(layout.axes, area.columns, area.rows, ascii_only=look.ascii)
    picture = _picture(lines, area, look, behind=under is None)
    grid.coverable = _BEHIND
    grid.put_picture(picture, area.rows - 1, left)
    pen = Annotations(grid, layout, look)
    _annotate(pen, chart, lines, bool(picture))
    if under is None and chart.cursor is not None:
        pen.add_cursor(chart.cursor)
    if under is not None:
        grid.lay_under(picture, area.rows - 1, left, (area.columns, area.rows), under)
    drawn = grid.lines()
    titled = (_title(chart, size, look), *drawn) if layout.title else drawn
    return Drawing(titled, left, area)


def with_shared_gutter(charts: Sequence[Chart], sizes: Sequence[Size]) -> list[Chart]:
    """Return charts that stand above each other with one left edge."""
    widths = [
        plan_layout(chart, drawn_lines(chart), size).axes.label_width
        for chart, size in zip(charts, sizes, strict=True)
        if size.width > 0 and size.height > 0
    ]
    widest = max(widths, default=0)
    return [replace(chart, gutter=widest) for chart in charts]


def align_columns(charts: Sequence[Chart], sizes: Sequence[Size], columns: int) -> list[Chart]:
    """Return the charts of a grid, row by row, so that equal steps stand above each other.

    Args:
        charts: from the upper left one on.
        sizes: of each.
        columns: how many stand beside each other.
    """
    aligned = list(charts)
    for column in range(columns):
        aligned[column::columns] = with_shared_gutter(
            charts[column::columns], sizes[column::columns]
        )
    return aligned


def drawn_lines(chart: Chart) -> list[Line]:
    """Return a chart's lines in the units of its value axis: logarithms where that is one."""
    return [_logarithm(line) for line in chart.lines] if chart.log else list(chart.lines)


def values_at(chart: Chart, x: float) -> list[Reading]:
    """Return what each curve says at `x`; a raw curve goes with the smoothed one before it."""
    raw = {(line.label, line.slot): line for line in chart.lines if line.faint}
    return [
        _reading(line, raw.get((line.label, line.slot)), x, chart.cursor_step)
        for line in chart.lines
        if not line.faint
    ]


def _reading(line: Line, raw: Line | None, x: float, step: float | None) -> Reading:
    by_step = step is not None and len(line.steps) == len(line.x)
    along, at = (line.steps, step) if by_step and step is not None else (line.x, x)
    places = range(len(along))
    place = min(places, key=lambda place: abs(along[place] - at), default=None)
    if place is None:
        return Reading(line.label, line.slot, math.nan, math.nan)
    before = raw.mean[place] if raw is not None else None
    return Reading(line.label, line.slot, line.x[place], line.mean[place], before)


def _logarithm(line: Line) -> Line:
    """Return a line on a logarithmic axis; where it has nothing above 0 it has a gap."""
    high = tuple(_log10(value) for value in line.high)
    mean = tuple(_log10(value, other) for value, other in zip(line.mean, high, strict=True))
    low = tuple(_log10(value, other) for value, other in zip(line.low, mean, strict=True))
    return replace(line, low=low, high=high, mean=mean)


def _log10(value: float, otherwise: float = math.nan) -> float:
    return math.log10(value) if 0 < value < math.inf else otherwise


def _picture(lines: Sequence[Line], area: Area, look: TerminalStyle, *, behind: bool) -> Picture:
    """Draw from below: what lies behind the curves, then those of many points before those of few.

    What has few points would be lost under what has many, and hides little of it.

    Args:
        lines: in the units of the area's axes.
        area: the canvas.
        look: what the terminal can show.
        behind: draw what lies behind too; text may cover it, so it takes no place from any.
    """
    from_below = list(reversed(lines))
    from_below.sort(key=lambda line: (not line.faint, -_points(line)))
    strokes = cell_strokes if look.ascii else braille_strokes
    drawn = [(line, strokes(line, area)) for line in from_below]
    picture: Picture = {}
    for line, stroke in drawn if behind else ():
        picture.update(_behind(line, stroke, area, look))
    fronts = [(line, stroke) for line, stroke in drawn if not line.faint]
    dots: dict[Cell, int] = {}
    fewest: dict[Cell, int] = {}
    for line, stroke in fronts:
        if look.ascii:
            shown = (marker_of(line.slot), _style(line))
            picture.update((cell, shown) for cell in whole_cells(stroke.curve))
            continue
        for cell, braille_cell in _in_braille(line, stroke, dots):
            picture[cell], fewest[cell] = braille_cell, _points(line)
    if len(fronts) > 1 and not look.ascii and not look.colour:
        for line, _stroke in fronts:
            markers = _sparse_markers(line, area)
            # Curves of about as many points share the cells of both; one of few keeps its own.
            most = _points(line) / 2
            picture.update(
                {cell: markers[cell] for cell in markers if fewest.get(cell, most) >= most}
            )
    return picture


def _points(line: Line) -> int:
    return sum(line.count) if line.count else len(line.x)


def _behind(
    line: Line, strokes: Strokes, area: Area, look: TerminalStyle
) -> Iterator[tuple[Cell, tuple[str, str]]]:
    """Yield the cells of a line's band, or of a raw curve: thin, so that curves stand out."""
    style, masks = f"faint{line.slot % SLOTS}", strokes.band
    if line.faint:
        masks = [one | other for one, other in zip(masks, strokes.curve, strict=True)]
    if look.ascii or not look.colour:
        shown = (FAINT_MARKER if look.ascii else "·", style)
        yield from ((cell, shown) for cell in _touched(masks, look))
        return
    for cell, bits in braille_cells(thinned(masks, area)):
        yield cell, (braille(bits), style)
    if line.faint:
        yield from ((cell, (FAINT_MARKER, style)) for cell in strokes.lone)


def _touched(masks: list[int], look: TerminalStyle) -> Iterator[Cell]:
    return whole_cells(masks) if look.ascii else (cell for cell, _bits in braille_cells(masks))


def _in_braille(
    line: Line, strokes: Strokes, dots: dict[Cell, int]
) -> Iterator[tuple[Cell, tuple[str, str]]]:
    """Yield the cells of a line's mean; dots of the lines below stay in them, but no band's.

    Those of a cell that is nearly full go as well: among them the line would not be seen.
    """
    style = _style(line)
    for cell, bits in braille_cells(strokes.curve):
        below = dots.get(cell, 0)
        kept = dots[cell] = bits if below.bit_count() > _FULL_DOTS else bits | below
        yield cell, (braille(kept), style)
    for cell in strokes.lone:
        yield cell, (marker_of(line.slot), style)


def _sparse_markers(line: Line, area: Area) -> Picture:
    """Return the line's marker on points some columns apart.

    Lines begin at different columns, so that those close to each other don't hide markers.
    """
    following = line.slot * _MARKER_EVERY // SLOTS
    picture: Picture = {}
    for column, mean in zip(area.columns_of(line.x), line.mean, strict=True):
        if column is None or column < following:
            continue
        if area.y_range[0] <= mean <= area.y_range[1]:
            picture[column, area.row_of(mean)] = (marker_of(line.slot), _style(line))
            following = column + _MARKER_EVERY
    return picture


def _style(line: Line) -> str:
    return f"line{line.slot % SLOTS}"


def _annotate(pen: Annotations, chart: Chart, lines: Iterable[Line], drawn: bool) -> None:
    fronts = [line for line in lines if not line.faint]
    pen.add_outside(fronts, log=chart.log)
    pen.add_marks(chart.marks)
    pen.add_gaps(chart.lines)
    found = notes(chart)
    if found:
        pen.add_note(", ".join(found))
    if not drawn:
        pen.add_message(
            tr("nothing to draw here") if any(line.x for line in fronts) else tr("no points yet")
        )
    if len(fronts) > 1:
        pen.add_labels(fronts)


def _title(chart: Chart, size: Size, look: TerminalStyle) -> SpanLine:
    text = sanitise(chart.title)
    if look.ascii:
        text = text.encode("ascii", "replace").decode()
    return fit_line((Span(text, "title"),), size.width)
