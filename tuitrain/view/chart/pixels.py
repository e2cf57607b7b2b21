"""A chart's curves as pixels, for terminals that show pictures: smooth lines over pale bands.

Pure. The canvas is cut into tiles from left to right: of a curve that grows only the last one is
another, so only that is drawn and sent again. A plan holds all that a tile shows and is compared.
"""

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.raster import Area
from tuitrain.view.chart.spikes import spike_places
from tuitrain.view.images.colours import blend
from tuitrain.view.images.indexed import MOST_COLOURS, Indexed
from tuitrain.view.images.pixels import Colour

TILE_CELLS = 8
"""Of a tile from left to right: few enough that a curve's end costs little."""
_LEVELS = 4
"""Shades up to a line's colour at its edges: eight look no better and take a quarter more bytes."""
_BAND, _RAW = 1, 2
"""Of four: how much of its colour a band has, and the raw curve behind a smoothed one."""
_FAR = 1e5
"""Pixels: what lies further out is drawn as if it lay here."""
_REACH = 4.0
_SPARSE_CELLS = 2
"""Points further apart than so many cells are dots as well."""

Place = float | None
"""In pixels from the top; None is a gap."""


@dataclass(frozen=True, slots=True)
class CellPixels:
    """How large a cell of the terminal is, in pixels."""

    width: int = 8
    height: int = 16


@dataclass(frozen=True, slots=True)
class Paint:
    """The colours of a theme."""

    ground: Colour
    lines: tuple[Colour, ...]
    """By slot."""
    cursor: Colour


@dataclass(frozen=True, slots=True)
class Stroke:
    """The points of a line that a tile shows, and those beside them."""

    colour: Colour
    faint: bool
    x: tuple[float, ...]
    """In pixels from the canvas's left edge."""
    low: tuple[Place, ...]
    high: tuple[Place, ...]
    mean: tuple[Place, ...]
    spikes: tuple[bool, ...]
    dotted: bool
    """Each point is a dot."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a canvas: all that is to be seen on it."""

    first: int
    """Its left edge, in cells of the canvas."""
    columns: int
    rows: int
    cell: CellPixels
    ground: Colour
    strokes: tuple[Stroke, ...]
    """From below."""
    cursor: tuple[float, Colour] | None = None


def plan_tiles(
    lines: Sequence[Line], area: Area, cell: CellPixels, paint: Paint, cursor: float | None = None
) -> list[Tile]:
    """Return what is on each tile of a canvas.

    Args:
        lines: in the units of the area's axes, the first one on top.
        area: the canvas.
        cell: of the terminal.
        paint: colours of ground, lines and cursor.
        cursor: a place on the horizontal axis.
    """
    whole = [_stroke(line, area, cell, paint) for line in _from_below(lines)]
    at = None if cursor is None else _across(area, cell)(cursor)
    tiles = []
    for first in range(0, area.columns, TILE_CELLS):
        columns = min(TILE_CELLS, area.columns - first)
        left, right = first * cell.width, (first + columns) * cell.width
        strokes = tuple(part for each in whole if (part := _between(each, left, right)) is not None)
        seen = at is not None and left - 1 <= at <= right + 1
        shown = (at, paint.cursor) if at is not None and seen else None
        tiles.append(Tile(first, columns, area.rows, cell, paint.ground, strokes, shown))
    return tiles


def _from_below(lines: Sequence[Line]) -> list[Line]:
    """Return lines in the order of drawing: few points are not lost under many."""

    def points(line: Line) -> int:
        return sum(line.count) if line.count else len(line.x)

    from_below = list(reversed(lines))
    from_below.sort(key=lambda line: (not line.faint, -points(line)))
    return from_below


class _Axis:
    """From numbers to pixels."""

    def __init__(self, origin: float, factor: float, offset: float = 0.0) -> None:
        self._origin, self._factor, self._offset = origin, factor, offset

    def __call__(self, value: float) -> float | None:
        return self.places((value,))[0]

    def places(self, values: Sequence[float]) -> tuple[float | None, ...]:
        """Return where values lie, far ones clamped; None for what is not finite."""
        origin, factor, offset = self._origin, self._factor, self._offset
        places = [offset + (value - origin) * factor for value in values]
        # A tenth of a pixel can't be seen, and lets equal tiles be equal.
        return tuple(
            round(place, 1) if -_FAR < place < _FAR else _far(place, value)
            for place, value in zip(places, values, strict=True)
        )


def _far(place: float, value: float) -> float | None:
    return math.copysign(_FAR, place) if math.isfinite(value) else None


def _across(area: Area, cell: CellPixels) -> _Axis:
    first, last = area.x_range
    return _Axis(first, (area.columns * cell.width - 1) / (last - first), 0.5)


def _down(area: Area, cell: CellPixels) -> _Axis:
    bottom, top = area.y_range
    height = area.rows * cell.height
    return _Axis(top, -(height - 1) / (top - bottom), 0.5)


