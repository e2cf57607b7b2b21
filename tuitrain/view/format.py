"""Numbers, times and foreign text as people read them in a terminal.

Pure functions from values to text; knows nothing of runs, colours or screens.
"""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

NOTHING = "-"
"""Stands where there is no value."""

Align = Literal["left", "right"]

_ONE_CELL_EACH = re.compile(r"[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2500-\u259f\u2800-\u28ff]*")
"""Nearly all that is ever shown: ASCII, Latin, boxes and blocks, braille."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_DURATIONS = (
    (_DAY_S, "d", _HOUR_S, "h"),
    (_HOUR_S, "h", _MINUTE_S, "m"),
    (_MINUTE_S, "m", 1, "s"),
)
_AGES = ((365 * _DAY_S, "y"), (7 * _DAY_S, "w"), (_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min"))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_COUNTS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def duration(seconds: float | None) -> str:
    """Return a length of time in its two largest units: 0.3 s, 42 s, 3m 05s, 2h 14m, 5d 03h."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit_s, name, part_s, part_name in _DURATIONS:
        if whole >= unit_s:
            return f"{whole // unit_s}{name} {whole % unit_s // part_s:02}{part_name}"
    return f"{whole} s"


def age(seconds: float | None) -> str:
    """Return how long ago in one unit: now, 3 min ago, 2 h ago, 5 d ago."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    for unit_s, name in _AGES:
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)} {name} ago"
    return "now"


def count(number: float | None) -> str:
    """Return a count in at most five characters or so: 950, 12.3k, 4.57M."""
    if number is None or not math.isfinite(number):
        return NOTHING
    for size, name in _COUNTS:
        # Compared with what rounding would make of it: 999,999 is 1.00M and not 1000k.
        if abs(number) >= size * 0.9995:
            return f"{_three_digits(number / size)}{name}"
    return f"{number:.0f}" if number == int(number) else f"{number:.3g}"


def size(number_bytes: float | None) -> str:
    """Return a size in binary units: 512 B, 1.21 MiB."""
    if number_bytes is None or not math.isfinite(number_bytes):
        return NOTHING
    amount, unit = float(number_bytes), 0
    while abs(amount) >= 999.5 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} B" if unit == 0 else f"{_three_digits(amount)} {_SIZES[unit]}"


def rate(per_s: float | None, unit: str) -> str:
    """Return a speed: 12.3k samples/s."""
    return NOTHING if per_s is None or not math.isfinite(per_s) else f"{count(per_s)} {unit}/s"


def percent(part: float, whole: float | None) -> str:
    """Return a share, rounded down so that 100% means done."""
    if not whole:
        return NOTHING
    return f"{math.floor(100 * part / whole)}%"


def metric_value(value: float | None) -> str:
    """Return a metric in four significant digits; NaN and infinities by name."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return _four_digits(value)
    return f"{value:.3e}"


def setting_text(value: object) -> str:
    """Return a setting's value in TOML's words, texts without their quotes."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(setting_text(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}={setting_text(item)}' for key, item in value.items())}}}"
    return str(value)


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
    kept, used = [], 0
    for character in text:
        used += _cells(character)
        if used > width - 3:
            break
        kept.append(character)
    return "".join(kept) + "..."[: max(0, width)]


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
    sides = [*align, *["left"] * (len(widths) - len(align))]
    return "\n".join(
        "  ".join(
            _pad(cell, width, side) for cell, width, side in zip(line, widths, sides, strict=True)
        ).rstrip()
        for line in lines
    )


def _pad(cell: str, width: int, side: str) -> str:
    gap = " " * (width - display_width(cell))
    return gap + cell if side == "right" else cell + gap


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


def _three_digits(amount: float) -> str:
    for digits in (2, 1):
        text = f"{amount:.{digits}f}"
        if len(text.lstrip("-")) <= 4:
            return text
    return f"{amount:.0f}"


def _four_digits(value: float) -> str:
    digits = 4 if abs(value) < 1 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"
