"""A picture whose pixels are numbers of a palette, as sixels and small PNG files have them.

Pure; knows neither terminals nor what is on a picture.
"""

import struct
import zlib
from dataclasses import dataclass

from tuitrain.view.images.pixels import Colour

MOST_COLOURS = 256


@dataclass(frozen=True, slots=True)
class Indexed:
    """Pixels row by row, a byte each: the place of its colour in the palette."""

    width: int
    height: int
    palette: tuple[Colour, ...]
    data: bytes

    def at(self, x: int, y: int) -> Colour:
        """Return the colour of a pixel."""
        return self.palette[self.data[y * self.width + x]]


def indexed_png(image: Indexed) -> bytes:
    """Return a PNG file with a palette, rows without a filter (ISO/IEC 15948, colour type 3)."""
    rows = b"".join(
        b"\0" + image.data[at : at + image.width] for at in range(0, len(image.data), image.width)
    )
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 3, 0, 0, 0)
    palette = bytes(part for colour in image.palette for part in colour)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
