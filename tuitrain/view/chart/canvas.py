"""The only module that calls plotext: axes, ticks and their labels around an empty canvas.

Knows cells and labels; nothing of lines, values or marks.

The curves are drawn by `raster`: plotext's own lines are too slow for a live screen, and a later
line wipes out an earlier one in every cell that both cross. Measured with plotext 5.3.2 and Python
3.11 on a busy two-core machine, a chart of 120x30 cells with a minimum and a maximum a column, in
milliseconds of processor time:

    lines                                      1     3     8
    plotext's lines and axes                10.6  21.1  40.8
    `draw_chart`, axes drawn anew            5.4   7.7  12.1
    `draw_chart`, axes as they were before   1.6   3.4   7.8

`tests/benchmarks/bench_charts.py` prints them again.
"""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from tuitrain.view.chart.cell_grid import CellGrid

AXIS, LABEL = "axis", "label"

_PLAIN = str.maketrans("│┤├─┬┴└┘┼", "|+|-+++++")
_FIGURE = Lock()
"""plotext has one figure for the whole process."""
_REMEMBERED = 64
"""Charts on one screen, and their last states: most of the time only the curves move."""


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands around the canvas; a tick is a cell, from 0 at the origin, and its label."""

    y_line: bool
    y_ticks: tuple[tuple[int, str], ...]
    x_line: bool
    x_ticks: tuple[tuple[int, str], ...]

    @property
    def label_width(self) -> int:
        """How many cells the labels at the left take."""
        return max((len(label) for _, label in self.y_ticks), default=0)

    @property
    def left(self) -> int:
        """Cells to the left of the canvas."""
        return self.label_width + int(self.y_line)

    @property
    def below(self) -> int:
        """Rows below the canvas."""
        return int(self.x_line) + int(bool(self.x_ticks))


def draw_axes(axes: Axes, columns: int, rows: int, *, ascii_only: bool) -> CellGrid:
    """Return an empty canvas with its axes, `columns + axes.left` by `rows + axes.below` cells.

    Args:
        axes: what stands around the canvas.
        columns: of the canvas.
        rows: of the canvas.
        ascii_only: draw the axes in plain ASCII.
    """
    text = axes_text(axes, columns, rows)
    if ascii_only:
        text = text.translate(_PLAIN)
    characters = [list(line) for line in text.split("\n")]
    labels, width = axes.label_width, columns + axes.left
    styles = [[LABEL] * labels + [AXIS] * (width - labels) for _ in characters]
    if axes.x_ticks:
        styles[-1] = [LABEL] * width
    return CellGrid(characters, styles)


def read_ahead() -> None:
    """Import plotext before it is needed; for a thread that has nothing else to do."""
    import plotext

    del plotext


@lru_cache(maxsize=_REMEMBERED)
def axes_text(axes: Axes, columns: int, rows: int) -> str:
    """Return plotext's picture of the axes, a line a row."""
    import plotext

    with _FIGURE:
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.limit_size(False, False)
        plotext.plot_size(columns + axes.left, rows + axes.below)
        plotext.xaxes(axes.x_line, False)
        plotext.yaxes(axes.y_line, False)
        plotext.xlim(0, max(1, columns - 1))
        plotext.ylim(0, max(1, rows - 1))
        plotext.xticks([cell for cell, _ in axes.x_ticks], [label for _, label in axes.x_ticks])
        plotext.yticks([cell for cell, _ in axes.y_ticks], [label for _, label in axes.y_ticks])
        # An axis appears only where there are data.
        plotext.scatter([0], [0], marker=" ")
        return str(plotext.uncolorize(plotext.build())).removesuffix("\n")
