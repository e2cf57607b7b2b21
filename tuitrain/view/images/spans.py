"""A picture as lines of spans, for a screen: two pixels a cell in colour, or shades in ASCII.

A span's style is the colours themselves, as `#rrggbb on #rrggbb`. Pure functions.
"""

from itertools import groupby

from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.images.cells import Cell, CellRow, half_blocks, shades
from tuitrain.view.images.pixels import Colour, Image, resized
from tuitrain.view.spans import Span, SpanLine


def picture_spans(image: Image, columns: int, rows: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a picture as large as fits into so many cells; none where there are none.

    Small ones grow by whole numbers, so that every pixel stays as large as the others.
    """
    if columns < 1 or rows < 1:
        return []
    share = min(columns / image.width, 2 * rows / image.height)
    grown = float(int(share)) if share >= 1 else share
    width, height = (max(1, int(side * grown)) for side in (image.width, image.height))
    picture = resized(image, width, height)
    blocks = look.colour and not look.ascii
    drawn = half_blocks(picture) if blocks else shades(picture)
    return [_spans(row) for row in drawn]


def _spans(row: CellRow) -> SpanLine:
    styled = groupby(row, key=lambda cell: (cell.front, cell.back))
    return tuple(
        Span("".join(cell.character for cell in cells), _style(Cell("", *colours)))
        for colours, cells in styled
    )


def _style(cell: Cell) -> str:
    if cell.front is None:
        return ""
    front = _named(cell.front)
    return front if cell.back is None else f"{front} on {_named(cell.back)}"


def _named(colour: Colour) -> str:
    red, green, blue = colour
    return f"#{red:02x}{green:02x}{blue:02x}"
