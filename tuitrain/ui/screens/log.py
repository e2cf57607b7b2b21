"""The log of a run's worker: followed, searched, copied.

Arranges a view, a search line and the thread that reads; never opens the file itself.
"""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from tuitrain.lang import said, tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.log import LogFollower, LogSnapshot, Search
from tuitrain.ui.screens.following import FollowingScreen
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.logview import LogView
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.units import percent, size
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span, SpanLine, wrap_plain


class SearchLine(Input):
    """Takes what to look for, and numbers the searches for it, as answers come late."""

    DEFAULT_CSS = """
    SearchLine#search { dock: bottom; height: 1; border: none; background: $panel; padding: 0 1; margin: 0 0 1 0; display: none; }
    SearchLine#search.asked { display: block; }
    """  # noqa: E501

    def __init__(self) -> None:
        """Look for nothing yet."""
        super().__init__(placeholder="search", id="search", select_on_focus=True)
        self.needle = ""
        """What is looked for."""
        self._asked = self._answered = 0

    def ask(self) -> None:
        """Let somebody type."""
        self.add_class("asked")
        self.focus()

    def search(self, place: int, *, forward: bool, otherwise_back: bool = False) -> Search:
        """Return the next search, from a place in the file on."""
        self._asked += 1
        return Search(self.needle, place, forward, self._asked, otherwise_back)

    def is_news(self, answer: int) -> bool:
        """Return whether the answer to a search has not been shown yet; it counts as shown then."""
        is_news = answer > self._answered
        self._answered = max(answer, self._answered)
        return is_news


class LogScreen(FollowingScreen[LogSnapshot]):
    """worker.log of one run."""

    DEFAULT_CSS = "LogScreen #note { height: auto; padding: 0 1; }"
    _follower: LogFollower
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

    def __init__(self, directory: RunDirectory) -> None:
        """Show the log of the run in `directory`."""
        super().__init__(directory)
        self._follower = LogFollower(directory, self.deliver)
        self._view, self._line = LogView(id="log"), SearchLine()

    def compose(self) -> ComposeResult:
        """Show the log between the top line and the keys."""
        yield TopLine()
        yield Lines(id="note")
        yield self._view
        yield self._line
        yield KeyLine()

    def on_mount(self) -> None:
        """Let keys move in the log."""
        self._view.focus()

    # --- what is shown --------------------------------------------------------------------------

    def show_snapshot(self, snapshot: LogSnapshot) -> None:
        """Show what was read."""
        if not snapshot.error:
            self._view.show_window(snapshot.window)
        needle = self._line.needle
        if self._line.is_news(snapshot.answer):
            if snapshot.found is None:
                app_of(self).tell(tr("no more matches for {needle!r}", needle=needle), "warning")
            else:
                self._view.show_match(snapshot.found, needle)
        self.query_one("#note", Lines).show_lines(_note(snapshot, self.size.width - 2))
        self.on_log_view_scrolled()

    def on_log_view_scrolled(self) -> None:
        """Say where in the log this is."""
        snapshot, rows = self._snapshot or LogSnapshot(), self._view.rows
        self._follower.following = rows.following
        left: SpanLine = (Span(f" {sanitise(self._directory.id)}", "title"), Span("  worker.log"))
        parts = [Span(tr("selecting  "), "live")] if self._view.selection.active else []
        if self._view.left:
            parts.append(Span(tr("from column {left}  ", left=self._view.left + 1)))
        if rows.following:
            words = tr("following") if snapshot.live else tr("end")
            parts.append(Span(words, "live" if snapshot.live else ""))
        else:
            share = percent(rows.first_place, snapshot.window.size)
            parts.append(Span(tr("{share} down", share=share)))
        parts.append(Span(f"  {size(snapshot.window.size)} "))
        self.query_one(TopLine).show_parts(left, tuple(parts))

    def on_log_view_edge_reached(self, event: LogView.EdgeReached) -> None:
        """Read more."""
        if event.upwards:
            self._follower.ask_before()
        else:
            self._follower.ask_after()

    # --- keys -----------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Ask what to look for."""
        self._line.ask()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look for it, from what is in sight on."""
        self._leave_search()
        self._line.needle = event.value
        self._view.forget_search()
        if event.value:
            place = self._view.rows.first_place
            search = self._line.search(place, forward=True, otherwise_back=True)
            self._follower.ask_search(search)

    def _leave_search(self) -> None:
        self._line.remove_class("asked")
        self._view.focus()

    def action_again(self, forward: bool) -> None:
        """Look for the same once more."""
        if not self._line.needle:
            self._line.ask()
            return
        rows, found = self._view.rows, self._view.found
        place = rows.first_place if found is None else found
        if forward and found is not None:
            place = rows.place_of(rows.window.line_at(place) + 1)
        self._follower.ask_search(self._line.search(place, forward=forward))

    def action_follow(self) -> None:
        """Go to the end."""
        self._follower.following = True
        self._view.show_end()
        if not self._view.rows.window.at_end:
            self._follower.ask_tail()

    def action_first(self) -> None:
        """Go to the first line."""
        self._view.show_start()
        if self._view.rows.window.start > 0:
            self._follower.ask_head()

    def action_wrap(self) -> None:
        """Wrap long lines or not."""
        self._view.toggle_wrap()

    def action_select(self) -> None:
        """Begin or leave a selection."""
        self._view.toggle_selection()

    def action_copy(self) -> None:
        """Copy lines."""
        lines = self._view.copied_lines()
        what = tr("{n} line" if len(lines) == 1 else "{n} lines", n=len(lines))
        app_of(self).copier.copy("\n".join(lines) + "\n", what)
        if self._view.selection.active:
            self._view.toggle_selection()

    def action_back(self) -> None:
        """Leave the search line, the selection, or the screen."""
        if not self._view.has_focus:
            self._leave_search()
        elif self._view.selection.active:
            self._view.toggle_selection()
        else:
            self.dismiss()


def _note(snapshot: LogSnapshot, width: int) -> list[SpanLine]:
    """Return why there is nothing to show; nothing where there is something."""
    if snapshot.error:
        return wrap_plain(said(snapshot.error), width, "bad")
    if snapshot.window.texts:
        return []
    live = "the worker has written nothing yet; output appears here as it comes"
    words = tr(live if snapshot.live else "the worker has written nothing")
    return [(Span(words, "quiet"),)]
