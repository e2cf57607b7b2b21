"""The pictures that are on the terminal, tile by tile, and what changes them.

A picture of kitty's hangs behind cells of its own, which Textual moves and covers like others. One
of sixels lies on the screen: it is drawn again wherever Textual has written, and text goes on top.
Knows tiles, cells and bytes; nothing of what a chart shows.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from textual.geometry import Offset, Region

from tuitrain.ui.pictures.asking import Kind
from tuitrain.view.chart.cell_grid import Under
from tuitrain.view.chart.pixels import TILE_CELLS, CellPixels, Paint, Tile, draw_tile
from tuitrain.view.images.indexed import indexed_png
from tuitrain.view.images.sixel import indexed_sixels
from tuitrain.view.osc import (
    MOST_ROWS,
    PLACEHOLDER,
    at_cell,
    kitty_tile,
    kitty_without,
    placeholder,
    sixel_image,
)
from tuitrain.view.spans import Span, SpanLine

RATE = 3000
"""Bytes a second that pictures of live curves take on average; the interface may take 8000."""
TOUCHED_S = 0.5
"""What changes this soon after a key or the mouse is not live: it goes out at once."""
_LATEST_S = 10.0
"""A live curve is behind by no more, however large its picture is."""
_MOST_TILES = 128
"""Of a row of charts: a place in it is part of a picture's number."""


@dataclass
class _Hung:
    """A picture: what it is to show, and what the terminal was sent of it."""

    first_number: int
    size: tuple[int, int] = (0, 0)
    plan: Callable[[], Sequence[Tile]] | None = None
    """Makes the tiles of what is newer than those; asked only when they may be sent."""
    tiles: Sequence[Tile] = ()
    sent: dict[int, Tile] = field(default_factory=dict)
    """By place."""
    origin: Callable[[], Offset | None] = lambda: None
    on_top: Callable[[], str] = str


class _Blanks:
    """Cells that a picture of sixels lies over."""

    def cell(self, column: int, row: int, begins: bool) -> tuple[str, str]:
        """Return an empty cell."""
        del column, row, begins
        return " ", ""

    def row(self, row: int, columns: int) -> SpanLine:
        """Return empty cells."""
        del row
        return (Span(" " * columns),)


@dataclass(frozen=True)
class _Placeholders:
    """Cells that show a part of a picture of kitty's each, by the colour of their text."""

    first_number: int

    def cell(self, column: int, row: int, begins: bool) -> tuple[str, str]:
        """Return the cell that shows this place; after its neighbour it need not say where."""
        number, place = divmod(column, TILE_CELLS)
        shown = placeholder(row, place) if begins or not place else PLACEHOLDER
        return shown, f"#{self.first_number + number:06x}"

    def row(self, row: int, columns: int) -> SpanLine:
        """Return cells of which none shows anything else."""
        return _placeholder_row(self.first_number, row, columns)


@lru_cache(maxsize=1024)
def _placeholder_row(first_number: int, row: int, columns: int) -> SpanLine:
    begin = placeholder(row, 0)
    return tuple(
        Span(begin + PLACEHOLDER * (min(TILE_CELLS, columns - first) - 1),
             f"#{first_number + first // TILE_CELLS:06x}")
        for first in range(0, columns, TILE_CELLS)
    )  # fmt: skip


