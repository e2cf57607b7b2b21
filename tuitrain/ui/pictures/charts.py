"""The curves of a chart as a picture: where it hangs on the screen, and the text on top of it.

Knows the widget that the chart is on by its place and its style; not when what is drawn there.
"""

from typing import TYPE_CHECKING

from textual.geometry import Offset
from textual.widget import Widget

from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import draw_strip
from tuitrain.view.chart.cell_grid import Under
from tuitrain.view.chart.chart import Drawing, drawn_lines
from tuitrain.view.chart.figure import Chart
from tuitrain.view.chart.pixels import Tile, plan_tiles
from tuitrain.view.format import display_width, last_cells
from tuitrain.view.osc import at_cell
from tuitrain.view.spans import Span

if TYPE_CHECKING:
    from tuitrain.ui.pictures.board import PictureBoard


class ChartPicture:
    """The picture on one widget, where the terminal shows pictures."""

    def __init__(self, widget: Widget) -> None:
        """Hang none on `widget` yet."""
        self._widget = widget
        self._drawing = Drawing(())
        self._canvas_row = 1

    @property
    def _board(self) -> "PictureBoard | None":
        """What draws pictures; None where all curves are text."""
        sender = app_of(self._widget).pictures
        return None if sender is None else sender.board

    def under(self, *, is_covered: bool) -> Under | None:
        """Return what stands in the picture's cells; None, and no picture, where curves are text.

        Args:
            is_covered: something lies over the widget, which it can't do over a picture.
        """
        board = self._board
        if board is None:
            return None
        if is_covered or not board.fits(*self._widget.size):
            board.take_down(self)
            return None
        return board.under(self)

    def take_down(self) -> None:
        """Show it no more."""
        if (board := self._board) is not None:
            board.take_down(self)

    def hang(self, chart: Chart, drawing: Drawing, canvas_row: int) -> None:
        """Show a chart's curves in the cells that were drawn for it, from one row on."""
        self._drawing, self._canvas_row = drawing, canvas_row
        sender, area = app_of(self._widget).pictures, drawing.area
        if sender is None or area is None:
            return
        board = sender.board

        def plan() -> list[Tile]:
            return plan_tiles(drawn_lines(chart), area, board.cell, board.paint, chart.cursor)

        board.hang(self, (area.columns, area.rows), plan, self._corner, self._text_on_top)
        sender.send_soon()

    def _corner(self) -> Offset | None:
        """Return the upper left cell of the canvas on the screen; None while it is not seen."""
        shown = self._widget
        if not shown.is_attached or not shown.display or shown.screen is not shown.app.screen:
            return None
        if not shown.region.area:
            return None
        return shown.content_region.offset + Offset(self._drawing.left, self._canvas_row)

    def _text_on_top(self) -> str:
        """Return what writes the text on the canvas: a picture of sixels lies over it."""
        corner, area = self._corner(), self._drawing.area
        if corner is None or area is None:
            return ""
        written: list[str] = []
        for row, line in enumerate(self._drawing.lines[: area.rows]):
            end = -self._drawing.left
            for span in line:
                first, end = max(end, 0), end + display_width(span.text)
                text = last_cells(span.text, end - first) if end > first else ""
                if text.strip():
                    written.append(at_cell(corner.x + first, corner.y + row))
                    written.append(self._drawn_text(Span(text, span.style)))
        return "".join(written)

    def _drawn_text(self, span: Span) -> str:
        shown = self._widget
        styles, width = app_of(shown).span_styles, display_width(span.text)
        return draw_strip((span,), width, styles, shown.rich_style).render(shown.app.console)
