"""Images, texts and histograms of a script, as the record's folder keeps them.

Knows what `tuitrain.script.media` sends; nothing of pipes.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.samples import Kept, add_samples, histogram_text, plain_png

_MOST_SIDE = 4096
_CHANNELS = (1, 3)


class MediaKeeper:
    """Keeps them, and says once that they can't be kept, until they can again."""

    def __init__(self, directory: RunDirectory) -> None:
        """Keep them with a run."""
        self._directory = directory
        self._failed = False

    def keep(self, media: Sequence[Kept]) -> str:
        """Keep some, at least one; return what is to be told, if anything."""
        told = self._failed
        try:
            add_samples(self._directory, media)
        except (OSError, TuitrainError) as error:
            self._failed = True
            fault = f"images or texts of step {media[0].step} could not be kept: {error}"
            return "" if told else fault
        self._failed = False
        return ""


def kept_of(message: Mapping[str, Any]) -> Kept:
    """Return what a message has.

    Raises:
        ValueError: it is not as it should be.
    """
    try:
        kept = Kept(int(message["step"]), str(message["name"]), {})
        found = message["media"]
        if found["kind"] == "image":
            return _image(kept, found)
        if found["kind"] == "histogram":
            buckets = [(float(left), float(right), float(n)) for left, right, n in found["buckets"]]
            return replace(kept, part={"kind": "text", "text": histogram_text(buckets)})
        return replace(kept, part={"kind": "text", "text": str(found["text"])})
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"media that lack {error}") from error


def _image(kept: Kept, found: Mapping[str, Any]) -> Kept:
    width, height, channels = (int(found[name]) for name in ("width", "height", "channels"))
    if not (0 < width <= _MOST_SIDE and 0 < height <= _MOST_SIDE and channels in _CHANNELS):
        raise ValueError(f"an image of {width} by {height} by {channels}")
    size = width * height * channels
    try:
        pixels = zlib.decompressobj().decompress(base64.b64decode(found["pixels"]), size + 1)
    except zlib.error as error:
        raise ValueError(f"an image that is damaged: {error}") from error
    if len(pixels) != size:
        raise ValueError(f"an image of {len(pixels)} bytes, not {size}")
    part = {"kind": "image", "width": width, "height": height, "range": [0, 255]}
    return replace(kept, part=part, png=plain_png(width, height, channels, pixels))
