"""The lines of a log: scrolled up and down, left and right or wrapped, searched, selected.

Shows a window of the log and says when it needs more; knows no files.
"""

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.binding import Binding
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuitrain.ui.feeds.log import LogWindow
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.lines import draw_strip
from tuitrain.ui.widgets.logrows import LogRow, LogRows
from tuitrain.view.logtext import cut_left, split_matches, text_pattern
from tuitrain.view.spans import Span, fit_line

_SIDEWAYS = 16
"""Cells that one press scrolls to the left or right."""
_WHEEL_ROWS = 3
_GUTTER = 1


class LineSelection:
    """Lines from one to another, by where they begin in the file."""

    def __init__(self) -> None:
        """Select none."""
        self._anchor: int | None = None
        self.cursor = 0
        """The end of it that moves."""

    @property
    def active(self) -> bool:
        """Whether lines are being selected."""
        return self._anchor is not None

    def begin(self, place: int) -> None:
        """Begin with one line, or reach to it where lines are being selected."""
        self.cursor = place
        if self._anchor is None:
            self._anchor = place

    def end(self) -> None:
        """Select no more."""
        self._anchor = None

    @property
    def span(self) -> tuple[int, int] | None:
        """The first and the last line; None while none are selected."""
        if self._anchor is None:
            return None
        return min(self._anchor, self.cursor), max(self._anchor, self.cursor)

    def holds(self, place: int) -> bool:
        """Return whether a line is selected."""
        return self.span is not None and self.span[0] <= place <= self.span[1]


