"""A picture as cells of text: two pixels a cell in colour, or one shade of grey.

Pure functions; a screen colours the cells in its own way, `tuitrain.view.osc` by escape sequences.
"""

from typing import NamedTuple

from tuitrain.view.images.pixels import Colour, Image, resized

HALF_BLOCK = "▀"
"""Its upper half is in the colour of the text, its lower in that behind it."""
_SHADES = " .:-=+*#%@"
"""From black to white, on a dark terminal."""


class Cell(NamedTuple):
    """One character with its colours; None is the terminal's own."""

    character: str
    front: Colour | None = None
    back: Colour | None = None


CellRow = tuple[Cell, ...]


def half_blocks(image: Image) -> list[CellRow]:
    """Return a picture with two pixels a cell, one above the other; a last odd row stands alone."""
    return [
        tuple(
            Cell(HALF_BLOCK, image.at(x, y), image.at(x, y + 1) if y + 1 < image.height else None)
            for x in range(image.width)
        )
        for y in range(0, image.height, 2)
    ]


def shades(image: Image) -> list[CellRow]:
    """Return a picture in ASCII, two pixels a cell: the brighter, the more of the cell is full."""
    small = resized(image, image.width, max(1, image.height // 2))
    return [
        tuple(Cell(_shade(small.at(x, y))) for x in range(small.width)) for y in range(small.height)
    ]


def _shade(colour: Colour) -> str:
    return _SHADES[round(brightness(colour) / 255 * (len(_SHADES) - 1))]


def brightness(colour: Colour) -> float:
    """Return how bright a colour is, 0 to 255 (the weights of ITU-R BT.601)."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue
