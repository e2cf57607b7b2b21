"""What a row of a `.wandb` file has beside numbers: images, histograms and pages.

The files themselves lie in the folder `files` beside it.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tuitrain.foreign.media import MOST_TEXT, kept_histogram, kept_image
from tuitrain.runs.samples import Kept

_TAG = re.compile(r"<[^>]*>")
_MOST_BYTES = 1 << 24
"""Of a file that is shown."""

Media = Mapping[str, Mapping[str, Any]]
"""What is not a number, by its name."""


def apart(items: Iterable[tuple[str, Any]]) -> tuple[dict[str, Any], Media]:
    """Return the items of a row that are values, and those of media, which have a `_type`."""
    row = dict(items)
    media: dict[str, dict[str, Any]] = {
        name.removesuffix("._type"): {} for name in row if name.endswith("._type")
    }
    for name in list(row) if media else ():
        owner, _, part = name.rpartition(".")
        if owner in media:
            media[owner][part] = row.pop(name)
    return row, media


def kept_media(media: Media, step: int, folder: Path) -> Iterator[Kept]:
    """Yield images, histograms and texts of a step; what can't be shown is left out.

    Args:
        media: as `apart` returns them.
        step: of the row.
        folder: of the files that they name.
    """
    for name, found in media.items():
        if found["_type"] == "image-file":
            yield from kept_image(_content(folder, found.get("path")), step, name)
        elif found["_type"] == "images/separated":
            for number, path in enumerate(found.get("filenames") or ()):
                yield from kept_image(_content(folder, path), step, f"{name} {number}")
        elif found["_type"] == "html-file":
            text = _content(folder, found.get("path")).decode("utf-8", "replace")
            if text:
                plain = html.unescape(_TAG.sub("", text)).strip()[:MOST_TEXT]
                yield Kept(step, name, {"kind": "text", "text": plain})
        elif found["_type"] == "histogram":
            edges, counts = found.get("bins") or (), found.get("values") or ()
            buckets = zip(edges, edges[1:], counts, strict=False)
            yield from kept_histogram([each for each in buckets if each[2]], step, name)


def _content(folder: Path, path: object) -> bytes:
    """Return a file of the folder; nothing of one that is not there, or elsewhere."""
    try:
        found = (folder / str(path)).resolve()
        if not found.is_relative_to(folder.resolve()) or found.stat().st_size > _MOST_BYTES:
            return b""
        return found.read_bytes()
    except OSError:
        return b""
