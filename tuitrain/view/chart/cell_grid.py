"""A rectangle of cells that parts of a chart are written to, row 0 at the top.

Knows cells and styles; nothing of what they mean.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Protocol

from tuitrain.view.format import display_width, sanitise
from tuitrain.view.spans import Span, SpanLine

Cell = tuple[int, int]
Picture = Mapping[Cell, tuple[str, str]]
"""Character and style of cells of (column, row), row 0 at the bottom."""


class Under(Protocol):
    """What stands below the text of a canvas, in place of what is drawn in cells."""

    def cell(self, column: int, row: int, begins: bool) -> tuple[str, str]:
        """Return a character and its style.

        Args:
            column: of the canvas.
            row: from the top.
            begins: the cell before shows something else.
        """

    def row(self, row: int, columns: int) -> SpanLine:
        """Return a whole row of so many cells."""


class CellGrid:
    """A character in each cell, with the name of its style; behind a wide one is an empty cell."""

    def __init__(self, characters: list[list[str]], styles: list[list[str]]) -> None:
        """Take over two lists of rows of the same shape."""
        self._characters = characters
        self._styles = styles
        self.coverable: frozenset[str] = frozenset()
        """Styles of what may be written over: such cells count as blank."""
        self.height = len(characters)
        self.width = len(characters[0]) if characters else 0
        self._written: set[int] = set()
        """Rows that something was put on."""
        self._ready: dict[int, tuple[int, SpanLine]] = {}
        """From which column on a row is what it shows, by row."""

    def put(self, row: int, column: int, text: str, style: str) -> None:
        """Write over whatever is there."""
        self._written.add(row)
        place = column
        for character in text:
            cells = display_width(character)
            for part in range(cells):
                self._put(row, place + part, "" if part else character, style)
            place += cells

    def _put(self, row: int, column: int, character: str, style: str) -> None:
        """Fill one cell; of a wide character that loses a half nothing is left."""
        characters = self._characters[row]
        if characters[column] == "" and character:
            characters[column - 1] = " "
        if column + 1 < self.width and characters[column + 1] == "" and character:
            characters[column + 1] = " "
        characters[column], self._styles[row][column] = character, style

    def put_picture(self, picture: Picture, bottom: int, left: int) -> None:
        """Write cells of (column, row), row 0 being the grid's row `bottom`, column 0 its `left`.

        Args:
            picture: a character and a style for each.
            bottom: the row of the lowest cells.
            left: the column of the leftmost ones.
        """
        characters, styles = self._characters, self._styles
        for (column, row), (character, style) in picture.items():
            characters[bottom - row][left + column] = character
            styles[bottom - row][left + column] = style

    def lay_under(self, picture: Picture, bottom: int, left: int, area: Cell, under: Under) -> None:
        """Put something else where only a picture, or nothing, is seen; what stands on it stays.

        Args:
            picture: what `put_picture` wrote.
            bottom: as there.
            left: as there.
            area: columns and rows of the picture.
            under: returns what to put.
        """
        columns, rows = area
        for row in range(rows):
            place = bottom - rows + 1 + row
            if place not in self._written:
                self._ready[place] = (left, under.row(row, columns))
                continue
            characters, styles = self._characters[place], self._styles[place]
            begins = True
            for column in range(columns):
                shown = (characters[left + column], styles[left + column])
                if shown[0] != " " and picture.get((column, rows - 1 - row)) != shown:
                    begins = True
                    continue
                characters[left + column], styles[left + column] = under.cell(column, row, begins)
                begins = False

    def put_if_blank(self, row: int, column: int, text: str, style: str) -> bool:
        """Write where nothing would be covered or touched; return whether it was written."""
        end = column + display_width(text)
        if row < 0 or row >= self.height or column < 0 or end > self.width:
            return False
        if not all(
            self.is_blank(row, c) for c in range(max(0, column - 1), min(end + 1, self.width))
        ):
            return False
        self.put(row, column, text, style)
        return True

    def is_blank(self, row: int, column: int) -> bool:
        """Return whether a cell shows nothing, or only what may be covered."""
        blank = self._characters[row][column] == " "
        return blank or self._styles[row][column] in self.coverable

    def lines(self) -> tuple[SpanLine, ...]:
        """Return the rows as spans; blanks have no style."""
        return tuple(map(self._line, range(self.height)))

    def _line(self, row: int) -> SpanLine:
        characters, styles = self._characters[row], self._styles[row]
        if row not in self._ready:
            return _spans(characters, styles)
        end, rest = self._ready[row]
        return (*_spans(characters[:end], styles[:end]), *rest)


def whole_cells(text: str, ascii_only: bool) -> str:
    """Return foreign text of whole cells: what takes none becomes ?, and what is not ASCII may."""
    limit = 0x7F if ascii_only else 0x110000
    return "".join(
        character
        if display_width(character) and ord(character) < limit
        else "?" * max(1, display_width(character))
        for character in sanitise(text)
    )


def _spans(characters: list[str], styles: list[str]) -> SpanLine:
    spans: list[Span] = []
    start = 0
    for style, group in groupby(map(_seen_style, characters, styles)):
        end = start + len(list(group))
        spans.append(Span("".join(characters[start:end]), style))
        start = end
    return tuple(spans)


def _seen_style(character: str, style: str) -> str:
    return "" if character == " " else style
