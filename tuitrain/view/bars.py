"""Bars: progress, shares of a whole, and what fills a memory.

Knows shares and cells; nothing of what is measured.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

from tuitrain.units import percent
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.palette import SLOTS
from tuitrain.view.spans import Span, SpanLine

_HEIGHTS = "▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = "12345678"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_FILLS = "█▓▒░▚▞▤▥"
_ASCII_FILLS = "#=+:%*o-"
_REST = "."
_PERCENT_WIDTH = 5
"""A blank and up to "100%"."""


def progress_bar(share: float, width: int, look: TerminalStyle) -> str:
    """Return a bar of exactly `width` cells that is full only when `share` has reached 1."""
    if width < 1:
        return ""
    eighths = math.floor(_bounded(share) * width * 8 + 1e-9)
    full, part = divmod(eighths, 8)
    if look.ascii:
        return ("#" * full).ljust(width, "-")
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(width, "░")


def percent_bar(share: float, width: int, look: TerminalStyle) -> str:
    """Return a bar with its percentage behind it, in exactly `width` cells.

    The bar has no background, so that several below each other read as a chart; where there is
    no room for both, the number alone is left.
    """
    number = percent(_bounded(share), 1.0).rjust(_PERCENT_WIDTH)
    room = width - _PERCENT_WIDTH
    if room < 1:
        return number.strip().rjust(max(width, 0))[: max(width, 0)]
    cells = _bounded(share) * room
    if look.ascii:
        return ("#" * round(cells)).ljust(room) + number
    full, part = divmod(math.floor(cells * 8), 8)
    return ("█" * full + (_EIGHTHS[part] if part else "")).ljust(room) + number


def stacked_bar(
    parts: Sequence[float],
    total: float,
    width: int,
    look: TerminalStyle,
    slots: Sequence[int] | None = None,
) -> SpanLine:
    """Return parts of a whole side by side in exactly `width` cells, the rest as dots.

    Each part has its own fill, so that it reads without colour, and its own style, line0 to
    line7; `fill_of` is what a legend shows. A part above zero takes a cell at least while there
    is room, and parts that exceed the total fill the bar in proportion.

    Args:
        parts: amounts in the order shown; what is not finite or below zero counts as nothing.
        total: what the whole bar stands for.
        width: in cells.
        look: what the terminal can show.
        slots: the fill and style of each part; None: by its place.
    """
    if width < 1:
        return ()
    slots = range(len(parts)) if slots is None else slots
    amounts = [amount if math.isfinite(amount) and amount > 0 else 0.0 for amount in parts]
    whole = max(total if math.isfinite(total) else 0.0, sum(amounts))
    ends = _ends(amounts, whole, width)
    starts = [0, *ends][: len(ends)]
    spans = [
        Span(fill_of(slot, look) * (end - start), f"line{slot % SLOTS}")
        for slot, start, end in zip(slots, starts, ends, strict=True)
        if end > start
    ]
    left = width - (ends[-1] if ends else 0)
    return (*spans, Span(_REST * left, "axis")) if left else tuple(spans)


def height_of(share: float, look: TerminalStyle) -> str:
    """Return a cell that is as full, from below, as `share` of its height; never empty."""
    heights = _ASCII_HEIGHTS if look.ascii else _HEIGHTS
    return heights[max(0, math.ceil(_bounded(share) * len(heights)) - 1)]


def fill_of(slot: int, look: TerminalStyle) -> str:
    """Return the character that a part of a stacked bar is filled with."""
    return (_ASCII_FILLS if look.ascii else _FILLS)[slot % SLOTS]


def _ends(amounts: list[float], whole: float, width: int) -> list[int]:
    """Return the cell behind each part; rounded on the running sum, so that errors don't add up."""
    if not whole or math.isinf(whole):
        return [0] * len(amounts)
    ends, previous = [], 0
    for amount, so_far in zip(amounts, accumulate(amounts), strict=True):
        wanted = round(so_far / whole * width)
        previous = min(width, max(wanted, previous + (amount > 0)))
        ends.append(previous)
    return ends


def _bounded(share: float) -> float:
    return min(max(share, 0.0), 1.0) if not math.isnan(share) else 0.0
