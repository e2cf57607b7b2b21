"""Images, texts and histograms that a script logs: each is copied as it is made, and bounded.

Takes what NumPy, torch or Pillow made without importing them: who has such an object has them.
"""

from __future__ import annotations

import base64
import math
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MOST_SIDE = 1024
"""Pixels of an image's longer side; of a larger one every second, third, ... pixel is kept."""
_MOST_TEXT = 20_000
_BINS = 64
_MOST_IN_ONE = 64
"""Of images that are logged as one list."""


class Media:
    """What is no number.

    Attributes:
        size_bytes: about what it holds in memory.
        problem: why there is nothing to show; empty where there is.
        caption: goes behind the name.
    """

    caption = ""
    size_bytes = 0
    problem = ""

    def message(self) -> Mapping[str, Any]:
        """Return it as JSON data; called in the thread that sends."""
        raise NotImplementedError


class Image(Media):
    """An image, copied at the call.

    What can't be shown as one is said once, and is left out: training goes on.
    """

    def __init__(self, data: Any, caption: str = "", *, layout: str = "") -> None:
        """Take a copy.

        Args:
            data: an image of Pillow, or an array or tensor [height, width], [height, width,
                channels] or [channels, height, width] of 1, 3 or 4 channels: integers of 0 to 255,
                or floats of 0 to 1; what is beyond is cut off. One on a GPU is waited for.
            caption: goes behind the name.
            layout: HW, HWC or CHW; else the first or the last axis is that of 1, 3 or 4.
        """
        self.caption = caption
        self.width = self.height = self.channels = 0
        self._pixels = b""
        try:
            if hasattr(data, "convert") and hasattr(data, "getbands"):
                self._take_pillow(data)
            else:
                self._take_array(_array(data), layout.upper())
        except Exception as error:  # an object of anybody's
            self.problem = f"an image was left out: {error}"
        self.size_bytes = len(self._pixels)

    def _take_pillow(self, image: Any) -> None:
        factor = -(-max(image.size) // MOST_SIDE)
        image = image.convert("L" if image.mode in ("1", "L", "I", "I;16", "F") else "RGB")
        if factor > 1:
            image = image.reduce(factor)
        self.width, self.height = image.size
        self.channels = len(image.getbands())
        self._pixels = image.tobytes()

    def _take_array(self, array: Any, layout: str) -> None:
        if array.ndim == 2:
            array = array[:, :, None]
        elif array.ndim != 3:
            raise ValueError(f"it has the shape {tuple(array.shape)}, which is none of one image")
        elif layout == "CHW" or (layout != "HWC" and _is_first(array.shape)):
            array = array.transpose(1, 2, 0)
        if array.shape[2] not in (1, 3, 4):
            raise ValueError(f"it has {array.shape[2]} channels; an image has 1, 3 or 4")
        factor = max(1, -(-max(array.shape[:2]) // MOST_SIDE))
        array = _as_bytes(array[::factor, ::factor, : 1 if array.shape[2] == 1 else 3])
        self.height, self.width, self.channels = map(int, array.shape)
        self._pixels = array.tobytes()

    def message(self) -> Mapping[str, Any]:
        """Return it as JSON data, its pixels row by row, packed by zlib."""
        size = {"width": self.width, "height": self.height, "channels": self.channels}
        packed = base64.b64encode(zlib.compress(self._pixels, 1)).decode("ascii")
        return {"kind": "image", **size, "pixels": packed}


class Text(Media):
    """A text, as samples of a language model are; its first 20,000 characters are kept."""

    def __init__(self, text: str) -> None:
        self._text = str(text)[:_MOST_TEXT]
        self.size_bytes = len(self._text)

    def message(self) -> Mapping[str, Any]:
        """Return it as JSON data."""
        return {"kind": "text", "text": self._text}


class Histogram(Media):
    """How values are distributed: counted at the call, by buckets of one width."""

    def __init__(
        self,
        values: Any = (),
        *,
        bins: int = _BINS,
        counts: Sequence[float] | None = None,
        edges: Sequence[float] | None = None,
    ) -> None:
        """Count.

        Args:
            values: numbers, or an array or a tensor of any shape; those that are not finite are
                left out. One on a GPU is waited for.
            bins: how many buckets.
            counts: of each bucket, where that is known already.
            edges: of the buckets then, one more than there are.
        """
        self._buckets: list[tuple[float, float, float]] = []
        try:
            if counts is not None and edges is not None:
                found, ends = [float(each) for each in counts], [float(each) for each in edges]
            else:
                found, ends = _counted(values, max(1, int(bins)))
            self._buckets = [
                (left, right, count)
                for left, right, count in zip(ends, ends[1:], found)  # noqa: B905
                if count
            ]
            if not self._buckets:
                self.problem = "a histogram was left out: it has no finite value"
        except Exception as error:  # an object of anybody's
            self.problem = f"a histogram was left out: {error}"
        self.size_bytes = 24 * len(self._buckets)

    def message(self) -> Mapping[str, Any]:
        """Return it as JSON data: left edge, right edge and count of each bucket."""
        return {"kind": "histogram", "buckets": self._buckets}


def media_of(values: Mapping[str, Any]) -> Iterator[tuple[str, Media]]:
    """Yield what is no number among values, by name."""
    for name, value in values.items():
        yield from media_in(str(name), value)


def media_in(name: str, value: Any) -> Iterator[tuple[str, Media]]:
    """Yield what is no number under a name of its own each; nothing of all else."""
    if isinstance(value, Media):
        yield (f"{name}/{value.caption}" if value.caption else name), value
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value[:_MOST_IN_ONE]):
            yield from media_in(f"{name}/{number}", each)


def images_of(batch: Any, layout: str) -> list[Image]:
    """Return the images of an array [images, ...].

    Args:
        batch: the array.
        layout: of one image.
    """
    return [Image(each, layout=layout) for each in batch[:_MOST_IN_ONE]]


def _is_first(shape: Sequence[int]) -> bool:
    """Return whether channels are the first axis, as torch has it."""
    return shape[0] in (1, 3, 4) and not (shape[2] in (1, 3, 4) and shape[1] > 4)


def _array(data: Any) -> Any:
    """Return numbers as an array of NumPy.

    Raises:
        TypeError: they are none, or there is no NumPy.
    """
    if hasattr(data, "detach"):
        data = data.detach().cpu()
        # NumPy has no bfloat16.
        data = (data.float() if data.is_floating_point() else data).numpy()
    numpy = sys.modules.get("numpy")
    if numpy is None:
        raise TypeError(f"{type(data).__name__} is no image, and no array")
    array = numpy.asarray(data)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{type(data).__name__} of {array.dtype} holds no numbers")
    return array


def _as_bytes(array: Any) -> Any:
    numpy = sys.modules["numpy"]
    if array.dtype.kind == "b":
        array = array * 255
    elif array.dtype.kind == "f":
        array = numpy.nan_to_num(array.astype("float32"), nan=0.0).clip(0, 1) * 255 + 0.5
    return numpy.ascontiguousarray(array.clip(0, 255).astype("uint8"))


def _counted(values: Any, bins: int) -> tuple[list[float], list[float]]:
    """Return counts, and the edges of their buckets."""
    if hasattr(values, "detach") or hasattr(values, "__array__"):
        numpy, array = sys.modules.get("numpy"), _array(values)
        assert numpy is not None
        finite = array[numpy.isfinite(array)]
        counts, edges = numpy.histogram(finite, bins) if finite.size else ((), ())
        return [float(each) for each in counts], [float(each) for each in edges]
    return _count_plain([float(each) for each in _flat(values)], bins)


def _flat(values: Any) -> Iterator[Any]:
    for each in values:
        if isinstance(each, Iterable) and not isinstance(each, (str, bytes)):
            yield from _flat(each)
        else:
            yield each


def _count_plain(values: list[float], bins: int) -> tuple[list[float], list[float]]:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return [], []
    low, high = min(finite), max(finite)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    counts = [0.0] * bins
    for value in finite:
        counts[min(bins - 1, int((value - low) / width))] += 1
    return counts, [low + number * width for number in range(bins + 1)]
