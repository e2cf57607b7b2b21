"""Panels: a first row with title and numbers, and lines below it; can have the focus.

No frame: at 80x24 every row and column counts, and a frame is repainted with its title.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp

from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.run.runtext import rule
from tuitrain.view.spans import SpanLine

_WHEEL_ROWS = 3


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
        dash = "-" if app_of(self).look.ascii else "─"
        head = rule(self._title, self._values, width, focused=self.has_focus, dash=dash)
        self.show_lines([head, *self._seen()])

    def _seen(self) -> Sequence[SpanLine]:
        """Return the part of the body that is in sight."""
        return self._body[: self.body_height]

    def on_resize(self) -> None:
        """Arrange everything in the room there is now."""
        self._arrange()

    def on_focus(self) -> None:
        """Mark the title, once Textual has noted the focus: it does so after this."""
        self.call_later(self._arrange)

    def on_blur(self) -> None:
        """Unmark the title."""
        self.call_later(self._arrange)


class TextPanel(Panel):
    """Lines to read; takes the focus, and scrolls, where not all of them are in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "up", show=False, id="panel.up", tooltip="One line up."),
        Binding("down,j", "go(1)", "down", show=False, id="panel.down", tooltip="One line down."),
        Binding("pageup", "page(-1)", "page up", show=False, id="panel.page_up",
                tooltip="One page up."),
        Binding("pagedown", "page(1)", "page down", show=False, id="panel.page_down",
                tooltip="One page down."),
        Binding("home,g", "edge(-1)", "first", show=False, id="panel.first",
                tooltip="Go to the first line."),
        Binding("end,G", "edge(1)", "last", show=False, id="panel.last",
                tooltip="Go to the last line, and stay there as lines come."),
    ]  # fmt: skip

    def __init__(self, title: str = "", *, id: str | None = None, newest: bool = False) -> None:
        """Show no lines yet.

        Args:
            title: in the first row.
            id: the widget's.
            newest: begin with the end in sight, and keep it there while lines come.
        """
        super().__init__(title, id=id)
        self._first = 0
        self._at_end = newest

    @property
    def _last_first(self) -> int:
        """The first line in sight when the last one is at the bottom."""
        return max(0, len(self._body) - self.body_height)

    def allow_focus(self) -> bool:
        """Stop here only where there is something to scroll to."""
        return self._last_first > 0

    def _seen(self) -> Sequence[SpanLine]:
        first = self._last_first if self._at_end else min(self._first, self._last_first)
        return self._body[first : first + self.body_height]

    def _scroll(self, by: int) -> None:
        first = self._last_first if self._at_end else min(self._first, self._last_first)
        self._first = min(max(0, first + by), self._last_first)
        # Lines that come later move what is in sight only for who looks at the end.
        self._at_end = by > 0 and self._first == self._last_first
        self._arrange()

    def action_go(self, by: int) -> None:
        """Scroll by lines."""
        self._scroll(by)

    def action_page(self, by: int) -> None:
        """Scroll by what is in sight."""
        self._scroll(by * max(1, self.body_height - 1))

    def action_edge(self, side: int) -> None:
        """Scroll to the first or last line."""
        self._scroll(side * len(self._body))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll by the wheel."""
        event.stop()
        self._scroll(_WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll by the wheel."""
        event.stop()
        self._scroll(-_WHEEL_ROWS)
