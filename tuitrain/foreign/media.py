"""Images and histograms of any log, as a record keeps them.

Knows no log.
"""

import io
from collections.abc import Iterator

from tuitrain.runs.samples import Buckets, Kept, histogram_text, plain_png

MOST_TEXT = 20_000
"""Characters of a text that are kept."""
_MOST_PIXELS = 1 << 24


def kept_image(data: bytes, step: int, tag: str) -> Iterator[Kept]:
    """Yield an image as the record keeps them; nothing of one in a format that is not known."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return
            shown = opened.convert("L" if opened.mode in ("1", "L", "I;16", "I") else "RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return
    channels = len(shown.getbands())
    png = plain_png(shown.width, shown.height, channels, shown.tobytes())
    part = {"kind": "image", "width": shown.width, "height": shown.height, "range": [0, 255]}
    yield Kept(step, tag, part, png)


def kept_histogram(buckets: Buckets, step: int, tag: str) -> Iterator[Kept]:
    """Yield a histogram as text; nothing of one without values."""
    if buckets:
        yield Kept(step, tag, {"kind": "text", "text": histogram_text(buckets)})
