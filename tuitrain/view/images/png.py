"""PNG files of a run's samples as pixels: 8 bits, grey or RGB, rows without a filter.

Pure; reads what `tuitrain.components.pictures` writes, and no other PNG, and writes the same.
"""

import struct
import zlib

from tuitrain.runs.samples import plain_png
from tuitrain.view.images.pixels import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3}
"""By colour type."""
_MOST_BYTES = 1 << 28
"""Of pixels: more than any image that is worth drawing in a terminal."""


def from_png(data: bytes) -> Image:
    """Return the image in a file.

    Raises:
        ValueError: it is none of those that a run's samples are.
    """
    try:
        chunks = dict(_chunks(data))
        width, height, bits, kind, *ways = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        channels = _CHANNELS[kind]
        row = 1 + width * channels
        if bits != 8 or any(ways) or row * height > _MOST_BYTES:
            raise ValueError("neither 8 bits nor plain rows")
        unpacked = zlib.decompressobj().decompress(chunks[b"IDAT"], row * height)
        if len(unpacked) != row * height or any(unpacked[::row]):
            raise ValueError("rows are missing or filtered")
    except (KeyError, struct.error, zlib.error, ValueError) as error:
        raise ValueError(f"it is no PNG file as samples are kept in: {error}") from error
    rows = [unpacked[start + 1 : start + row] for start in range(0, len(unpacked), row)]
    return Image(width, height, channels, b"".join(rows))


def to_png(image: Image) -> bytes:
    """Return the file of an image."""
    return plain_png(image.width, image.height, image.channels, image.data)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the name and content of each part of a file."""
    if not data.startswith(_SIGNATURE):
        raise ValueError("its first bytes are another format's")
    found, place = [], len(_SIGNATURE)
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 8 + length
        (check,) = struct.unpack(">I", data[end : end + 4])
        if zlib.crc32(data[place + 4 : end]) != check:
            raise ValueError("it is damaged")
        found.append((data[place + 4 : place + 8], data[place + 8 : end]))
        place = end + 4
    return found
