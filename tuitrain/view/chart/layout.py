"""How a chart's cells are shared out: title, axes, canvas, and the scale of both axes.

Knows ranges and sizes; draws nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tuitrain.view.chart.canvas import Axes
from tuitrain.view.chart.figure import AxisKind, Chart, Line, Size
from tuitrain.view.chart.limits import value_range
from tuitrain.view.chart.raster import Area
from tuitrain.view.chart.ticks import Tick, axis_ticks, log_ticks, value_ticks

_LARGEST = 1e307
_SMALLEST_SHARE = 1e-9
"""A range narrower than this share of its size can't be told apart in a float any more."""
_SMALLEST = 1e-300
_REMEMBERED = 64
"""Axes whose ticks are known: most stay as they were while their curves grow."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes."""

    title: bool
    axes: Axes
    area: Area


def plan_layout(chart: Chart, lines: Iterable[Line], size: Size) -> Layout:
    """Share out the cells; what does not fit goes in the order: labels, lines of the axes, title.

    Args:
        chart: what is drawn.
        lines: its lines as they will be drawn, with logarithms on a logarithmic axis.
        size: at least one cell.
    """
    title = bool(chart.title) and size.height >= 6
    height = size.height - title
    x_range = usable_range(*chart.x_range)
    y_range = _y_range(chart, lines, x_range)
    x_line, x_labels = size.width >= 8 and height >= 7, size.width >= 24 and height >= 5
    y_line, y_labels = size.width >= 8 and height >= 3, size.width >= 24 and height >= 3
    rows = height - x_line - x_labels
    y_ticks = _y_ticks(chart.log, y_range, rows) if y_labels else ()
    y_ticks = tuple((row, label.rjust(chart.gutter)) for row, label in y_ticks)
    columns = size.width - Axes(y_line, y_ticks, x_line, ()).left
    if columns < size.width // 2:
        y_ticks, columns = (), size.width - y_line
    x_ticks = _x_ticks(chart.axis, x_range, columns) if x_labels else ()
    return Layout(
        title, Axes(y_line, y_ticks, x_line, x_ticks), Area(columns, rows, x_range, y_range)
    )


def usable_range(low: float, high: float) -> tuple[float, float]:
    """Return a range that numbers can be told apart in: widened where it is empty or too narrow."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    low, high = (min(max(end, -_LARGEST), _LARGEST) for end in sorted((low, high)))
    largest = max(abs(low), abs(high))
    if largest < _SMALLEST:
        return -1.0, 1.0
    if high - low < largest * _SMALLEST_SHARE:
        middle, half = low / 2 + high / 2, largest * (0.1 if high == low else _SMALLEST_SHARE)
        return middle - half, middle + half
    return low, high


def usable_log_range(low: float, high: float) -> tuple[float, float]:
    """Return the same for the logarithms of numbers, of which even 0 stands for a number of 1."""
    low, high = usable_range(low, high)
    if high - low < _SMALLEST_SHARE:
        middle = low / 2 + high / 2
        return middle - _SMALLEST_SHARE, middle + _SMALLEST_SHARE
    return low, high


def _y_range(
    chart: Chart, lines: Iterable[Line], x_range: tuple[float, float]
) -> tuple[float, float]:
    if chart.y_range is not None:
        low, high = chart.y_range
        if not chart.log:
            return usable_range(low, high)
        if low > 0 and high > 0:
            return usable_log_range(math.log10(low), math.log10(high))
    usable = usable_log_range if chart.log else usable_range
    seen = value_range(tuple(lines), x_range, clip=chart.clip)
    return usable(*seen) if seen is not None else (0.0, 1.0)


@lru_cache(maxsize=_REMEMBERED)
def _y_ticks(log: bool, y_range: tuple[float, float], rows: int) -> tuple[tuple[int, str], ...]:
    most = max(2, (rows + 1) // 3)
    ticks = log_ticks(*y_range, most) if log else value_ticks(*y_range, most)
    placed: dict[int, str] = {}
    for tick in ticks:
        if -1e-6 <= tick.share <= 1 + 1e-6:
            placed.setdefault(_row(tick, rows), tick.label)
    return tuple(placed.items())


def _row(tick: Tick, rows: int) -> int:
    """Return the row that the curve passes where it has the tick's value."""
    return min(max(round(tick.share * (rows * 4 - 1)) // 4, 0), rows - 1)


@lru_cache(maxsize=_REMEMBERED)
def _x_ticks(
    kind: AxisKind, x_range: tuple[float, float], columns: int
) -> tuple[tuple[int, str], ...]:
    ticks = axis_ticks(kind, *x_range, columns)
    return tuple((round(tick.share * (columns - 1)), tick.label) for tick in ticks)
