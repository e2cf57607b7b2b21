"""Points in axes, with the line on which both coordinates are the same.

Knows numbers and cells; of many points each cell shows where eight are, or in ASCII how many.
"""

from collections import Counter

import numpy as np

from tuitrain.view.chart.canvas import draw_axes
from tuitrain.view.chart.chart import Drawing
from tuitrain.view.chart.figure import Chart, Line, Size, TerminalStyle
from tuitrain.view.chart.layout import plan_layout, usable_range
from tuitrain.view.chart.raster import Area, Cell, braille, braille_cells

_DENSITY = ".:*#"
"""Of 1, 2 to 3, 4 to 7 and more points in a cell."""
_UP = 4
_FEW = 400
"""Points up to which each is a mark that is seen at once; more would hide each other."""


def draw_scatter(x: np.ndarray, y: np.ndarray, size: Size, look: TerminalStyle) -> Drawing:
    """Return points as `size.height` lines of `size.width` cells, over axes of one range.

    Args:
        x: along the horizontal axis [n]; points that are not finite are left out.
        y: along the vertical axis [n].
        size: the cells to fill.
        look: what the terminal can show.
    """
    if size.width < 1 or size.height < 1:
        return Drawing(())
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    ends = _range(np.concatenate([x, y]))
    chart = Chart("", (Line("", (), (), (), (), 0),), ends, y_range=ends, axis="epoch")
    layout = plan_layout(chart, chart.lines, size)
    area, left = layout.area, layout.axes.left
    grid = draw_axes(layout.axes, area.columns, area.rows, ascii_only=look.ascii)
    for (column, row), character in _same(area, look).items():
        grid.put(area.rows - 1 - row, left + column, character, "axis")
    for (column, row), character in _points(x, y, area, look).items():
        grid.put(area.rows - 1 - row, left + column, character, "line0")
    return Drawing(grid.lines(), left, area)


def _range(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    return usable_range(float(values.min()), float(values.max()))


def _same(area: Area, look: TerminalStyle) -> dict[Cell, str]:
    """Return the cells of the diagonal."""
    low, high = area.x_range
    steps = max(2, area.columns * 2)
    places = [low + (high - low) * step / (steps - 1) for step in range(steps)]
    cells = zip(area.columns_of(places), map(area.row_of, places), strict=True)
    return {(c, r): "." if look.ascii else "·" for c, r in cells if c is not None}


def _points(x: np.ndarray, y: np.ndarray, area: Area, look: TerminalStyle) -> dict[Cell, str]:
    across = area.scale_across(1 if look.ascii else 2).places(x.tolist())
    up = area.scale_up().places(y.tolist())
    dots = [(c, r) for c, r in zip(across, up, strict=True) if c is not None and r is not None]
    if look.ascii:
        numbers = Counter((column, row // _UP) for column, row in dots)
        most = len(_DENSITY)
        return {cell: _DENSITY[min(n.bit_length(), most) - 1] for cell, n in numbers.items()}
    if len(dots) <= _FEW:
        return {(column // 2, row // _UP): "•" for column, row in dots}
    masks = [0] * (area.columns * 2)
    for column, row in dots:
        masks[column] |= 1 << row
    return {cell: braille(bits) for cell, bits in braille_cells(masks)}
