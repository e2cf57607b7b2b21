"""Which step of a curve is meant by a place on a chart whose x axis is that of a metric's values.

Several steps may have one value, so the height of the place counts too. Knows lines and cells.
"""

import math
from collections.abc import Iterable

from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.raster import Area

_DOTS_A_CELL = 4
"""Of its height."""
_HIGH = 2.0
"""A cell is about so many times as high as it is wide."""


def step_near(lines: Iterable[Line], area: Area, column: int, row: int) -> float | None:
    """Return the step of the point that is drawn nearest to a cell; None where no line has steps.

    Args:
        lines: in the units of the area's axes; those without steps of their own are left out.
        area: the canvas.
        column: of the cell, 0 at the left edge of the canvas; may lie beside it.
        row: of the cell, 0 at the top.
    """
    across, up = area.scale_across(1), area.scale_up()
    nearest, found = math.inf, None
    for line in lines:
        if line.faint or len(line.steps) != len(line.x):
            continue
        places = zip(line.steps, across.places(line.x), up.places(line.mean), strict=True)
        for step, x, dot in places:
            if x is None or dot is None:
                continue
            below = (area.rows - 1 - dot / _DOTS_A_CELL - row) * _HIGH
            distance = math.hypot(x - column, below)
            if distance < nearest:
                nearest, found = distance, step
    return found
