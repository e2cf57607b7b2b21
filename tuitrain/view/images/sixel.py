"""A picture as sixels: six pixels of a column and a colour a character (DEC's VT340 manual).

Pure; the control string around it is `tuitrain.view.osc`'s. A band of six rows is made by
operations on whole rows of bytes: pixel by pixel a chart would take half a second.
"""

import re
from collections.abc import Iterator
from functools import cache

from tuitrain.view.images.indexed import Indexed
from tuitrain.view.images.pixels import Image

_STEPS = 5
"""Levels of a channel above 0: 6x6x6 = 216 colours, of the 256 that terminals have."""
_BASE = _STEPS + 1
_ROWS = 6
_AS_SIXELS = bytes((63 + bits) % 256 for bits in range(256))
_RUN = re.compile(rb"(.)\1{3,}")
"""Repeats of four and more are shorter as a count."""


def sixels(image: Image) -> str:
    """Return the body of a sixel string: its size, its colours, and its bands of six rows."""
    levels = [round(part / 255 * _STEPS) for part in range(256)]
    places = image.data if image.channels == 3 else bytes(p for p in image.data for _ in range(3))
    steps = places.translate(bytes(levels))
    data = bytes(
        (red * _BASE + green) * _BASE + blue
        for red, green, blue in zip(steps[::3], steps[1::3], steps[2::3], strict=True)
    )
    return indexed_sixels(Indexed(image.width, image.height, _CUBE, data))


_CUBE = tuple(
    (red * 51, green * 51, blue * 51)
    for red in range(_BASE)
    for green in range(_BASE)
    for blue in range(_BASE)
)


def indexed_sixels(image: Indexed) -> str:
    """Return the same of a picture that has a palette already."""
    size = f'"1;1;{image.width};{image.height}'
    palette = "".join(
        f"#{number};2;{';'.join(str(round(100 * part / 255)) for part in image.palette[number])}"
        for number in sorted(set(image.data))
    )
    rows = [image.data[at : at + image.width] for at in range(0, len(image.data), image.width)]
    bands = (b"$".join(_layers(rows[y : y + _ROWS])) for y in range(0, len(rows), _ROWS))
    return f"{size}{palette}{b'-'.join(bands).decode('ascii')}"


def _layers(rows: list[bytes]) -> Iterator[bytes]:
    """Yield up to six rows, once for each colour in them: a bit of each byte is a row."""
    width = len(rows[0])
    for number in sorted(set(b"".join(rows))):
        bits = 0
        for place, row in enumerate(rows):
            if number in row:
                bits |= int.from_bytes(row.translate(_bit_table(number, place)), "big")
        characters = bits.to_bytes(width, "big").translate(_AS_SIXELS)
        yield b"#%d" % number + _RUN.sub(_counted, characters)


@cache
def _bit_table(number: int, place: int) -> bytes:
    """Return what makes a bit of each byte that is a number, and nothing of others."""
    return bytes(number) + bytes((1 << place,)) + bytes(255 - number)


def _counted(run: re.Match[bytes]) -> bytes:
    return b"!%d%s" % (len(run[0]), run[1])