class PictureBoard:
    """Draws tiles that changed, and sends them."""

    def __init__(
        self,
        kind: Kind,
        cell: CellPixels,
        paint: Paint,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing on the terminal.

        Args:
            kind: how the terminal shows pictures.
            cell: its size in pixels.
            paint: colours.
            environ: of the terminal.
            clock: for what may be sent when.
        """
        self.kind = kind
        self.cell = cell
        self.paint = paint
        self._environ = environ
        self._clock = clock
        # Other programs in the same terminal have numbers of their own: these are rarely theirs.
        self._next = (os.getpid() % 0x3FFF << 10 | 1) & 0xFFFFFF
        self._hung: dict[object, _Hung] = {}
        self._numbers: set[int] = set()
        self._due = self._touched = -TOUCHED_S

    # --- what hangs -----------------------------------------------------------------------------

    def fits(self, columns: int, rows: int) -> bool:
        """Return whether a canvas of so many cells can be a picture."""
        return rows <= MOST_ROWS and columns <= _MOST_TILES * TILE_CELLS

    def under(self, owner: object) -> Under:
        """Return what stands in the cells of a picture."""
        return _Blanks() if self.kind == "sixel" else _Placeholders(self._of(owner).first_number)

    def hang(
        self,
        owner: object,
        size: tuple[int, int],
        plan: Callable[[], Sequence[Tile]],
        origin: Callable[[], Offset | None],
        on_top: Callable[[], str],
    ) -> None:
        """Have a picture shown.

        Args:
            owner: whose picture it is; its last one goes.
            size: columns and rows of its cells.
            plan: returns what is on it.
            origin: returns the cell of its upper left corner; None while it is not in sight.
            on_top: returns what writes the text that stands on it.
        """
        hung = self._of(owner)
        if size != hung.size:
            hung.sent.clear()
        hung.size, hung.plan, hung.origin, hung.on_top = size, plan, origin, on_top

    def take_down(self, owner: object) -> None:
        """Show a picture no more; its cells are another's."""
        hung = self._hung.get(owner)
        if hung is not None:
            hung.plan, hung.tiles, hung.size = None, (), (0, 0)
            hung.sent.clear()

    def _of(self, owner: object) -> _Hung:
        if owner not in self._hung:
            self._hung[owner] = _Hung(self._next)
            self._next = (self._next + _MOST_TILES) & 0xFFFFFF or 1
        return self._hung[owner]

    # --- what is sent ---------------------------------------------------------------------------

    def touch(self) -> None:
        """Note that a key was pressed: what follows is shown at once."""
        self._touched = self._clock()

    @property
    def waits_s(self) -> float:
        """How long nothing may be sent yet."""
        now = self._clock()
        return 0.0 if now - self._touched < TOUCHED_S else max(0.0, self._due - now)

    @property
    def is_behind(self) -> bool:
        """Whether a picture that is in sight shows what is not so any more."""
        return any(
            hung.origin() is not None and (hung.plan is not None or _changed(hung))
            for hung in self._hung.values()
        )

    def painted(self, regions: Sequence[Region], *, whole: bool) -> str:
        """Return what to write after Textual has written to these parts of the screen.

        Args:
            regions: of the screen.
            whole: it was laid out anew, which is often done several times in a row: what has to be
                drawn again is left to `changes`.
        """
        if self.kind == "sixel":
            for hung in self._hung.values():
                corner = hung.origin()
                for place, tile in enumerate(hung.tiles):
                    area = _area(tile, corner) if corner is not None else None
                    if area is None or any(area.overlaps(region) for region in regions):
                        hung.sent.pop(place, None)
        return "" if whole else self.changes()

    def changes(self) -> str:
        """Return what to write for pictures to be up to date; live ones may have to wait."""
        parts: list[str] = []
        live, waits = 0, self.waits_s > 0
        for hung in self._hung.values():
            corner = hung.origin()
            if corner is None or (waits and hung.tiles and len(hung.sent) == len(hung.tiles)):
                continue
            if hung.plan is not None:
                hung.tiles, hung.plan = hung.plan(), None
            places = [each for each in _changed(hung) if not waits or each not in hung.sent]
            if not places:
                continue
            for place in places:
                is_new = place not in hung.sent
                parts.append(self._sent(hung, place, corner))
                live += 0 if is_new else len(parts[-1])
            if self.kind == "sixel":
                parts.append(hung.on_top())
        now = self._clock()
        if live and now - self._touched >= TOUCHED_S:
            self._due = now + min(live / RATE, _LATEST_S)
        return "".join(parts)

    def _sent(self, hung: _Hung, place: int, corner: Offset) -> str:
        tile = hung.tiles[place]
        hung.sent[place] = tile
        picture = draw_tile(tile)
        if self.kind == "kitty":
            number = hung.first_number + place
            self._numbers.add(number)
            png = indexed_png(picture)
            return kitty_tile(png, number, tile.columns, tile.rows, self._environ)
        area = _area(tile, corner)
        return at_cell(area.x, area.y) + sixel_image(indexed_sixels(picture))

    def clear(self) -> str:
        """Return what lets the terminal forget all pictures."""
        self._hung.clear()
        numbers, self._numbers = self._numbers, set()
        return kitty_without(sorted(numbers), self._environ)


def _changed(hung: _Hung) -> list[int]:
    return [place for place, tile in enumerate(hung.tiles) if hung.sent.get(place) != tile]


def _area(tile: Tile, corner: Offset) -> Region:
    return Region(corner.x + tile.first, corner.y, tile.columns, tile.rows)
