"""Metrics, tables and foreign text as people read them in a terminal.

Pure functions from values to text; knows nothing of runs, colours or screens.
"""

import math
import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal

from tuitrain.units import NOTHING

Align = Literal["left", "right"]

_ONE_CELL_EACH = re.compile(
    r"[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2500-\u259f\u2800-\u28ff\U0010eeee]*"
)
"""Nearly all that is ever shown: ASCII, Latin, boxes and blocks, braille, cells of pictures."""
_CLOSING = frozenset("，。、；：？！）》」』】”’…,.;:?!)]}%")  # noqa: RUF001
_OPENING = frozenset("（《「『【“‘([{")  # noqa: RUF001


def metric_value(value: float | None) -> str:
    """Return a metric in four significant digits; NaN and infinities by name."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return _four_digits(value)
    return f"{value:.3e}"


def sanitise(text: str) -> str:
    r"""Return one line that can't act on a terminal: control characters appear as \x1b.

    Escape sequences lose their first character; characters that turn the direction of text, and
    halves of a surrogate pair, are written out as well.
    """
    return "".join(_harmless(character) for character in text)


def sanitise_lines(text: str) -> str:
    """Do as `sanitise` but keep line ends; a progress bar's returns to the margin become them."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(sanitise(line.expandtabs()) for line in lines)


def display_width(text: str) -> int:
    """Return how many terminal cells a line takes."""
    if _ONE_CELL_EACH.fullmatch(text):
        return len(text)
    return sum(_cells(character) for character in text)


def shorten(text: str, width: int) -> str:
    """Return text that takes at most `width` cells, cut at its end."""
    if display_width(text) <= width:
        return text
    return first_cells(text, width - 3) + "..."[: max(0, width)]


def first_cells(text: str, width: int) -> str:
    """Return as much of a text's beginning as takes at most `width` cells."""
    used = 0
    for place, character in enumerate(text):
        used += _cells(character)
        if used > width:
            return text[:place]
    return text


def pad(text: str, width: int, side: Align = "left") -> str:
    """Return text with blanks up to `width` cells, on its right or, `right`, on its left."""
    gap = " " * (width - display_width(text))
    return gap + text if side == "right" else text + gap


def wrap(text: str, width: int, *, indent: str = "", break_on_hyphens: bool = True) -> list[str]:
    """Return a text in lines of at most `width` cells; none where it has no words.

    Args:
        text: one paragraph.
        width: in cells.
        indent: before every line but the first.
        break_on_hyphens: a line may end at a hyphen.
    """
    if _ONE_CELL_EACH.fullmatch(text) or display_width(text) == len(text):
        return textwrap.wrap(
            text, width, subsequent_indent=indent, break_on_hyphens=break_on_hyphens
        )
    lines, line = [], text[: len(text) - len(text.lstrip(" "))]
    for piece in _pieces(text):
        if line.strip() and display_width(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = indent
        line += piece if line.strip() else piece.lstrip()
        while display_width(line.rstrip()) > width:
            head = first_cells(line, max(width, len(indent) + 2))
            lines.append(head)
            line = indent + line[len(head) :]
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> Iterator[str]:
    """Yield what a line may be broken between: words with the blank behind them, and ideographs.

    No line begins with a closing mark, nor ends with an opening one.
    """
    for word in re.findall(r" *[^ ]+ *", text.strip(" ")):
        kept = ""
        for character in word:
            wide = _cells(character) == 2
            joined = character in _CLOSING or character == " " or kept[-1:] in _OPENING
            if kept and not joined and (wide or _cells(kept[-1]) == 2):
                yield kept
                kept = ""
            kept += character
        yield kept


def last_cells(text: str, width: int) -> str:
    """Return as much of a text's end as takes at most `width` cells."""
    used = 0
    for place, character in enumerate(reversed(text)):
        used += _cells(character)
        if used > width:
            return text[len(text) - place :]
    return text


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[Align] = ()
) -> str:
    """Return aligned columns, two spaces apart, without trailing spaces.

    Args:
        headings: one a column.
        rows: cells of harmless text.
        align: one a column; left for those not named.
    """
    lines = [list(headings), *[list(row) for row in rows]]
    widths = [max(display_width(cell) for cell in column) for column in zip(*lines, strict=True)]
    sides: list[Align] = list(align)
    sides += ["left"] * (len(widths) - len(align))
    return "\n".join(
        "  ".join(
            pad(cell, width, side) for cell, width, side in zip(line, widths, sides, strict=True)
        ).rstrip()
        for line in lines
    )


def _harmless(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _four_digits(value: float) -> str:
    digits = 4 if abs(value) < 1 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"