class LogView(Widget, can_focus=True):
    """A window of a log."""

    DEFAULT_CSS = "LogView { height: 1fr; width: 1fr; }"
    BINDINGS = [
        Binding("up,k", "move(-1)", "up", show=False, id="log.up", tooltip="One line up."),
        Binding("down,j", "move(1)", "down", show=False, id="log.down", tooltip="One line down."),
        Binding(
            "pageup,ctrl+b", "page(-1)", "page up", show=False, id="log.page_up",
            tooltip="One page up.",
        ),
        Binding(
            "pagedown,ctrl+f", "page(1)", "page down", show=False, id="log.page_down",
            tooltip="One page down.",
        ),
        Binding(
            "left,h", "sideways(-1)", "left", show=False, id="log.left",
            tooltip="Scroll long lines to the left.",
        ),
        Binding(
            "right,l", "sideways(1)", "right", show=False, id="log.right",
            tooltip="Scroll long lines to the right.",
        ),
    ]  # fmt: skip

    class Scrolled(Message):
        """Another part is in sight."""

    class EdgeReached(Message):
        """There is more of the log beyond the window."""

        def __init__(self, upwards: bool) -> None:
            super().__init__()
            self.upwards = upwards

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows = LogRows()
        self.selection = LineSelection()
        self.left = 0
        """How many cells of long lines are out of sight on the left."""
        self.found: int | None = None
        """Where the line that was found last begins."""
        self._needle = ""

    # --- what is shown --------------------------------------------------------------------------

    def show_window(self, window: LogWindow) -> None:
        """Show another window; what is in sight stays, or the end does."""
        if self.rows.take(window):
            self.refresh()

    def show_end(self) -> None:
        """Show the last lines, and go on doing so."""
        self._tell(self.rows.go_to_end())

    def show_start(self) -> None:
        """Show the first lines."""
        self._tell(self.rows.go_to_start())

    def show_match(self, place: int, needle: str) -> None:
        """Bring the line that begins at `place` into sight, and mark what matches."""
        self._needle, self.found = needle, place
        if self.selection.active:
            self.selection.begin(place)
        self.rows.go_to(place)
        self._tell()

    def forget_search(self) -> None:
        """Mark matches no longer."""
        self._needle, self.found = "", None
        self.refresh()

    def toggle_selection(self) -> None:
        """Begin to select lines at the last one in sight, or leave it."""
        if self.selection.active:
            self.selection.end()
        else:
            shown = self.rows.in_sight
            self.selection.begin(shown[-1].place if shown else 0)
            self.rows.following = False
        self._tell()

    def copied_lines(self) -> list[str]:
        """Return the selected lines, or those in sight where none are."""
        window, span = self.rows.window, self.selection.span
        if span is None:
            lines = dict.fromkeys(row.line for row in self.rows.in_sight)
            return [window.texts[line] for line in lines]
        return list(window.texts[window.line_at(span[0]) : window.line_at(span[1]) + 1])

    def toggle_wrap(self) -> None:
        """Wrap long lines, or let them go beyond the edge."""
        self.left = 0
        self.rows.wrap(not self.rows.wrapped)
        self._tell()

    # --- keys and mouse -------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move by lines: the end of the selection, or what is in sight."""
        if not self.selection.active:
            self._scroll(by)
            return
        window, shown = self.rows.window, self.rows.in_sight
        last = len(window.texts) - 1
        line = min(max(window.line_at(self.selection.cursor) + by, 0), max(0, last))
        self.selection.begin(self.rows.place_of(line))
        if shown and not shown[0].line <= line <= shown[-1].line:
            self._scroll(by)
        self.refresh()

    def action_page(self, by: int) -> None:
        """Move by what is in sight."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_sideways(self, by: int) -> None:
        """Scroll long lines."""
        if not self.rows.wrapped:
            longest = max((len(row.text) for row in self.rows.in_sight), default=0)
            self.left = min(max(0, self.left + by * _SIDEWAYS), max(0, longest - 1))
            self._tell()

    def on_click(self, event: Click) -> None:
        """Select the line that is clicked; while lines are selected, select up to it."""
        offset, shown = event.get_content_offset(self), self.rows.in_sight
        if offset is None or offset.y >= len(shown):
            return
        if not self.selection.active:
            self.rows.following = False
        self.selection.begin(shown[offset.y].place)
        self._tell()

    @on(MouseScrollDown)
    @on(MouseScrollUp)
    def _wheel(self, event: MouseScrollDown | MouseScrollUp) -> None:
        self._scroll(_WHEEL_ROWS if isinstance(event, MouseScrollDown) else -_WHEEL_ROWS)

    def on_resize(self) -> None:
        """Keep the end in sight, or what was."""
        self._tell(self.rows.fit(self.size.width - _GUTTER, self.size.height))

    def _scroll(self, by: int) -> None:
        self._tell(self.rows.scroll(by, stay=self.selection.active))
        if by and self.rows.is_at_edge(upwards=by < 0):
            self.post_message(self.EdgeReached(upwards=by < 0))

    def _tell(self, drawn_otherwise: bool = True) -> None:
        """Draw, where that is another picture, and say that another part may be in sight."""
        if drawn_otherwise:
            self.refresh()
        self.post_message(self.Scrolled())

    # --- drawing --------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one row; matches stand out of their line, selected or not."""
        width, shown = self.size.width, self.rows.in_sight
        if y >= len(shown):
            return draw_strip((), width, {}, self.rich_style)
        row, styles, base = shown[y], app_of(self).span_styles, self.rich_style
        selected = self.selection.holds(row.place)
        segments = [
            Segment(
                span.text,
                base
                + styles.get(span.style, Style.null())
                + Style(reverse=selected != (span.style == "match")),
            )
            for span in fit_line(tuple(self._spans(row)), width)
        ]
        return Strip(segments, width)

    def _spans(self, row: LogRow) -> list[Span]:
        pattern = text_pattern(self._needle) if self._needle else None
        # Not more of a very long line than is needed to see that it goes on.
        text = cut_left(row.text, self.left)[: 2 * self.size.width]
        gutter = "|" if self.selection.active and row.place == self.selection.cursor else " "
        if row.first and row.place == self.found:
            gutter = ">"
        parts = split_matches(text, pattern)
        return [Span(gutter, "key"), *(Span(part, "match" if hit else "") for part, hit in parts)]
