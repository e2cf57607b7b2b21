"""What a run recorded of some samples at one of its evaluations, as lines to read.

Knows parts of samples and their images; nothing of files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.ticks import short_number
from tuitrain.view.format import sanitise, sanitise_lines, shorten
from tuitrain.view.images.pixels import Image
from tuitrain.view.images.spans import picture_spans
from tuitrain.view.spans import Span, SpanLine, fit_line, wrap_plain

Part = Mapping[str, Any] | Image
Shown = Mapping[str, Part]
"""A sample's parts by name."""

_TILE_COLUMNS, _TILE_ROWS = 24, 12
_GAP = 2
_MOST_NUMBERS = 16


def recorded_lines(samples: Sequence[Shown], width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return samples below each other, the pictures of each side by side."""
    lines: list[SpanLine] = []
    for number, sample in enumerate(samples):
        lines += [*([()] if lines else []), *_sample(number, sample, width, look)]
    return lines


def _sample(number: int, sample: Shown, width: int, look: TerminalStyle) -> list[SpanLine]:
    images = {name: part for name, part in sample.items() if isinstance(part, Image)}
    lines = _side_by_side(number, images, width, look) if images else []
    for name, part in sample.items():
        if not isinstance(part, Image):
            head = f"#{number} {name}"
            lines += [(Span(sanitise(head), "label"),), *_words(part, width)]
    return lines


def _side_by_side(
    number: int, images: Mapping[str, Image], width: int, look: TerminalStyle
) -> list[SpanLine]:
    columns = max(1, min(_TILE_COLUMNS, (width + _GAP) // len(images) - _GAP))
    tiles = [picture_spans(image, columns, _TILE_ROWS, look) for image in images.values()]
    rows = max(map(len, tiles))
    heads = [shorten(f"#{number} {sanitise(name)}", columns) for name in images]
    gap = Span(" " * _GAP)
    lines: list[SpanLine] = [
        tuple(span for head in heads for span in (*fit_line((Span(head, "label"),), columns), gap))
    ]
    for row in range(rows):
        cells = [tile[row] if row < len(tile) else () for tile in tiles]
        lines.append(tuple(span for cell in cells for span in (*fit_line(cell, columns), gap)))
    return lines


def _words(part: Mapping[str, Any], width: int) -> list[SpanLine]:
    if part["kind"] == "text":
        texts = sanitise_lines(str(part["text"])).split("\n")
        return [row for text in texts for row in wrap_plain(f"  {text}", width)]
    values = part["values"]
    words = " ".join(short_number(float(value)) for value in values[:_MOST_NUMBERS])
    if len(values) > _MOST_NUMBERS:
        words += f" ... ({'x'.join(map(str, part['shape']))})"
    return wrap_plain(f"  {words}", width)
