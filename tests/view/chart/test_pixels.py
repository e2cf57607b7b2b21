"""Curves as pixels: where they are, in which colours, and what of them is drawn again."""

import math
from dataclasses import replace

import pytest

from tests.terminal.pictures import PictureTerminal, read_png
from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.pixels import TILE_CELLS, CellPixels, Paint, draw_tile, plan_tiles
from tuitrain.view.chart.raster import Area
from tuitrain.view.images.indexed import Indexed, indexed_png
from tuitrain.view.images.sixel import indexed_sixels
from tuitrain.view.osc import sixel_image

GROUND, BLUE, ORANGE = (0, 0, 0), (0, 0, 255), (255, 160, 0)
PAINT = Paint(GROUND, (BLUE, ORANGE), (0, 255, 0))
CELL = CellPixels(10, 20)
AREA = Area(40, 10, (0.0, 100.0), (0.0, 1.0))


def line(values: list[float], slot: int = 0, reach: float = 0.0, end: float = 100.0) -> Line:
    places = tuple(end * place / (len(values) - 1) for place in range(len(values)))
    low, high = (tuple(value + side * reach for value in values) for side in (-1, 1))
    return Line("loss", places, low, high, tuple(values), slot)


def picture(*lines: Line, cursor: float | None = None) -> Indexed:
    tiles = [draw_tile(tile) for tile in plan_tiles(lines, AREA, CELL, PAINT, cursor)]
    palette = tuple(dict.fromkeys(colour for tile in tiles for colour in tile.palette))
    data = bytes(
        palette.index(tile.at(x, y))
        for y in range(tiles[0].height)
        for tile in tiles
        for x in range(tile.width)
    )
    return Indexed(sum(tile.width for tile in tiles), tiles[0].height, palette, data)


def test_a_line_runs_through_its_values_with_soft_edges() -> None:
    drawn = picture(line([0.25 + place / 40 for place in range(21)]))
    for x in range(5, 395):
        value = 0.25 + 0.5 * x / 399
        y = round((1 - value) * 199)
        assert drawn.at(x, y) == BLUE
        assert drawn.at(x, y - 6) == drawn.at(x, y + 6) == GROUND
    shades = {colour[2] for colour in drawn.palette}
    assert len(shades) > 4


def test_a_band_is_pale_below_the_line_and_a_gap_shows_nothing() -> None:
    values = [0.5] * 9 + [math.nan] + [0.5] * 10
    drawn = picture(line(values, reach=0.2))
    assert drawn.at(100, 99) == BLUE
    assert GROUND < drawn.at(100, 70) < BLUE
    assert drawn.at(100, 20) == GROUND
    assert all(drawn.at(190, y) == GROUND for y in range(200))


def test_few_points_are_dots_above_many_and_a_cursor_is_below_both() -> None:
    many, few = line([0.5] * 200), line([0.5, 0.5, 0.5], slot=1)
    drawn = picture(many, few, cursor=50.0)
    assert drawn.at(200, 99) == ORANGE
    assert drawn.at(200, 98) == ORANGE
    assert drawn.at(100, 98) != ORANGE
    assert drawn.at(200, 20)[1] > 100


def test_values_far_outside_and_lines_that_turn_back_are_drawn_within_the_canvas() -> None:
    wild = replace(line([0.5, 1e300, -1e300, math.inf, 0.5]), x=(0.0, 50.0, 20.0, 70.0, 1e300))
    assert picture(wild).width == AREA.columns * CELL.width


@pytest.mark.parametrize("reach", [0.0, 0.1])
def test_a_curve_that_grows_changes_its_last_tile_alone(reach: float) -> None:
    values = [1 / (1 + place) for place in range(200)]
    before, after = (
        plan_tiles([line(values[:count], end=(count - 1) / 2, reach=reach)], AREA, CELL, PAINT)
        for count in (150, 151)
    )
    same = [one == other for one, other in zip(before, after, strict=True)]
    last = int(AREA.columns * 0.75) // TILE_CELLS
    assert all(same[:last])
    assert not same[last]


def test_files_and_sixels_hold_the_same_pixels() -> None:
    drawn = picture(line([0.1, 0.9, 0.3], reach=0.05), line([0.9, 0.1], slot=1))
    pixels = [[drawn.at(x, y) for x in range(drawn.width)] for y in range(drawn.height)]
    assert read_png(indexed_png(drawn)) == pixels
    terminal = PictureTerminal()
    terminal.write(sixel_image(indexed_sixels(drawn)).encode())
    for y in range(0, drawn.height, 7):
        for x in range(drawn.width):
            shown = terminal.pixel(x, y)
            assert shown is not None
            # A sixel's colours are in percent.
            assert all(abs(a - b) <= 3 for a, b in zip(shown, pixels[y][x], strict=True))
