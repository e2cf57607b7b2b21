"""Help: the keys that work on the screen in front, from their bindings, and what its words mean.

Knows bindings, not screens: one that has words to explain names them in `words`.
"""

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from tuitrain.lang import term, tr
from tuitrain.ui.keys import EVERYWHERE, active_groups
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.view.glossary import word_lines
from tuitrain.view.keys import KeyGroup, key_lines
from tuitrain.view.spans import Span


class HelpScreen(Whole, ModalScreen[None]):
    """The keys of another screen."""

    DEFAULT_CSS = """
    HelpScreen #help { width: 100; max-width: 96%; height: 90%; border: round $accent; background: $surface; padding: 0 1; }
    HelpScreen #help Lines { dock: bottom; height: 1; }
    """  # noqa: E501
    BINDINGS = [
        Binding("t", "topics", "topics", id="help.topics",
                tooltip="Read about a topic: presets, exact resume, memory and so on."),
        Binding("q,escape,question_mark", "back", "close", id="help.back",
                tooltip="Close the help."),
    ]  # fmt: skip

    def __init__(self, screen: Screen[Any]) -> None:
        """Show the keys of `screen`, with those of the widget that has its focus."""
        super().__init__()
        self._groups = _groups(screen)
        self._words: Sequence[str] | None = getattr(screen, "words", None)

    def compose(self) -> ComposeResult:
        """Show the keys."""
        with Vertical(id="help"):
            yield Reader()
            yield Lines()

    def on_mount(self) -> None:
        """Put the keys to scroll by at the bottom."""
        self.query_one(Reader).focus()
        self.query_one(Lines).show_lines(
            [
                (
                    Span("up/down", "key"),
                    Span(f" {tr('scroll')}  ", "quiet"),
                    Span("t", "key"),
                    Span(f" {tr('topics to read')}  ", "quiet"),
                    Span("q", "key"),
                    Span(f" {tr('close')}", "quiet"),
                )
            ]
        )

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        reader = self.query_one(Reader)
        lines = key_lines(self._groups, reader.size.width)
        if self._words is not None:
            lines += word_lines(self._words, reader.size.width)
        reader.show_lines(lines)

    def action_topics(self) -> None:
        """List the texts there are."""
        from tuitrain.ui.screens.topics import TopicsScreen

        self.app.push_screen(TopicsScreen())

    def action_back(self) -> None:
        """Close."""
        self.dismiss()


def _groups(screen: Screen[Any]) -> Sequence[KeyGroup]:
    titles: list[tuple[object, str]] = [(screen, term("This screen"))]
    if screen.focused is not None:
        nodes = screen.focused.ancestors_with_self
        titles += [(node, term("This panel")) for node in nodes[: nodes.index(screen)]]
    titles.append((screen.app, EVERYWHERE))
    return active_groups(screen.active_bindings.values(), titles)
