"""The log of a run's worker: followed, searched, copied.

Arranges a view, a search line and the thread that reads; never opens the file itself.
"""

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from tuitrain.lang import said, tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.log import LogFollower, LogSnapshot, Search
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.logview import LogView
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.units import percent, size
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span, SpanLine, wrap_plain

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp


class LogScreen(Whole, Screen[None]):
    """worker.log of one run."""

    DEFAULT_CSS = """
    LogScreen #search { dock: bottom; height: 1; border: none; background: $panel; padding: 0 1; margin: 0 0 1 0; display: none; }
    LogScreen #search.asked { display: block; }
    LogScreen #note { height: auto; padding: 0 1; }
    """  # noqa: E501
    BINDINGS = [
        Binding("slash", "search", "search", id="log.search", tooltip="Look for text in the log."),
        Binding("n", "again(True)", "next", id="log.next", tooltip="Go to the next match below."),
        Binding(
            "N", "again(False)", "previous", id="log.previous",
            tooltip="Go to the next match above.",
        ),
        Binding(
            "F,end,G", "follow", "follow", id="log.follow",
            tooltip="Go to the end and stay there as the log grows.",
        ),
        Binding("w", "wrap", "wrap", id="log.wrap", tooltip="Wrap long lines, or cut them."),
        Binding(
            "y", "copy", "copy", id="log.copy",
            tooltip="Copy the selected lines, or those in sight; says where they are then.",
        ),
        Binding(
            "v", "select", "select", id="log.select",
            tooltip="Begin to select lines at the last one in sight, or leave the selection.",
        ),
        Binding(
            "home,g", "first", "first", show=False, id="log.first",
            tooltip="Go to the first line of the log.",
        ),
        Binding("q,escape", "back", "back", id="log.back", tooltip="Go back."),
    ]  # fmt: skip

    class Read(Message):
        """The thread has read the log."""

        def __init__(self, snapshot: LogSnapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    def __init__(self, directory: RunDirectory) -> None:
        """Show the log of the run in `directory`."""
        super().__init__()
        self._directory = directory
        self._follower = LogFollower(directory, self._deliver)
        self._snapshot = LogSnapshot()
        self._needle = ""
        self._searches = self._answered = 0

    def _deliver(self, snapshot: LogSnapshot) -> None:
        self.post_message(self.Read(snapshot))

    def compose(self) -> ComposeResult:
        """Show the log between the top line and the keys."""
        yield TopLine()
        yield Lines(id="note")
        yield LogView(id="log")
        yield Input(placeholder="search", id="search", select_on_focus=True)
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(LogView).focus()
        self._follower.start()

    def on_unmount(self) -> None:
        """End the thread."""
        self._follower.close()

    def on_log_screen_read(self, message: Read) -> None:
        """Show what was read."""
        self._snapshot = message.snapshot
        # A screen below another one that changes makes Textual paint all of the upper one.
        if self.is_current:
            self._show()

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self._show()

    def _show(self) -> None:
        snapshot, view = self._snapshot, self.query_one(LogView)
        if not snapshot.error:
            view.show_window(snapshot.window)
        if snapshot.answer > self._answered:
            self._answered = snapshot.answer
            if snapshot.found is None:
                self.notify(
                    tr("no more matches for {needle!r}", needle=self._needle),
                    severity="warning",
                    markup=False,
                )
            else:
                view.show_match(snapshot.found, self._needle)
        self._show_note()
        self._show_place()

    def on_log_view_scrolled(self) -> None:
        """Say where in the log this is."""
        self._follower.following = self.query_one(LogView).following
        self._show_place()

    def on_log_view_edge_reached(self, event: LogView.EdgeReached) -> None:
        """Read more."""
        if event.upwards:
            self._follower.ask_before()
        else:
            self._follower.ask_after()

    def _show_note(self) -> None:
        snapshot = self._snapshot
        lines: list[SpanLine] = []
        if snapshot.error:
            lines = wrap_plain(said(snapshot.error), self.size.width - 2, "bad")
        elif not snapshot.window.texts:
            live = "the worker has written nothing yet; output appears here as it comes"
            words = tr(live if snapshot.live else "the worker has written nothing")
            lines = [(Span(words, "quiet"),)]
        self.query_one("#note", Lines).show_lines(lines)

    def _show_place(self) -> None:
        left: SpanLine = (Span(f" {sanitise(self._directory.id)}", "title"), Span("  worker.log"))
        view, window = self.query_one(LogView), self._snapshot.window
        parts = [Span(tr("selecting  "), "live")] if view.selecting else []
        if view.left:
            parts.append(Span(tr("from column {left}  ", left=view.left + 1)))
        if view.following:
            words = tr("following") if self._snapshot.live else tr("end")
            parts.append(Span(words, "live" if self._snapshot.live else ""))
        else:
            parts.append(Span(tr("{share} down", share=percent(view.first_place, window.size))))
        self.query_one(TopLine).show_parts(left, (*parts, Span(f"  {size(window.size)} ")))

    # --- keys -----------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask what to look for."""
        search = self.query_one("#search", Input)
        search.add_class("asked")
        search.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look for it, from what is in sight on."""
        self._leave_search()
        self._needle = event.value
        view = self.query_one(LogView)
        view.forget_search()
        if self._needle:
            self._search(view.first_place, forward=True, otherwise_back=True)

    def _leave_search(self) -> None:
        self.query_one("#search", Input).remove_class("asked")
        self.query_one(LogView).focus()

    def action_again(self, forward: bool) -> None:
        """Look for the same once more."""
        if not self._needle:
            self.action_search()
            return
        view = self.query_one(LogView)
        place = view.first_place if view.found is None else view.found
        if forward and view.found is not None:
            window = view.window
            line = window.line_at(place) + 1
            place = window.starts[line] if line < len(window.starts) else window.seen
        self._search(place, forward=forward)

    def _search(self, place: int, *, forward: bool, otherwise_back: bool = False) -> None:
        self._searches += 1
        search = Search(self._needle, place, forward, self._searches, otherwise_back)
        self._follower.ask_search(search)

    def action_follow(self) -> None:
        """Go to the end."""
        view = self.query_one(LogView)
        self._follower.following = True
        view.show_end()
        if not view.window.at_end:
            self._follower.ask_tail()

    def action_first(self) -> None:
        """Go to the first line."""
        view = self.query_one(LogView)
        view.show_start()
        if view.window.start > 0:
            self._follower.ask_head()

    def action_wrap(self) -> None:
        """Wrap long lines or not."""
        self.query_one(LogView).toggle_wrap()
        self._show_place()

    def action_select(self) -> None:
        """Begin or leave a selection."""
        self.query_one(LogView).toggle_selection()

    def action_copy(self) -> None:
        """Copy lines."""
        view = self.query_one(LogView)
        lines = view.copied_lines()
        what = tr("{n} line" if len(lines) == 1 else "{n} lines", n=len(lines))
        cast("TuitrainApp", self.app).copier.copy("\n".join(lines) + "\n", what)
        if view.selecting:
            view.toggle_selection()

    def action_back(self) -> None:
        """Leave the search line, the selection, or the screen."""
        view = self.query_one(LogView)
        if not view.has_focus:
            self._leave_search()
        elif view.selecting:
            view.toggle_selection()
        else:
            self.dismiss()
