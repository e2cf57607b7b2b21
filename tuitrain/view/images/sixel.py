"""A picture as sixels: six pixels of a column and a colour a character (DEC's VT340 manual).

Pure; the control string around it is `tuitrain.view.osc`'s.
"""

from collections.abc import Iterator
from itertools import groupby

from tuitrain.view.images.pixels import Colour, Image

_STEPS = 5
"""Levels of a channel above 0: 6x6x6 = 216 colours, of the 256 that terminals have."""
_FIRST_SIXEL = 63
_LEAST_RUN = 4
"""Repeats from here on are shorter as a count."""


def sixels(image: Image) -> str:
    """Return the body of a sixel string: its size, its colours, and its bands of six rows."""
    pixels = [[_number(image.at(x, y)) for x in range(image.width)] for y in range(image.height)]
    used = sorted({number for row in pixels for number in row})
    size = f'"1;1;{image.width};{image.height}'
    palette = "".join(f"#{number};2;{_percents(number)}" for number in used)
    bands = (_band(pixels[y : y + 6]) for y in range(0, image.height, 6))
    return f"{size}{palette}{'-'.join(bands)}"


def _number(colour: Colour) -> int:
    red, green, blue = (round(part / 255 * _STEPS) for part in colour)
    return (red * (_STEPS + 1) + green) * (_STEPS + 1) + blue


def _percents(number: int) -> str:
    base = _STEPS + 1
    parts = (number // base // base, number // base % base, number % base)
    return ";".join(str(round(100 * part / _STEPS)) for part in parts)


def _band(rows: list[list[int]]) -> str:
    """Return up to six rows, a layer for each colour in them."""
    return "$".join(_layers(rows))


def _layers(rows: list[list[int]]) -> Iterator[str]:
    for number in sorted({number for row in rows for number in row}):
        columns = (
            sum((row[x] == number) << bit for bit, row in enumerate(rows))
            for x in range(len(rows[0]))
        )
        yield f"#{number}" + "".join(_run(bits, len(list(same))) for bits, same in groupby(columns))


def _run(bits: int, times: int) -> str:
    character = chr(_FIRST_SIXEL + bits)
    return f"!{times}{character}" if times >= _LEAST_RUN else character * times
