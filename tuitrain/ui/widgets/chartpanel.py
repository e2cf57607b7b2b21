"""A chart in a panel; zooms with wheel or drag, and puts the cursor where it is clicked."""

from dataclasses import replace

from textual import events
from textual.message import Message

from tuitrain.ui.widgets.panel import Panel
from tuitrain.view.chart.chart import Drawing, draw_chart
from tuitrain.view.chart.figure import Chart, Size, TerminalStyle
from tuitrain.view.chart.readout import pack, readings
from tuitrain.view.spans import Span, SpanLine, line_width

_RULE_CELLS = 6
"""Of a panel's first row, what is neither its title nor its values."""
_DRAGGED_CELLS = 3
"""A mouse that moves less between press and release was clicked."""
_LEAST_ROWS = 4
"""What a chart keeps when the values at its cursor take rows of it."""


class ChartPanel(Panel):
    """One group of metrics."""

    class Zoomed(Message):
        """The wheel was turned over a place on the x axis."""

        def __init__(self, factor: float, x: float) -> None:
            super().__init__()
            self.factor = factor
            self.x = x

    class Pointed(Message):
        """A place on the x axis was clicked."""

        def __init__(self, x: float) -> None:
            super().__init__()
            self.x = x

    class Dragged(Message):
        """The mouse was dragged over a part of the x axis."""

        def __init__(self, first: float, last: float) -> None:
            super().__init__()
            self.first = first
            self.last = last

    _drawing = Drawing(())
    _pressed: int | None = None
    _dragged = False
    reads = True
    """Whether the values at the cursor stand above the curves."""
    _shown: tuple[str, Chart, SpanLine, TerminalStyle] | None = None

    @property
    def canvas(self) -> Size:
        """The room for a chart below the title."""
        return Size(self.size.width, self.body_height)

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
        self._drawing = draw_chart(chart, replace(size, height=rows), look)
        self.show_panel(title, values, [*above, *self._drawing.lines])

    def show_words(self, title: str, words: SpanLine) -> None:
        """Say why there is no chart."""
        self._shown = None
        self.show_panel(title, (), [(), words])

    def on_resize(self) -> None:
        """Draw the chart in the room there is now."""
        if self._shown is not None:
            self.show_chart(*self._shown)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in around the pointer."""
        event.stop()
        self.post_message(self.Zoomed(0.8, self._drawing.x_at(event.x)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around the pointer."""
        event.stop()
        self.post_message(self.Zoomed(1.25, self._drawing.x_at(event.x)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember where a drag may begin."""
        self._pressed, self._dragged = event.x, False

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Show what was dragged over."""
        begin, self._pressed = self._pressed, None
        if begin is not None and abs(event.x - begin) >= _DRAGGED_CELLS:
            self._dragged = True
            self.post_message(self.Dragged(self._drawing.x_at(begin), self._drawing.x_at(event.x)))

    def on_click(self, event: events.Click) -> None:
        """Read out the values at the pointer; a drag ends with a click as well."""
        if not self._dragged:
            self.post_message(self.Pointed(self._drawing.x_at(event.x)))
