"""The button that starts a run.

Knows nothing of what it starts.
"""

from textual.binding import Binding
from textual.message import Message

from tuitrain.lang import tr
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.spans import Span


class StartButton(Lines, can_focus=True):
    """One line; Enter or a click presses it."""

    DEFAULT_CSS = "StartButton { height: 1; }"
    BINDINGS = [
        Binding("enter", "press", "start", show=False, id="start.press", tooltip="Start the run"),
    ]

    _starting = False

    class Pressed(Message):
        """Start."""

    def on_mount(self) -> None:
        """Show the label."""
        self._show(self.has_focus)

    def on_focus(self) -> None:
        """Show that Enter works here."""
        self._show(True)

    def on_blur(self) -> None:
        """Be quiet again."""
        self._show(False)

    def on_click(self) -> None:
        """Press it."""
        self.action_press()

    def action_press(self) -> None:
        """Say that it was pressed."""
        self.post_message(self.Pressed())

    def show_starting(self, starting: bool) -> None:
        """Say that the run starts and the form is locked, or offer to start it."""
        self._starting = starting
        self._show(self.has_focus)

    def _show(self, focused: bool) -> None:
        if self._starting:
            words = tr("  form locked: Enter shows the run")
            self.show_lines([(Span(tr("> [ starting ]"), "live"), Span(words, "quiet"))])
        elif focused:
            self.show_lines([(Span(tr("> [ start ]"), "key"), Span("  Enter", "quiet"))])
        else:
            self.show_lines([(Span(tr("  [ start ]"), "strong"), Span("  ^s", "quiet"))])
