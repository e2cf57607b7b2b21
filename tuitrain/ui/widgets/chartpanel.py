"""A chart in a panel; zooms with wheel or drag, and puts the cursor where it is clicked."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from textual import events
from textual.message import Message
from textual.screen import Screen

from tuitrain.ui.pictures.charts import ChartPicture
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.panel import Panel
from tuitrain.view.chart.chart import Drawing, draw_chart, drawn_lines
from tuitrain.view.chart.figure import Chart, Size, TerminalStyle
from tuitrain.view.chart.pointing import step_near
from tuitrain.view.chart.readout import pack, readings
from tuitrain.view.spans import Span, SpanLine, line_width

_RULE_CELLS = 6
"""Of a panel's first row, what is neither its title nor its values."""
_DRAGGED_CELLS = 3
"""A mouse that moves less between press and release was clicked."""
_LEAST_ROWS = 4
"""What a chart keeps when the values at its cursor take rows of it."""


def redraw_charts(screens: Iterable[Screen[Any]]) -> None:
    """Draw all charts of screens in the colours that are chosen now."""
    for screen in screens:
        for panel in screen.query(ChartPanel):
            panel.draw_again()


class ChartPanel(Panel):
    """One group of metrics."""

    class Zoomed(Message):
        """The wheel was turned over a place on the x axis."""

        def __init__(self, panel: "ChartPanel", factor: float, x: float) -> None:
            super().__init__()
            self.panel = panel
            self.factor = factor
            self.x = x

    class Pointed(Message):
        """A place on the x axis was clicked."""

        def __init__(self, panel: "ChartPanel", x: float, step: float | None) -> None:
            """Tell so; `step` is that of the point clicked, where `x` alone can't say it."""
            super().__init__()
            self.panel = panel
            self.x = x
            self.step = step

    class Dragged(Message):
        """The mouse was dragged over a part of the x axis."""

        def __init__(self, panel: "ChartPanel", first: float, last: float) -> None:
            super().__init__()
            self.panel = panel
            self.first = first
            self.last = last

    reads = True
    """Whether the values at the cursor stand above the curves."""

    def __init__(self, title: str = "", *, id: str | None = None) -> None:
        super().__init__(title, id=id)
        self._drawing = Drawing(())
        self._picture = ChartPicture(self)
        self._shown: tuple[str, Chart, SpanLine, TerminalStyle] | None = None
        self._canvas_row = 1
        """Where the canvas begins."""
        self._pressed: int | None = None
        self._dragged = False
        self.is_covered = False
        """Below a dialog curves are of text, which it can lie over."""

    @property
    def canvas(self) -> Size:
        """The room for a chart below the title."""
        return Size(self.size.width, self.body_height)

    @property
    def x_range(self) -> tuple[float, float] | None:
        """The part of the x axis that is seen, as drawn last; None where nothing is."""
        area = self._drawing.area
        return None if area is None else area.x_range

    @property
    def columns(self) -> int:
        """Cells across that show values, as drawn last."""
        area = self._drawing.area
        return area.columns if area is not None else 1

    def show_chart(self, title: str, chart: Chart, values: SpanLine, look: TerminalStyle) -> None:
        """Draw a chart in the room there is."""
        self._shown = (title, chart, values, look)
        size = self.canvas
        if size.width < 1 or size.height < 1:
            return
        above: list[SpanLine] = []
        read = readings(chart, size.width) if self.reads else []
        if read:
            values = tuple(read)
            if line_width((Span(title), *values)) + _RULE_CELLS > size.width:
                above = pack(read, size.width, max(1, size.height - _LEAST_ROWS))
                values = ()
        rows = max(1, size.height - len(above))
        under = self._picture.under(is_covered=self.is_covered)
        self._drawing = draw_chart(chart, replace(size, height=rows), look, under)
        self._canvas_row = 1 + len(above)
        self.show_panel(title, values, [*above, *self._drawing.lines])
        if under is not None:
            self._picture.hang(chart, self._drawing, self._canvas_row)

    def show_words(self, title: str, words: SpanLine) -> None:
        """Say why there is no chart."""
        self._shown = None
        self._picture.take_down()
        self.show_panel(title, (), [(), words])

    def draw_again(self) -> None:
        """Draw the chart in the room, and as a picture or not, as it is now."""
        if self._shown is not None:
            self.show_chart(*self._shown)

    def on_resize(self) -> None:
        """Draw the chart in the room there is now."""
        self.draw_again()

    def cover(self, is_covered: bool) -> None:
        """Be below a dialog, or not any more."""
        self.is_covered = is_covered
        if app_of(self).pictures is not None:
            self.draw_again()

    # --- the mouse ------------------------------------------------------------------------------

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in around the pointer."""
        event.stop()
        self.post_message(self.Zoomed(self, 0.8, self._drawing.x_at(event.x)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around the pointer."""
        event.stop()
        self.post_message(self.Zoomed(self, 1.25, self._drawing.x_at(event.x)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember where a drag may begin."""
        self._pressed, self._dragged = event.x, False

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Show what was dragged over."""
        begin, self._pressed = self._pressed, None
        if begin is not None and abs(event.x - begin) >= _DRAGGED_CELLS:
            self._dragged = True
            first, last = map(self._drawing.x_at, (begin, event.x))
            self.post_message(self.Dragged(self, first, last))

    def on_click(self, event: events.Click) -> None:
        """Read out the values at the pointer; a drag ends with a click as well."""
        if not self._dragged:
            step = self._step_near(event.x, event.y - self._canvas_row)
            self.post_message(self.Pointed(self, self._drawing.x_at(event.x), step))

    def _step_near(self, column: int, row: int) -> float | None:
        """Return the step of the point at a cell, on an axis where several steps share a place."""
        area = self._drawing.area
        if self._shown is None or area is None or self._shown[1].axis != "value":
            return None
        return step_near(drawn_lines(self._shown[1]), area, column - self._drawing.left, row)
