"""A curve in one line of a table.

Knows numbers and cells; has no axes and no colours.
"""

import math
from collections.abc import Sequence

from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.layout import usable_range
from tuitrain.view.chart.raster import braille

_LEVELS = "_.-=*^"
"""From low to high, in plain ASCII."""
_LEFT_DOTS = (0x40, 0x04, 0x02, 0x01)
_RIGHT_DOTS = (0x80, 0x20, 0x10, 0x08)


def sparkline(values: Sequence[float], width: int, look: TerminalStyle) -> str:
    """Return values from the oldest to the newest in exactly `width` cells.

    Fewer values than cells begin at the left; more are averaged. What is not finite is a gap, and
    the scale is that of the values shown.
    """
    if width < 1:
        return ""
    heights = _levels(_averages(values, width * (1 if look.ascii else 2)), _steps(look))
    if look.ascii:
        text = "".join(" " if height is None else _LEVELS[height] for height in heights)
    else:
        heights += [None] * (len(heights) % 2)
        text = "".join(map(_pair, heights[::2], heights[1::2]))
    return text.ljust(width)


def _steps(look: TerminalStyle) -> int:
    return len(_LEVELS) if look.ascii else len(_LEFT_DOTS)


def _averages(values: Sequence[float], most: int) -> list[float]:
    """Return at most so many values, each the mean of the finite ones that it stands for."""
    count = min(len(values), most)
    borders = [index * len(values) // count for index in range(count)] + [len(values)]
    return [_mean(values[borders[index] : borders[index + 1]]) for index in range(count)]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    # Divided first: the sum of huge values overflows.
    return sum(value / len(finite) for value in finite) if finite else math.nan


def _levels(values: list[float], steps: int) -> list[int | None]:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return [None] * len(values)
    low, high = usable_range(min(finite), max(finite))
    return [
        _level((value - low) / (high - low), steps) if math.isfinite(value) else None
        for value in values
    ]


def _level(share: float, steps: int) -> int:
    # The scale ends before the largest numbers do.
    return round(min(max(share, 0.0), 1.0) * (steps - 1))


def _pair(left: int | None, right: int | None) -> str:
    bits = (0 if left is None else _LEFT_DOTS[left]) | (0 if right is None else _RIGHT_DOTS[right])
    return braille(bits) if bits else " "
