"""A panel: a first row with title and numbers, and lines below it; can have the focus.

No frame: at 80x24 every row and column counts, and a frame is repainted with its title.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.runtext import rule
from tuitrain.view.spans import SpanLine

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp


class Panel(Lines, can_focus=True):
    """Lines below a title."""

    DEFAULT_CSS = "Panel { height: 1fr; width: 1fr; }"

    def __init__(self, title: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._values: SpanLine = ()
        self._body: tuple[SpanLine, ...] = ()

    @property
    def body_height(self) -> int:
        """Rows below the title."""
        return max(0, self.size.height - 1)

    def show_panel(self, title: str, values: SpanLine, body: Sequence[SpanLine]) -> None:
        """Show other contents."""
        self._title, self._values, self._body = title, values, tuple(body)
        self._arrange()

    def _arrange(self) -> None:
        width = self.size.width
        if not width:
            return
        dash = "-" if cast("TuitrainApp", self.app).look.ascii else "─"
        head = rule(self._title, self._values, width, focused=self.has_focus, dash=dash)
        self.show_lines([head, *self._body[: self.body_height]])

    def on_resize(self) -> None:
        """Arrange everything in the room there is now."""
        self._arrange()

    def on_focus(self) -> None:
        """Mark the title."""
        self._arrange()

    def on_blur(self) -> None:
        """Unmark the title."""
        self._arrange()
