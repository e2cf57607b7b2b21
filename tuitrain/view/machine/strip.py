"""Readings of late as a filled strip of blocks, and levels of many things side by side.

Knows numbers and cells; nothing of what is measured.
"""

import math
from collections.abc import Sequence

from tuitrain.view.chart.figure import TerminalStyle

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#@"
_GAP = " "


def levels(values: Sequence[float], top: float, look: TerminalStyle) -> str:
    """Return one cell a value, from 0 to `top`; what is not finite is a gap."""
    return tall(values, top, 1, look)[0]


def strip(
    values: Sequence[float], width: int, top: float, look: TerminalStyle, *, taken: int, most: int
) -> str:
    """Return readings in exactly `width` cells, the newest at the right.

    Args:
        values: oldest first, at most `most`.
        width: in cells.
        top: the value of a full cell.
        look: what the terminal can show.
        taken: how many were read in all: cells keep what they stand for as more come.
        most: how many the whole strip stands for.
    """
    return tall(averages(values, width, taken, most), top, 1, look)[0]


def averages(values: Sequence[float], width: int, taken: int, most: int) -> list[float]:
    """Return `width` means of as many values each, the newest last; NaN where there are none.

    The last one may be of fewer: its values are still coming.
    """
    if width < 1:
        return []
    each = max(1, math.ceil(most / width))
    newest = (taken - 1) // each
    sums: dict[int, list[float]] = {}
    for number, value in enumerate(values, start=taken - len(values)):
        if math.isfinite(value):
            sums.setdefault(number // each, []).append(value)
    places = range(newest - width + 1, newest + 1)
    return [sum(sums[place]) / len(sums[place]) if place in sums else math.nan for place in places]


def tall(values: Sequence[float], top: float, rows: int, look: TerminalStyle) -> list[str]:
    """Return values as filled columns in `rows` rows, the highest row first."""
    blocks = _ASCII if look.ascii else _BLOCKS
    filled = [_filled(value, top, rows * len(blocks)) for value in values]
    return [
        "".join(_cell(eighths, row * len(blocks), blocks) for eighths in filled)
        for row in reversed(range(rows))
    ]


def _filled(value: float, top: float, most: int) -> int | None:
    """Return how many parts of a column are filled: at least one, for a value that is known."""
    if not math.isfinite(value):
        return None
    share = value / top if top > 0 else 0.0
    return max(1, min(most, round(share * most)))


def _cell(filled: int | None, below: int, blocks: str) -> str:
    if filled is None or filled <= below:
        return _GAP
    return blocks[min(filled - below, len(blocks)) - 1]
