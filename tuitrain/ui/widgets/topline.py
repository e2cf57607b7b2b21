"""The top line: two ends of one line of spans that never scrolls away."""

from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.spans import SpanLine, spread_line


class TopLine(Lines):
    """A left part and a right part; the left one gives way."""

    _parts: tuple[SpanLine, SpanLine] = ((), ())

    def show_parts(self, left: SpanLine, right: SpanLine = ()) -> None:
        """Show what stands at either end."""
        self._parts = (left, right)
        self.on_resize()

    def on_resize(self) -> None:
        """Arrange the parts in the room there is now."""
        if self.size.width:
            self.show_lines([spread_line(*self._parts, self.size.width)])
