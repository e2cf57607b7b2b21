"""Lines to read: scrolled by keys and wheel, without a cursor.

Knows spans, not what they say.
"""

from textual.binding import Binding

from tuitrain.ui.widgets.lines import ScrollLines


class Reader(ScrollLines):
    """Lines that are scrolled as `less` does."""

    BINDINGS = [
        Binding("up,k", "scroll_up", "up", show=False, id="reader.up", tooltip="One line up."),
        Binding("down,j", "scroll_down", "down", show=False, id="reader.down",
                tooltip="One line down."),
        Binding("pageup", "page_up", "page up", show=False, id="reader.page_up",
                tooltip="One page up."),
        Binding("pagedown", "page_down", "page down", show=False, id="reader.page_down",
                tooltip="One page down."),
        Binding("home,g", "scroll_home", "first", show=False, id="reader.first",
                tooltip="Go to the first line."),
        Binding("end,G", "scroll_end", "last", show=False, id="reader.last",
                tooltip="Go to the last line."),
    ]  # fmt: skip
