"""From an image file of any kind to pixels of one size.

Knows nothing of classes, folders or caches.
"""

import os
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tuitrain.userdata.image_format import BrokenImageError, ImageFormat

_ORIENTATION = 0x0112
"""EXIF's tag of how a camera was held."""
_SIXTEEN_BITS = {"I;16", "I;16L", "I;16B", "I;16N"}
_WIDE_AS_INTEGERS = {"PPM", "PNG"}
"""Formats whose 16-bit pixels Pillow gives as 32-bit numbers."""
_ALPHA = {"RGBA", "LA", "PA", "La", "RGBa"}


def decode(path: str, form: ImageFormat) -> np.ndarray:
    """Return an image as uint8 [channels, height, width], turned as its EXIF says.

    Of an animation or a file of several pages the first is taken; 16 bits are cut to the upper 8.

    Raises:
        BrokenImageError: the file is no image, damaged, or of numbers without a known range.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd metadata; what can't be read raises.
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                pixels = np.asarray(_made_into(image, form))
        except BrokenImageError:
            raise
        except MemoryError:
            raise
        except Exception as error:
            # Readers of dozens of formats meet any bytes here and raise anything.
            raise BrokenImageError(_reason(path, error)) from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None])


def stored_size(path: str) -> tuple[int, int] | None:
    """Return width and height of an image as its file has them; None: it has none.

    Reads the head of the file alone.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _made_into(image: Image.Image, form: ImageFormat) -> Image.Image:
    # A JPEG is decoded at a half, a quarter or an eighth where that is still large enough.
    longest = max(form.height, form.width)
    image.draft(None, (longest, longest))
    return _resized(_plain(_upright(image), form), form)


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
    except (SyntaxError, ValueError, KeyError, TypeError, OSError):
        # Damaged metadata of a picture that can be read: it lies as it is stored.
        return image
    return ImageOps.exif_transpose(image) if turned else image


def _plain(image: Image.Image, form: ImageFormat) -> Image.Image:
    """Return an image of 8 bits in RGB or grey, without transparency."""
    mode = "RGB" if form.channels == "rgb" else "L"
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format in _WIDE_AS_INTEGERS):
        wide = np.asarray(image).astype(np.int64)
        image = Image.fromarray((wide >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in {"I", "F"}:
        kind = "32-bit whole" if image.mode == "I" else "floating-point"
        raise BrokenImageError(f"holds {kind} numbers, of which black and white are not known")
    if image.mode in _ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        behind = Image.new("RGBA", image.size, (form.background,) * 3 + (255,))
        image = Image.alpha_composite(behind, image)
    return image if image.mode == mode else image.convert(mode)


def _resized(image: Image.Image, form: ImageFormat) -> Image.Image:
    size = (form.width, form.height)
    if form.resize == "pad":
        return _padded(image, form)
    box = _centre(image.size, size) if form.resize == "crop" else (0, 0, *image.size)
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)


def _centre(have: tuple[int, int], want: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the largest box of the wanted shape in the middle: left, top, right, bottom."""
    width = min(have[0], have[1] * want[0] / want[1])
    height = min(have[1], have[0] * want[1] / want[0])
    left, top = (have[0] - width) / 2, (have[1] - height) / 2
    return left, top, left + width, top + height


def _padded(image: Image.Image, form: ImageFormat) -> Image.Image:
    scale = min(form.width / image.width, form.height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    fill = form.background if small.mode == "L" else (form.background,) * 3
    whole = Image.new(small.mode, (form.width, form.height), fill)
    whole.paste(small, ((form.width - size[0]) // 2, (form.height - size[1]) // 2))
    return whole


def _reason(path: str, error: Exception) -> str:
    try:
        empty = os.stat(path).st_size == 0  # noqa: PTH116 - a name of any bytes
    except OSError as missing:
        return f"can't be opened: {(missing.strerror or str(missing)).lower()}"
    if empty:
        return "is empty"
    if isinstance(error, UnidentifiedImageError):
        return "is no image that can be read"
    if isinstance(error, PermissionError):
        return "can't be opened: permission denied"
    if isinstance(error, Image.DecompressionBombError):
        return "has too many pixels to be safe"
    words = str(error).strip().partition("\n")[0] or type(error).__name__
    return f"is damaged: {words}"
