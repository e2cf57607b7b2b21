"""Lines to read: scrolled by keys and wheel, without a cursor.

Knows spans, not what they say.
"""

from textual.binding import Binding

from tuitrain.ui.widgets.lines import ScrollLines


class Reader(ScrollLines):
    """Lines that are scrolled as `less` does."""

    BINDINGS = [
        Binding("up,k", "go(-1)", "up", show=False, id="reader.up", tooltip="One line up."),
        Binding("down,j", "go(1)", "down", show=False, id="reader.down",
                tooltip="One line down."),
        Binding("pageup", "page(-1)", "page up", show=False, id="reader.page_up",
                tooltip="One page up."),
        Binding("pagedown", "page(1)", "page down", show=False, id="reader.page_down",
                tooltip="One page down."),
        Binding("home,g", "edge(-1)", "first", show=False, id="reader.first",
                tooltip="Go to the first line."),
        Binding("end,G", "edge(1)", "last", show=False, id="reader.last",
                tooltip="Go to the last line."),
    ]  # fmt: skip

    def action_go(self, by: int) -> None:
        """Scroll by lines, at once: a slow link must not be sent every row in between."""
        self.scroll_to(y=self.scroll_offset.y + by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by what is in sight."""
        self.action_go(by * max(1, self.size.height - 1))

    def action_edge(self, side: int) -> None:
        """Scroll to the first or last line."""
        self.scroll_to(y=0 if side < 0 else len(self.lines), animate=False)