def _stroke(line: Line, area: Area, cell: CellPixels, paint: Paint) -> Stroke:
    down, across = _down(area, cell), _across(area, cell)
    x = tuple(-_FAR if place is None else place for place in across.places(line.x))
    spikes = spike_places(line.low, line.high, line.mean)
    means = [
        mean if math.isfinite(mean) else low / 2 + high / 2
        for low, high, mean in zip(line.low, line.high, line.mean, strict=True)
    ]
    apart = (x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else math.inf
    return Stroke(
        colour=paint.lines[line.slot % len(paint.lines)],
        faint=line.faint,
        x=x,
        low=down.places(line.low),
        high=down.places(line.high),
        mean=down.places(means),
        spikes=tuple(place in spikes for place in range(len(x))),
        dotted=not line.faint and apart > _SPARSE_CELLS * cell.width,
    )


def _between(stroke: Stroke, left: float, right: float) -> Stroke | None:
    """Return the points within a tile and the next on each side; None without any."""
    x = stroke.x
    if not x:
        return None
    if any(after < before for before, after in pairwise(x)):
        return stroke
    # Lines are wider than a pixel: what lies just outside reaches in.
    left, right = left - _REACH, right + _REACH
    if x[-1] < left or x[0] > right:
        return None
    first = max(0, bisect.bisect_left(x, left) - 1)
    end = min(len(x), bisect.bisect_right(x, right) + 1)
    part = slice(first, end)
    return Stroke(
        stroke.colour, stroke.faint, x[part], stroke.low[part], stroke.high[part],
        stroke.mean[part], stroke.spikes[part], stroke.dotted,
    )  # fmt: skip


# --- drawing ------------------------------------------------------------------------------------


def draw_tile(tile: Tile) -> Indexed:
    """Return a tile as a picture in its own colours."""
    sheet = _Sheet(tile)
    for stroke in tile.strokes:
        sheet.band(stroke)
    if tile.cursor is not None:
        at, colour = tile.cursor
        sheet.upright(at, colour)
    for stroke in tile.strokes:
        sheet.curve(stroke)
    return sheet.picture()


class _Sheet:
    """Pixels that are written to in columns."""

    def __init__(self, tile: Tile) -> None:
        cell = tile.cell
        self._width, self._height = tile.columns * cell.width, tile.rows * cell.height
        self._left = tile.first * cell.width
        self._thick = max(1.5, cell.width / 5)
        self._data = bytearray(self._width * self._height)
        self._palette = [tile.ground]
        self._mixed: dict[tuple[int, Colour, int], int] = {}

    def picture(self) -> Indexed:
        """Return what was drawn."""
        return Indexed(self._width, self._height, tuple(self._palette), bytes(self._data))

    def band(self, stroke: Stroke) -> None:
        """Fill what lies between the minimum and the maximum of each column."""
        if stroke.low == stroke.high:
            return
        lows, highs = _along(stroke.x, stroke.low), _along(stroke.x, stroke.high)
        for (x0, low0, x1, low1), (_, high0, _, high1) in zip(lows, highs, strict=False):
            first = max(0, math.ceil(x0 - 0.5 - self._left))
            last = min(self._width, math.ceil(x1 - 0.5 - self._left))
            for column in range(first, last):
                share = (column + 0.5 + self._left - x0) / (x1 - x0)
                top, bottom = high0 + (high1 - high0) * share, low0 + (low1 - low0) * share
                self._fill(column, top, bottom, stroke.colour, _BAND)

    def upright(self, at: float, colour: Colour) -> None:
        """Draw a line from top to bottom."""
        column = math.floor(at - self._left)
        if 0 <= column < self._width:
            self._fill(column, 0, self._height, colour, _LEVELS - 1)

    def curve(self, stroke: Stroke) -> None:
        """Draw the mean; what is far from it as a thin line to it."""
        thick, level = (1.3, _RAW) if stroke.faint else (self._thick, _LEVELS)
        for x, low, high, spike in zip(
            stroke.x, stroke.low, stroke.high, stroke.spikes, strict=True
        ):
            column = math.floor(x - self._left)
            if spike and low is not None and high is not None and 0 <= column < self._width:
                self._fill(column, high, low, stroke.colour, level)
        for covered in _rising(stroke, thick, self._left, self._width):
            for column, (top, bottom) in covered.items():
                self._fill(column, top, bottom, stroke.colour, level)
        for x, mean in _dots(stroke):
            self._disc(x, mean, thick * 1.4, stroke.colour)

    def _disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        for column in range(math.floor(x - radius), math.floor(x + radius) + 1):
            beside = column + 0.5 - x
            place = column - int(self._left)
            if abs(beside) < radius and 0 <= place < self._width:
                half = math.sqrt(radius**2 - beside**2)
                self._fill(place, y - half, y + half, colour, _LEVELS)

    def _fill(self, column: int, top: float, bottom: float, colour: Colour, level: int) -> None:
        """Colour a column between two heights; a pixel that is partly between them partly."""
        top, bottom = max(top, 0.0), min(bottom, float(self._height))
        if bottom <= top:
            return
        first, last = int(top), min(int(bottom), self._height - 1)
        if first == last:
            self._dot(column, first, colour, (bottom - top) * level)
            return
        self._dot(column, first, colour, (first + 1 - top) * level)
        if last > first + 1:
            self._stretch(column, first + 1, last, colour, level)
        self._dot(column, last, colour, (bottom - last) * level)

    def _dot(self, column: int, row: int, colour: Colour, level: float) -> None:
        steps = round(level)
        if steps:
            place = row * self._width + column
            self._data[place] = self._mix(self._data[place], colour, steps)

    def _stretch(self, column: int, first: int, end: int, colour: Colour, level: int) -> None:
        width = self._width
        part = slice(first * width + column, (end - 1) * width + column + 1, width)
        below = self._data[part]
        if below.count(below[0]) == len(below):
            self._data[part] = bytes((self._mix(below[0], colour, level),)) * len(below)
            return
        table = bytearray(256)
        for number in set(below):
            table[number] = self._mix(number, colour, level)
        self._data[part] = below.translate(table)

    def _mix(self, below: int, colour: Colour, steps: int) -> int:
        """Return the place in the palette of so many quarters of a colour over what is there."""
        key = (below, colour, steps)
        found = self._mixed.get(key)
        if found is None:
            found = self._mixed[key] = self._place_of(below, colour, steps)
        return found

    def _place_of(self, below: int, colour: Colour, steps: int) -> int:
        wanted = blend(self._palette[below], colour, min(1.0, steps / _LEVELS))
        if wanted in self._palette:
            return self._palette.index(wanted)
        if len(self._palette) == MOST_COLOURS:
            return _nearest(self._palette, wanted)
        self._palette.append(wanted)
        return len(self._palette) - 1


def _nearest(palette: Sequence[Colour], wanted: Colour) -> int:
    def distance(place: int) -> int:
        return sum((one - other) ** 2 for one, other in zip(palette[place], wanted, strict=True))

    return min(range(len(palette)), key=distance)


def _along(x: Sequence[float], y: Sequence[Place]) -> Iterator[tuple[float, float, float, float]]:
    """Yield from each point to the next, left to right, where neither is a gap."""
    for place in range(len(x) - 1):
        x0, x1, y0, y1 = x[place], x[place + 1], y[place], y[place + 1]
        if y0 is None or y1 is None:
            yield x0, 0.0, x0, 0.0
        else:
            yield (x0, y0, x1, y1) if x0 <= x1 else (x1, y1, x0, y0)


def _rising(
    stroke: Stroke, thick: float, left: float, width: int
) -> Iterator[dict[int, tuple[float, float]]]:
    """Yield what a line covers of each column, for parts that don't cross a column twice."""
    covered: dict[int, tuple[float, float]] = {}
    x, y = stroke.x, stroke.mean
    side = 0.0
    for place in range(len(x) - 1):
        y0, y1, step = y[place], y[place + 1], x[place + 1] - x[place]
        if y0 is None or y1 is None or step * side < 0:
            yield covered
            covered, side = {}, 0.0
        if y0 is None or y1 is None:
            continue
        side = step or side
        ends = (x[place] - left, y0, x[place + 1] - left, y1)
        for column, top, bottom in _covered(*ends, thick, width):
            known = covered.get(column)
            covered[column] = (
                (top, bottom) if known is None else (min(top, known[0]), max(bottom, known[1]))
            )
    yield covered


def _covered(
    x0: float, y0: float, x1: float, y1: float, thick: float, width: int
) -> Iterator[tuple[int, float, float]]:
    """Yield each column that a straight line touches, with the top and bottom of it there."""
    if x0 > x1:
        x0, y0, x1, y1 = x1, y1, x0, y0
    aside = (thick - 1) / 2
    slope = (y1 - y0) / (x1 - x0) if x1 - x0 > 1e-6 else 0.0
    # Upright a slanting line is thicker than across, but not beyond its ends.
    half = thick / 2 * min(math.sqrt(1 + slope**2), 2.0)
    lowest, highest = min(y0, y1) - thick / 2, max(y0, y1) + thick / 2
    for column in range(max(0, math.floor(x0 - aside)), min(width - 1, math.floor(x1 + aside)) + 1):
        enter, leave = max(column, x0), min(column + 1, x1)
        if slope or x1 - x0 > 1e-6:
            one = y0 + slope * (min(max(enter, x0), x1) - x0)
            other = y0 + slope * (min(max(leave, x0), x1) - x0)
        else:
            one, other = y0, y1
        top, bottom = min(one, other) - half, max(one, other) + half
        yield column, max(top, lowest), min(bottom, highest)


def _dots(stroke: Stroke) -> Iterator[tuple[float, float]]:
    """Yield the points that are dots: all of a sparse line, else those without neighbours."""
    means = (None, *stroke.mean, None)
    for place, x in enumerate(stroke.x):
        before, mean, after = means[place : place + 3]
        alone = before is None and after is None and not stroke.faint
        if mean is not None and (stroke.dotted or alone):
            yield x, mean
