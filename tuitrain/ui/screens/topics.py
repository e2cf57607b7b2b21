"""Texts on topics, to choose from and to read, as `tuitrain help` has them.

Knows how they are shown; nothing of what they say.
"""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Markdown, Static

from tuitrain.help import Topic, find_topic, topics
from tuitrain.lang import tr
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.view.format import display_width, pad
from tuitrain.view.spans import Span


class TopicsScreen(Whole, ModalScreen[None]):
    """The topics there are."""

    DEFAULT_CSS = """
    TopicsScreen #topics { width: 100; max-width: 96%; height: 90%; border: round $accent; background: $surface; padding: 0 1; }
    TopicsScreen #topics Static { dock: bottom; height: 1; }
    """  # noqa: E501
    BINDINGS = [
        Binding("q,escape", "back", "close", id="topics.back", tooltip="Close the list."),
    ]

    def compose(self) -> ComposeResult:
        """Show the list."""
        with Vertical(id="topics") as panel:
            panel.border_title = tr("read about")
            yield PickList()
            yield Static(tr("enter read   q close"), markup=False)

    def on_mount(self) -> None:
        """Fill it."""
        width = max(display_width(topic.name) for topic in topics())
        rows = [
            Row(topic.name, (Span(f" {pad(topic.name, width)}  ", "key"), Span(topic.summary)))
            for topic in topics()
        ]
        self.query_one(PickList).show_rows(rows)
        self.query_one(PickList).focus()

    def on_pick_list_chosen(self, event: PickList.Chosen) -> None:
        """Open a topic."""
        self.app.push_screen(TopicScreen(find_topic(event.key)))

    def action_back(self) -> None:
        """Close."""
        self.dismiss()


class TopicScreen(Whole, ModalScreen[None]):
    """One text."""

    DEFAULT_CSS = """
    TopicScreen VerticalScroll { width: 110; max-width: 100%; height: 100%; border: round $accent; background: $surface; padding: 0 1; }
    TopicScreen Markdown { padding: 0; margin: 0; background: $surface; }
    """  # noqa: E501
    BINDINGS = [
        Binding("j", "go(1)", "down", show=False, id="topic.down", tooltip="One line down."),
        Binding("k", "go(-1)", "up", show=False, id="topic.up", tooltip="One line up."),
        Binding("g", "edge(-1)", "first", show=False, id="topic.first",
                tooltip="Go to the beginning."),
        Binding("G", "edge(1)", "last", show=False, id="topic.last", tooltip="Go to the end."),
        Binding("q,escape", "back", "close", id="topic.back", tooltip="Go back to the list."),
    ]  # fmt: skip

    def __init__(self, topic: Topic) -> None:
        super().__init__()
        self._topic = topic

    def compose(self) -> ComposeResult:
        """Show the text; a link leads to another one, and never to a browser."""
        with VerticalScroll() as panel:
            panel.border_title = self._topic.title
            panel.border_subtitle = tr("q back")
            yield Markdown(self._topic.text, open_links=False)

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one(VerticalScroll).focus()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Read the text that a link leads to."""
        name = event.href.partition("#")[0].removesuffix(".md")
        if name in {topic.name for topic in topics()}:
            self.app.push_screen(TopicScreen(find_topic(name)))

    def action_go(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_edge(self, side: int) -> None:
        """Scroll to the first or last line."""
        panel = self.query_one(VerticalScroll)
        panel.scroll_to(y=0 if side < 0 else panel.max_scroll_y, animate=False)

    def action_back(self) -> None:
        """Close."""
        self.dismiss()
