"""A line of headings that can be clicked: of a table's columns, or of pages."""

from textual.events import Click
from textual.message import Message

from tuitrain.ui.widgets.lines import Lines


class Heading(Lines):
    """One line; a click on it is told with its place."""

    DEFAULT_CSS = "Heading { height: 1; }"

    class Clicked(Message):
        """A place on the headings was clicked."""

        def __init__(self, x: int) -> None:
            super().__init__()
            self.x = x

    def on_click(self, event: Click) -> None:
        """Tell where."""
        event.stop()
        offset = event.get_content_offset(self)
        if offset is not None:
            self.post_message(self.Clicked(offset.x))
