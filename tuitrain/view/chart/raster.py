"""From a line to the dots that show it: its running mean, and each column's reach behind that.

Knows cells and dots; nothing of colours, axes or plotext. A column of dots is one integer, bit 0
at the bottom, so that a stroke of any height costs one operation.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.spikes import spike_places

Cell = tuple[int, int]
"""(column, row), row 0 at the bottom."""

_FAR = 1e6
"""Dots: what lies further out is drawn as if it lay here; slopes at the border stay true."""
_UP = 4
"""Dots in the height of a cell."""
_BRAILLE = 0x2800
_LEFT = (0x40, 0x04, 0x02, 0x01)
_RIGHT = (0x80, 0x20, 0x10, 0x08)
"""The bits of U+2800's block, from the bottom dot of each side to the top one."""


def _side(bits: tuple[int, ...]) -> list[int]:
    return [sum(bits[place] for place in range(4) if dots >> place & 1) for dots in range(16)]


_LEFT_CODES, _RIGHT_CODES = _side(_LEFT), _side(_RIGHT)


@dataclass(frozen=True, slots=True)
class Area:
    """So many cells that show the values between two corners."""

    columns: int
    rows: int
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def scale_across(self, dots: int) -> "_Scale":
        """Return where places on the axis lie, in so many dots a cell."""
        left, right = self.x_range
        return _Scale(left, (self.columns * dots - 1) / (right - left))

    def scale_up(self) -> "_Scale":
        """Return where values lie, in dots from the bottom."""
        bottom, top = self.y_range
        return _Scale(bottom, (self.rows * _UP - 1) / (top - bottom))

    def columns_of(self, places: Sequence[float]) -> list[int | None]:
        """Return the cell column of places on the axis, None for those outside."""
        left, right = self.x_range
        kept = [x if left <= x <= right else math.nan for x in places]
        return self.scale_across(1).places(kept)

    def row_of(self, value: float) -> int:
        """Return the cell row of a finite value, the nearest row where it is outside."""
        (dot,) = self.scale_up().places((value,))
        return min(max((dot or 0) // _UP, 0), self.rows - 1)


@dataclass(frozen=True, slots=True)
class Strokes:
    """One line as dots."""

    curve: list[int]
    """The mean from column to column, and spikes; one integer a column of dots."""
    band: list[int]
    """From the minimum to the maximum of each column."""
    lone: list[Cell]
    """Cells of points without neighbours, which a single dot would hardly show."""


def braille_strokes(line: Line, area: Area) -> Strokes:
    """Return a line in two by four dots a cell."""
    return _strokes(line, area, across=2)


def cell_strokes(line: Line, area: Area) -> Strokes:
    """Return a line in columns of one cell; four dots up say which cells it touches."""
    return _strokes(line, area, across=1)


def thinned(masks: Sequence[int], area: Area) -> list[int]:
    """Return every other dot of each column, as on a chequered board."""
    alternate = int("5" * max(1, area.rows), 16)
    return [mask & (alternate << (column & 1)) for column, mask in enumerate(masks)]


def braille_cells(masks: list[int]) -> Iterator[tuple[Cell, int]]:
    """Yield each cell that has dots, with the bits of its braille character."""
    for column in range(len(masks) // 2):
        left, right = masks[2 * column], masks[2 * column + 1]
        row = _lowest_row(left | right)
        left, right = left >> row * _UP, right >> row * _UP
        while left or right:
            bits = _LEFT_CODES[left & 15] | _RIGHT_CODES[right & 15]
            if bits:
                yield (column, row), bits
            left, right, row = left >> 4, right >> 4, row + 1


def _lowest_row(mask: int) -> int:
    """Return the lowest row of cells with a dot of the column; most of a curve's rows are empty."""
    return max(0, (mask & -mask).bit_length() - 1) // _UP


def whole_cells(masks: list[int]) -> Iterator[Cell]:
    """Yield each cell that `cell_strokes` touched."""
    for column, mask in enumerate(masks):
        row = _lowest_row(mask)
        left = mask >> row * _UP
        while left:
            if left & 15:
                yield column, row
            left, row = left >> 4, row + 1


def braille(bits: int) -> str:
    """Return the character with these dots."""
    return chr(_BRAILLE | bits)


@dataclass(frozen=True, slots=True)
class _Scale:
    """From numbers to whole dots along one side of the area."""

    origin: float
    factor: float

    def places(self, values: Sequence[float]) -> list[int | None]:
        """Return the dot of each value, far ones clamped; None for what is not finite."""
        origin, factor = self.origin, self.factor
        places = [(value - origin) * factor for value in values]
        return [
            round(place) if -_FAR < place < _FAR else self._far(place, value)
            for place, value in zip(places, values, strict=True)
        ]

    @staticmethod
    def _far(place: float, value: float) -> int | None:
        if not math.isfinite(value):
            return None
        # NaN: an infinite distance on a side of one dot.
        return 0 if math.isnan(place) else round(math.copysign(_FAR, place))


def _strokes(line: Line, area: Area, across: int) -> Strokes:
    width, height = area.columns * across, area.rows * _UP
    curve, band = [0] * width, [0] * width
    lone: list[Cell] = []
    previous: Cell | None = None
    alone = was_thick = False
    spikes = spike_places(line.low, line.high, line.mean)
    for place, (column, low, high, middle) in enumerate(_points(line, area, across)):
        if column is None or low is None or high is None or middle is None:
            if previous and alone:
                lone.append(previous)
            previous, was_thick = None, False
            continue
        if 0 <= column < width:
            if low != high:
                _stroke(band, column, low, high, height)
            if place in spikes:
                _stroke(curve, column, min(low, middle), max(high, middle), height)
        # Bands of a raw curve touch each other: what joins their means would lie within them.
        if not (line.faint and was_thick and low != high):
            _connect(curve, previous or (column, middle), (column, middle), height)
        was_thick = low != high
        alone = previous is None
        previous = (column, middle)
    if previous and alone:
        lone.append(previous)
    seen = [(column // across, row // _UP) for column, row in lone if 0 <= row < height]
    return Strokes(curve, band, [cell for cell in seen if 0 <= cell[0] < area.columns])


def _points(
    line: Line, area: Area, across: int
) -> Iterator[tuple[int | None, int | None, int | None, int | None]]:
    """Yield each column of a line in dots: across, and its low, high and mean up."""
    up = area.scale_up()
    columns = area.scale_across(across).places(line.x)
    middles = up.places(tuple(map(_middle, line.mean, line.low, line.high)))
    if line.low == line.high == line.mean:
        return zip(columns, middles, middles, middles, strict=True)
    return zip(columns, up.places(line.low), up.places(line.high), middles, strict=True)


def _middle(mean: float, low: float, high: float) -> float:
    return mean if math.isfinite(mean) else low / 2 + high / 2


def _stroke(masks: list[int], column: int, one: int, other: int, height: int) -> None:
    bottom, top = (one, other) if one <= other else (other, one)
    if top < 0 or bottom >= height:
        return
    bottom, top = max(bottom, 0), min(top, height - 1)
    masks[column] |= ((2 << (top - bottom)) - 1) << bottom


def _connect(masks: list[int], start: Cell, end: Cell, height: int) -> None:
    """Join two points; each column between them holds its share of the way up or down."""
    (x0, y0), (x1, y1) = (start, end) if start[0] <= end[0] else (end, start)
    if x0 == x1:
        if 0 <= x0 < len(masks):
            _stroke(masks, x0, y0, y1, height)
        return
    if x1 - x0 == 1 and 0 <= x0 < len(masks) - 1:
        # By far the most common case.
        middle = round((y0 + y1) / 2)
        _stroke(masks, x0, y0, middle, height)
        _stroke(masks, x1, middle, y1, height)
        return
    slope = (y1 - y0) / (x1 - x0)
    enter = y0 if x0 >= 0 else round(y0 + slope * (-0.5 - x0))
    for column in range(max(x0, 0), min(x1, len(masks) - 1) + 1):
        leave = y1 if column == x1 else round(y0 + slope * (column + 0.5 - x0))
        _stroke(masks, column, enter, leave, height)
        enter = leave
