"""Which values the vertical axis spans: of some far from the rest only the rest.

Knows columns of numbers; nothing of ticks or of drawing.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from tuitrain.view.chart.figure import Line

_FEW = 50
"""One column of so many may lie outside."""
_LEAST_COLUMNS = 20
"""Of fewer columns each counts."""
_FLATTENED = 2.5
"""The axis leaves values out where they would make it so many times as long."""
_REMEMBERED = 64
"""Charts of which it is known: each is laid out once beside the others and once when drawn."""
_MARGIN = 0.05
"""Room beyond the rest, as a share of it."""


@lru_cache(maxsize=_REMEMBERED)
def value_range(
    lines: tuple[Line, ...], x_range: tuple[float, float], *, clip: bool
) -> tuple[float, float] | None:
    """Return the least and the largest value that the axis has to show; None without any.

    Args:
        lines: in the units of the axis.
        x_range: what lies outside does not count.
        clip: leave out few values far from the rest of their line.
    """
    ranges = [found for line in lines if (found := _line_range(line, x_range, clip)) is not None]
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _line_range(line: Line, x_range: tuple[float, float], clip: bool) -> tuple[float, float] | None:
    first, last = x_range
    seen = [
        (low, high)
        for x, low, high in zip(line.x, line.low, line.high, strict=True)
        if first <= x <= last and math.isfinite(low) and math.isfinite(high)
    ]
    if not seen:
        return None
    lows, highs = sorted(low for low, _ in seen), sorted(high for _, high in seen)
    return _without_few(lows, highs) if clip else (lows[0], highs[-1])


def _without_few(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    """Return the range of ascending lows and highs without the few that would flatten the rest."""
    least, largest = lows[0], highs[-1]
    if len(lows) < _LEAST_COLUMNS:
        return least, largest
    few = max(1, len(lows) // _FEW)
    low, high = lows[few], highs[-1 - few]
    span = high - low
    if not 0 < span < math.inf:
        return least, largest
    margin = span * _MARGIN
    bottom = low - margin if high - least > span * _FLATTENED else least
    top = high + margin if largest - low > span * _FLATTENED else largest
    return max(bottom, least), min(top, largest)
