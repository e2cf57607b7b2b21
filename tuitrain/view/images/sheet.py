"""Several pictures with a line of words each, side by side and below each other, as text.

Pure: the same pictures, width and graphics give the same text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuitrain.view.format import display_width, sanitise, shorten
from tuitrain.view.images.cells import CellRow, half_blocks, shades
from tuitrain.view.images.graphics import Depth, Graphics
from tuitrain.view.images.pixels import Image, resized, side_by_side
from tuitrain.view.images.sixel import sixels
from tuitrain.view.osc import coloured_cells, kitty_image, sixel_image

_GAP = 2
_LEAST_TILE, _MOST_TILE = 18, 32
"""Cells that a picture is wide: enough to see what it is, and several in a row."""
_CELL_WIDTH, _CELL_HEIGHT = 8, 16
"""Pixels of a cell that is drawn on: a terminal does not say its own without being asked."""


@dataclass(frozen=True, slots=True)
class Captioned:
    """A picture and what is said of it."""

    image: Image
    caption: str


@dataclass(frozen=True, slots=True)
class Canvas:
    """What pictures are drawn on."""

    width: int
    """In cells."""
    graphics: Graphics
    depth: Depth
    environ: Mapping[str, str]
    """TMUX, STY and TERM tell what the terminal runs in."""


def picture_lines(pictures: Sequence[Captioned], canvas: Canvas) -> list[str]:
    """Return pictures of one size in rows that fit the width, each above its words.

    Lines hold escape sequences where the graphics are not ASCII.
    """
    if not pictures:
        return []
    at_once, columns = _arranged(pictures[0].image, len(pictures), canvas.width)
    lines: list[str] = []
    for first in range(0, len(pictures), at_once):
        row = pictures[first : first + at_once]
        lines += _drawn([each.image for each in row], columns, canvas)
        captions = [shorten(sanitise(each.caption), columns) for each in row]
        padded = [each + " " * (columns - display_width(each)) for each in captions]
        lines += [(" " * _GAP).join(padded).rstrip(), ""]
    return lines[:-1]


def per_row(width: int) -> int:
    """Return how many pictures stand in a row of so many cells, where there are as many."""
    return max(1, (width + _GAP) // (_LEAST_TILE + _GAP))


def _arranged(image: Image, number: int, width: int) -> tuple[int, int]:
    """Return how many pictures stand in a row, and how many cells each is wide."""
    columns = min(number, per_row(width))
    room = max(1, min(_MOST_TILE, (width - _GAP * (columns - 1)) // columns))
    # Small ones grow by whole numbers, so that every pixel stays as large as the others.
    return columns, image.width * (room // image.width) if image.width <= room else room


def _drawn(images: list[Image], columns: int, canvas: Canvas) -> list[str]:
    first = images[0]
    rows = max(1, round(first.height * columns / first.width / 2))
    if canvas.graphics in ("kitty", "sixel"):
        size = (columns * _CELL_WIDTH, rows * _CELL_HEIGHT)
        large = [resized(image, *size) for image in images]
        picture = side_by_side(large, _GAP * _CELL_WIDTH)
        if canvas.graphics == "sixel":
            return [sixel_image(sixels(picture))]
        cells = columns * len(images) + _GAP * (len(images) - 1)
        return [kitty_image(picture, cells, rows, canvas.environ)]
    draw = half_blocks if canvas.graphics == "blocks" else shades
    tiles = [draw(resized(image, columns, 2 * rows)) for image in images]
    return [_line(tile_rows, canvas) for tile_rows in zip(*tiles, strict=True)]


def _line(rows: Sequence[CellRow], canvas: Canvas) -> str:
    depth = canvas.depth if canvas.graphics == "blocks" else 0
    return (" " * _GAP).join(coloured_cells(row, depth) for row in rows).rstrip()
