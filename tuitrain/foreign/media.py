"""Images and histograms of any log, as a record keeps them.

Knows no log.
"""

import io
from collections.abc import Iterator, Sequence

from tuitrain.runs.samples import Kept, plain_png

MOST_TEXT = 20_000
"""Characters of a text that are kept."""
_MOST_PIXELS = 1 << 24
_BARS, _BAR_CELLS = 16, 40
"""Rows of a histogram, and cells of its longest bar."""

Buckets = Sequence[tuple[float, float, float]]
"""Left edge, right edge and count of each."""


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
    """Yield a histogram as rows of a bar each, neighbours joined where there are many."""
    if not buckets:
        return
    low, high = buckets[0][0], max(right for _left, right, _count in buckets)
    width = (high - low) / _BARS or 1.0
    rows = [0.0] * _BARS
    for left, right, count in buckets:
        rows[min(_BARS - 1, max(0, int(((left + right) / 2 - low) / width)))] += count
    most = max(rows)
    lines = [f"{sum(rows):g} values from {low:.4g} to {high:.4g}"]
    for number, count in enumerate(rows):
        bar = "#" * round(_BAR_CELLS * count / most)
        lines.append(f"{low + number * width:>11.4g} {bar:<{_BAR_CELLS}} {count:g}".rstrip())
    yield Kept(step, tag, {"kind": "text", "text": "\n".join(lines)})
