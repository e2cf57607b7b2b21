"""What a model made of validation samples, as text that goes to a terminal as it is.

Pure functions of the parts of samples and of the images that some of them are.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from tuitrain.view.chart.ticks import short_number
from tuitrain.view.format import sanitise, sanitise_lines
from tuitrain.view.images.pixels import Image
from tuitrain.view.images.sheet import Canvas, Captioned, per_row, picture_lines

Part = Mapping[str, Any] | Image
"""As `tuitrain.runs.samples` has it, or the image that it is."""
Shown = Mapping[str, Part]
"""A sample's parts by name."""

_MOST_NUMBERS = 8


def shown_samples(samples: Sequence[Shown], canvas: Canvas) -> list[str]:
    """Return samples one after the other; those that are an image and a few words, side by side."""
    lines: list[str] = []
    numbered = list(enumerate(samples))
    for images, group in groupby(numbered, lambda each: _images(each[1])):
        if lines:
            lines.append("")
        part = list(group)
        lines += _pictures(part, images, canvas) if images else _written(part)
    return lines


def _images(sample: Shown) -> int:
    return sum(isinstance(part, Image) for part in sample.values())


def _pictures(samples: Sequence[tuple[int, Shown]], images: int, canvas: Canvas) -> list[str]:
    """Return the pictures of samples that have as many each; none is parted from its others."""
    captioned = [picture for number, sample in samples for picture in _captioned(number, sample)]
    at_once = images * max(1, per_row(canvas.width) // images)
    lines: list[str] = []
    for first in range(0, len(captioned), at_once):
        lines += [*([""] if lines else []),
                  *picture_lines(captioned[first : first + at_once], canvas)]  # fmt: skip
    return lines


def _captioned(number: int, sample: Shown) -> list[Captioned]:
    """Return a sample's images; a single one has beneath it what else the sample is."""
    images = {name: part for name, part in sample.items() if isinstance(part, Image)}
    others = [_words(part) for part in sample.values() if not isinstance(part, Image)]
    if len(images) == 1:
        (image,) = images.values()
        return [Captioned(image, f"#{number} {', '.join(others)}".rstrip())]
    return [Captioned(image, f"#{number} {name}") for name, image in images.items()]


def _written(samples: Sequence[tuple[int, Shown]]) -> list[str]:
    lines: list[str] = []
    for number, sample in samples:
        for name, part in sample.items():
            lines += [*([""] if lines else []), f"#{number} {sanitise(name)}"]
            lines += [f"  {line}" for line in _words(part).split("\n")]
    return lines


def _words(part: Part) -> str:
    """Return a text, safe for a terminal, or the first of some numbers."""
    if isinstance(part, Image):
        return f"{part.width}x{part.height}"
    if part["kind"] == "text":
        return sanitise_lines(str(part["text"]))
    values = part["values"]
    words = " ".join(short_number(float(value)) for value in values[:_MOST_NUMBERS])
    shape = "x".join(map(str, part["shape"]))
    return words if len(values) <= _MOST_NUMBERS else f"{words} ... ({shape})"
