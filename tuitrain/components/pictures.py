"""Images as PNG files, without a library: grey or RGB, 8 bits, no interlacing."""

import colorsys
import struct
import zlib

import torch
from torch import Tensor

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GOLDEN = 0.381966
"""The golden angle as a share of the circle, (3 - sqrt(5)) / 2."""
_GREY, _RGB = 0, 2
"""Colour types of the PNG specification (ISO/IEC 15948)."""


def is_image(tensor: Tensor) -> bool:
    """Return whether a tensor is [height, width], or [channels, height, width] of 1 or 3."""
    if tensor.ndim == 2:
        return min(tensor.shape) > 1
    return tensor.ndim == 3 and tensor.shape[0] in (1, 3) and min(tensor.shape[1:]) > 1


def as_pixels(image: Tensor) -> tuple[Tensor, tuple[float, float]]:
    """Return an image as uint8 [height, width, channels], and the values that 0 and 255 stand for.

    Bytes stay what they are, and numbers from 0 to 1 are spread over them; all others are spread
    from their least to their largest.
    """
    stacked = image[None] if image.ndim == 2 else image
    pixels = stacked.detach().cpu().movedim(0, -1)
    if pixels.dtype == torch.uint8:
        return pixels.contiguous(), (0.0, 255.0)
    numbers = torch.nan_to_num(pixels.double())
    low, high = float(numbers.min()), float(numbers.max())
    if pixels.is_floating_point() and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    spread = (numbers - low) * (255 / (high - low or 1.0))
    return spread.round().to(torch.uint8).contiguous(), (low, high)


def class_colours(classes: Tensor) -> Tensor:
    """Return class numbers [height, width] as an image uint8 [3, height, width].

    A class has the same colour everywhere: 0 is dark grey, the next ones go round the circle of
    hues by the golden angle, so that neighbours differ, and what is below 0 is black.
    """
    numbers = classes.detach().cpu().long()
    highest = max(0, int(numbers.max()))
    hues = [colorsys.hsv_to_rgb(place * _GOLDEN % 1, 0.75, 0.95) for place in range(highest)]
    table = [(0.0, 0.0, 0.0), (0.25, 0.25, 0.25), *hues]
    colours = (torch.tensor(table) * 255).round().to(torch.uint8)
    return colours[(numbers + 1).clamp(min=0)].movedim(-1, 0)


def to_png(pixels: Tensor) -> bytes:
    """Return the file of an image.

    Args:
        pixels: uint8 [height, width, channels] of 1 or 3 channels.
    """
    height, width, channels = pixels.shape
    kind = _RGB if channels == 3 else _GREY
    # Each row begins with the number of its filter; 0 is none.
    rows = b"".join(b"\0" + row.numpy().tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)
