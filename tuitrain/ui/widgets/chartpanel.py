"""A chart in a panel; zooms with the mouse wheel and puts the cursor where it is clicked."""

from textual import events
from textual.message import Message

from tuitrain.ui.widgets.panel import Panel
from tuitrain.view.chart import draw_chart, values_at
from tuitrain.view.figure import Chart, Look, Size
from tuitrain.view.format import metric_value
from tuitrain.view.layout import plan_layout
from tuitrain.view.spans import Span, SpanLine


class ChartPanel(Panel):
    """One group of metrics."""

    class Zoomed(Message):
        """The wheel was turned over a place on the x axis."""

        def __init__(self, factor: float, share: float) -> None:
            super().__init__()
            self.factor = factor
            self.share = share

    class Pointed(Message):
        """A place on the x axis was clicked."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    _columns: tuple[int, int] = (0, 1)
    _shown: tuple[str, Chart, SpanLine, Look] | None = None

    def show_chart(self, title: str, chart: Chart, values: SpanLine, look: Look) -> None:
        """Draw a chart in the room there is."""
        self._shown = (title, chart, values, look)
        size = Size(self.size.width, self.body_height)
        if size.width < 1 or size.height < 1:
            return
        layout = plan_layout(chart, chart.lines, size)
        self._columns = (layout.axes.left, layout.area.columns)
        if chart.cursor is not None:
            values = tuple(
                Span(f" {label} {metric_value(value)}", f"line{slot}")
                for label, slot, value in values_at(chart, chart.cursor)
            )
        self.show_panel(title, values, draw_chart(chart, size, look))

    def show_words(self, title: str, words: SpanLine) -> None:
        """Say why there is no chart."""
        self._shown = None
        self.show_panel(title, (), [(), words])

    def on_resize(self) -> None:
        """Draw the chart in the room there is now."""
        if self._shown is not None:
            self.show_chart(*self._shown)

    def _share(self, x: int) -> float:
        first, width = self._columns
        return min(1.0, max(0.0, (x - first + 0.5) / max(1, width)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in around the pointer."""
        event.stop()
        self.post_message(self.Zoomed(0.8, self._share(event.x)))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around the pointer."""
        event.stop()
        self.post_message(self.Zoomed(1.25, self._share(event.x)))

    def on_click(self, event: events.Click) -> None:
        """Read out the values at the pointer."""
        self.post_message(self.Pointed(self._share(event.x)))
