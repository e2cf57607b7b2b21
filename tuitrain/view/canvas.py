"""The only module that calls plotext: axes, ticks and a canvas of ready-made cells.

Knows cells and labels; nothing of lines, values or marks.

plotext draws the axes, places the tick labels and lays the cells out; the dots of the curves come
from `raster`, because plotext's own lines are too slow for a live screen and a later line wipes
out an earlier one in every cell that both cross. Measured with plotext 5.3.2 and Python 3.11 on
one core, a chart of 120x30 cells with a minimum and a maximum a column, in milliseconds:

    lines                         1     3     8
    plotext's braille lines     8.8  17.2  40.8
    here, all of `draw_chart`   ?.?  ?.?   ?.?

`tests/benchmarks/bench_charts.py` prints both again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from tuitrain.view.board import Board

AXIS, LABEL = "axis", "label"

_STYLES = (
    AXIS,
    *(f"line{slot}" for slot in range(8)),
    *(f"faint{slot}" for slot in range(8)),
)
_FIRST_CODE = 16
"""Below lie the sixteen colours that plotext may write in another way."""
_CODES = {style: code for code, style in enumerate(_STYLES, start=_FIRST_CODE)}
_PAINT = re.compile(r"\x1b\[(?:38;5;(\d+)|0)m")
_PLAIN = str.maketrans("│┤├─┬┴└┘┼", "|+|-+++++")
_FIGURE = Lock()
"""plotext has one figure for the whole process."""


@dataclass(frozen=True, slots=True)
class CanvasCell:
    """One character of a curve; row 0 is the lowest of the canvas."""

    column: int
    row: int
    character: str
    style: str


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands around the canvas; a tick is a cell and its label."""

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


def draw_canvas(
    axes: Axes, columns: int, rows: int, cells: Sequence[CanvasCell], *, ascii_only: bool
) -> Board:
    """Return the canvas with its axes as a board of `columns + axes.left` by `rows + axes.below`.

    Args:
        axes: what stands around the canvas.
        columns: of the canvas.
        rows: of the canvas.
        cells: at most one for each place.
        ascii_only: draw the axes in plain ASCII as well.
    """
    text = _build(axes, columns, rows, cells)
    if ascii_only:
        text = text.translate(_PLAIN)
    characters, styles = _take_apart(text)
    for row, line in enumerate(styles):
        labels = range(len(line)) if axes.x_ticks and row == rows + axes.below - 1 else ()
        for column in labels or range(axes.label_width):
            line[column] = LABEL
    return Board(characters, styles)


def _build(axes: Axes, columns: int, rows: int, cells: Sequence[CanvasCell]) -> str:
    """Return plotext's picture, a line a row, coloured by `_CODES`."""
    import plotext

    # An axis appears only where there are data: a blank stands in for an empty chart.
    shown = cells or (CanvasCell(0, 0, " ", AXIS),)
    with _FIGURE:
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.limit_size(False, False)
        plotext.plot_size(columns + axes.left, rows + axes.below)
        plotext.axes_color("default")
        plotext.ticks_color(_CODES[AXIS])
        plotext.xaxes(axes.x_line, False)
        plotext.yaxes(axes.y_line, False)
        plotext.xlim(0, max(1, columns - 1))
        plotext.ylim(0, max(1, rows - 1))
        plotext.xticks([cell for cell, _ in axes.x_ticks], [label for _, label in axes.x_ticks])
        plotext.yticks([cell for cell, _ in axes.y_ticks], [label for _, label in axes.y_ticks])
        plotext.scatter(
            [cell.column for cell in shown],
            [cell.row for cell in shown],
            marker=[cell.character for cell in shown],
            color=[_CODES[cell.style] for cell in shown],
        )
        return str(plotext.build())


def _take_apart(text: str) -> tuple[list[list[str]], list[list[str]]]:
    """Return the characters and the styles of a picture, row by row."""
    characters, styles = [], []
    for line in text.removesuffix("\n").split("\n"):
        row: list[str] = []
        row_styles: list[str] = []
        pieces = _PAINT.split(line)
        style = ""
        # Text and colour codes alternate; a code is None where the colour ends.
        for place, piece in enumerate(pieces):
            if place % 2:
                style = _STYLES[int(piece) - _FIRST_CODE] if piece else ""
            else:
                row.extend(piece)
                row_styles.extend([style] * len(piece))
        characters.append(row)
        styles.append(row_styles)
    return characters, styles
