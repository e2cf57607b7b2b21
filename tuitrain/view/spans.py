"""A line of text as spans with a style's name: what views return and the interface colours."""

from collections.abc import Sequence
from typing import NamedTuple

from tuitrain.view.format import display_width, sanitise, shorten, wrap


class Span(NamedTuple):
    """Text in one style; the names are listed in `tuitrain.ui.themes`."""

    text: str
    style: str = ""


SpanLine = tuple[Span, ...]
_PICTURE_CELL = "\U0010eeee"
_NEAR = 10
"""Cells that cost a terminal less than moving its cursor and setting colours anew."""


def plain_text(line: SpanLine) -> str:
    """Return what a line says, for an output without styles."""
    return "".join(span.text for span in line).rstrip()


def line_width(line: SpanLine) -> int:
    """Return how many cells a line takes."""
    return sum(display_width(span.text) for span in line)


def fit_line(line: SpanLine, width: int) -> SpanLine:
    """Cut a line, or pad it with spaces, to exactly `width` cells."""
    fitted: list[Span] = []
    left = width
    for span in line:
        cells = display_width(span.text)
        if cells > left:
            cut = shorten(span.text, left)
            fitted.append(Span(cut, span.style))
            left -= display_width(cut)
            break
        fitted.append(span)
        left -= cells
    if left > 0:
        fitted.append(Span(" " * left))
    return tuple(fitted)


def plain_line(text: str, style: str = "") -> SpanLine:
    """Return text from anywhere as a line, its control characters made harmless."""
    return (Span(sanitise(text), style),)


def wrap_plain(text: str, width: int, style: str = "") -> list[SpanLine]:
    """Return text from anywhere on as many lines as it takes, none of it cut off.

    Where it is indented, what follows its first line is so by two more.
    """
    begun = len(text) - len(text.lstrip(" "))
    further = " " * (begun + 2) if begun else ""
    rows = wrap(sanitise(text), max(16, width), indent=further) or [""]
    return [(Span(row, style),) for row in rows]


def first_lines(lines: Sequence[SpanLine], most: int, width: int) -> list[SpanLine]:
    """Return at most `most` lines of one style each; dots end the last one if some are left out."""
    kept = list(lines[:most])
    if kept and len(lines) > most:
        words = shorten(f"{plain_text(kept[-1])} ...", width)
        kept[-1] = (Span(words, kept[-1][0].style),)
    return kept


def spread_line(left: SpanLine, right: SpanLine, width: int) -> SpanLine:
    """Put one part at each end of a line; the left one gives way where both don't fit."""
    room = width - line_width(right)
    if room < 1:
        return fit_line(right, width)
    return (*fit_line(left, room), *right)


def changed_cells(before: SpanLine, after: SpanLine, width: int) -> list[tuple[int, int]]:
    """Return where two lines differ as they are seen: the first cell and the one after the last.

    Lines are compared as `fit_line` shows them: one too long for the width ends in dots there.
    Places close to each other are one; the whole width is one where a character takes no cell.
    """
    old, new = _cells(fit_line(before, width)), _cells(fit_line(after, width))
    if len(old) != width or len(new) != width:
        return [(0, width)]
    places: list[tuple[int, int]] = []
    for place, (one, other) in enumerate(zip(old, new, strict=True)):
        if one == other:
            continue
        if places and place - places[-1][1] < _NEAR:
            places[-1] = (places[-1][0], place + 1)
        else:
            places.append((place, place + 1))
    return places


def _cells(line: SpanLine) -> list[tuple[str, str]]:
    """Return what is in each cell; the second one of a wide character is never like a first one."""
    cells: list[tuple[str, str]] = []
    for text, style in line:
        if _PICTURE_CELL not in text and display_width(text) == len(text):
            cells += [(character, style) for character in text]
            continue
        for character in text:
            width = display_width(character)
            if width:
                cells += [(character * (place + 1), style) for place in range(width)]
            elif cells:
                # What follows the first cell of a part of a picture says which one it is.
                cells[-1] = cells[-1][0] + character, style
    return cells
