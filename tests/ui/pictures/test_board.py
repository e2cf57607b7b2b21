"""What of pictures is sent, and when: no more than changed, and live ones not too often."""

import pytest
from textual.geometry import Offset, Region

from tests.terminal.pictures import PictureTerminal
from tuitrain.ui.pictures.asking import Kind
from tuitrain.ui.pictures.board import RATE, TOUCHED_S, PictureBoard
from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.pixels import CellPixels, Paint, Tile, plan_tiles
from tuitrain.view.chart.raster import Area

PAINT = Paint((0, 0, 0), ((0, 0, 255),), (0, 255, 0))
CELL = CellPixels(10, 20)
AREA = Area(40, 5, (0.0, 40.0), (0.0, 1.0))
CORNER = Offset(5, 2)


def tiles(points: int) -> list[Tile]:
    x = tuple(place / 2 for place in range(points))
    y = tuple(0.2 + place % 7 / 10 for place in range(points))
    return plan_tiles([Line("loss", x, y, y, y, 0)], AREA, CELL, PAINT)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["kitty", "sixel"])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def hang(board: PictureBoard, points: int, on_top: str = "") -> None:
    size = (AREA.columns, AREA.rows)
    board.hang("chart", size, lambda: tiles(points), lambda: CORNER, lambda: on_top)


def test_live_changes_wait_for_their_bytes_and_keys_do_not(kind: Kind) -> None:
    clock = Clock()
    board = PictureBoard(kind, CELL, PAINT, {}, clock)
    hang(board, 60)
    assert board.changes()
    assert board.waits_s == 0, "what is shown for the first time is not counted"
    assert board.changes() == ""
    hang(board, 61)
    sent = board.changes()
    assert 0 < board.waits_s <= len(sent) / RATE + 1e-9
    hang(board, 62)
    assert board.is_behind
    assert board.changes() == ""
    clock.now += board.waits_s
    assert board.changes()
    assert not board.is_behind
    hang(board, 63)
    board.touch()
    assert board.changes()
    clock.now += TOUCHED_S + 5
    assert board.waits_s == 0


def test_only_the_tile_that_changed_is_sent_again(kind: Kind) -> None:
    clock = Clock()
    board = PictureBoard(kind, CELL, PAINT, {}, clock)
    hang(board, 60)
    whole = board.changes()
    hang(board, 61)
    assert len(board.changes()) < len(whole) / 2


def test_sixels_are_drawn_again_where_text_was_written_and_text_goes_on_top() -> None:
    board = PictureBoard("sixel", CELL, PAINT, {}, Clock())
    hang(board, 60, on_top="<label>")
    terminal = PictureTerminal()
    terminal.write(board.changes().encode())
    left = CORNER.x * 10
    assert terminal.pixel(left + 5, CORNER.y * 20 + 50) is not None
    assert board.painted([Region(0, 0, 80, 1)], whole=False) == ""
    assert board.painted([Region(CORNER.x, 3, 2, 1)], whole=False).count("\x1bP") == 1
    assert board.painted([Region(CORNER.x, 3, 40, 1)], whole=False).endswith("<label>")
    assert board.painted([Region(0, 0, 80, 24)], whole=True) == ""
    assert board.changes().count("\x1bP") == len(tiles(60))


def test_kittys_pictures_hang_in_cells_and_go_in_the_end() -> None:
    board = PictureBoard("kitty", CELL, PAINT, {}, Clock())
    hang(board, 60)
    terminal = PictureTerminal()
    terminal.write(board.changes().encode())
    assert len(terminal.pictures) == len(tiles(60))
    under = board.under("chart")
    assert int(under.cell(17, 0, False)[1][1:], 16) in terminal.pictures
    assert board.painted([Region(0, 0, 80, 24)], whole=False) == ""
    terminal.write(board.clear().encode())
    assert not terminal.pictures


def test_a_picture_that_is_out_of_sight_is_not_sent_and_one_taken_down_is_forgotten(
    kind: Kind,
) -> None:
    board = PictureBoard(kind, CELL, PAINT, {}, Clock())
    board.hang("chart", (40, 5), lambda: tiles(60), lambda: None, str)
    assert board.changes() == ""
    assert not board.is_behind
    hang(board, 60)
    assert board.changes()
    board.take_down("chart")
    assert board.changes() == ""
    hang(board, 60)
    assert board.changes()
