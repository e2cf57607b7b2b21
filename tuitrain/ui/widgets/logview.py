"""The lines of a log: scrolled up and down, left and right or wrapped, searched, selected.

Shows a window of the log and says when it needs more; knows no files.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuitrain.ui.feeds.log import LogWindow
from tuitrain.ui.widgets.lines import draw_strip, span_styles_of
from tuitrain.view.logtext import cut_left, split_matches, text_pattern, wrap_starts
from tuitrain.view.spans import Span, fit_line

_SIDEWAYS = 16
"""Cells that one press scrolls to the left or right."""
_WHEEL_ROWS = 3
_GUTTER = 1

Place = tuple[int, int]
"""Which line of the window, and which of its wrapped rows."""


class LogRow(NamedTuple):
    """One row in sight."""

    line: int
    place: int
    """Where its line begins in the file."""
    first: bool
    """Whether it is its line's first row."""
    text: str


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
        self.following = True
        """The end is in sight and stays there as the log grows."""
        self._at_start = False
        """The first line was asked for, though it may still have to be read."""
        self._window = LogWindow()
        self._top: Place = (0, 0)
        self._wrap = False
        self._left = 0
        self._needle = ""
        self._found: int | None = None
        self._anchor: int | None = None
        self._cursor = 0
        self._rows: list[LogRow] = []

    # --- what is shown --------------------------------------------------------------------------

    @property
    def window(self) -> LogWindow:
        """The lines in memory."""
        return self._window

    @property
    def first_place(self) -> int:
        """Where in the file the first line in sight begins."""
        return self._place_of(self._top[0])

    @property
    def selecting(self) -> bool:
        """Whether lines are being selected."""
        return self._anchor is not None

    def show_window(self, window: LogWindow) -> None:
        """Show another window; what is in sight stays, or the end does."""
        place, part = self.first_place, self._top[1]
        self._window = window
        if self.following:
            self._top = self._bottom()
        else:
            self._top = (0, 0) if self._at_start else (window.line_at(place), part)
        self._arrange()

    def show_end(self) -> None:
        """Show the last lines, and go on doing so."""
        self.following, self._at_start = True, False
        self._go(self._bottom())

    def show_start(self) -> None:
        """Show the first lines."""
        self.following, self._at_start = False, True
        self._go((0, 0))

    def show_match(self, place: int, needle: str) -> None:
        """Bring the line that begins at `place` into sight, and mark what matches."""
        self._needle, self._found = needle, place
        self.following = self._at_start = False
        line = self._window.line_at(place)
        if self.selecting:
            self._cursor = place
        if line not in {row.line for row in self._rows}:
            self._top = self._moved((line, 0), -(self.size.height // 3))
        self._arrange()
        self.refresh()
        self.post_message(self.Scrolled())

    def forget_search(self) -> None:
        """Mark matches no longer."""
        self._needle, self._found = "", None
        self.refresh()

    @property
    def found(self) -> int | None:
        """Where the line that was found last begins."""
        return self._found

    # --- copying --------------------------------------------------------------------------------

    def toggle_selection(self) -> None:
        """Begin to select lines at the last one in sight, or leave it."""
        if self.selecting:
            self._anchor = None
        else:
            self._anchor = self._cursor = self._rows[-1].place if self._rows else 0
            self.following = False
        self.refresh()
        self.post_message(self.Scrolled())

    def copied_lines(self) -> list[str]:
        """Return the selected lines, or those in sight where none are."""
        if self._anchor is None:
            lines = dict.fromkeys(row.line for row in self._rows)
            return [self._window.texts[line] for line in lines]
        first, last = sorted((self._anchor, self._cursor))
        window = self._window
        return list(window.texts[window.line_at(first) : window.line_at(last) + 1])

    # --- keys and wheel -------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move by lines: the end of the selection, or what is in sight."""
        if not self.selecting:
            self._scroll(by)
            return
        last = len(self._window.texts) - 1
        line = min(max(self._window.line_at(self._cursor) + by, 0), max(0, last))
        self._cursor = self._place_of(line)
        if self._rows and not self._rows[0].line <= line <= self._rows[-1].line:
            self._scroll(by)
        self.refresh()

    def action_page(self, by: int) -> None:
        """Move by what is in sight."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_sideways(self, by: int) -> None:
        """Scroll long lines."""
        if not self._wrap:
            longest = max((len(row.text) for row in self._rows), default=0)
            self._left = min(max(0, self._left + by * _SIDEWAYS), max(0, longest - 1))
            self.refresh()
            self.post_message(self.Scrolled())

    def toggle_wrap(self) -> None:
        """Wrap long lines, or let them go beyond the edge."""
        self._wrap, self._left = not self._wrap, 0
        self._top = self._bottom() if self.following else (self._top[0], 0)
        self._arrange()
        self.refresh()

    @property
    def left(self) -> int:
        """How many cells of long lines are out of sight on the left."""
        return self._left

    def on_click(self, event: Click) -> None:
        """Select the line that is clicked; while lines are selected, select up to it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y >= len(self._rows):
            return
        self._cursor = self._rows[offset.y].place
        if self._anchor is None:
            self._anchor, self.following = self._cursor, False
        self.refresh()
        self.post_message(self.Scrolled())

    def on_mouse_scroll_down(self) -> None:
        """Scroll by the wheel."""
        self._scroll(_WHEEL_ROWS)

    def on_mouse_scroll_up(self) -> None:
        """Scroll by the wheel."""
        self._scroll(-_WHEEL_ROWS)

    def on_resize(self) -> None:
        """Keep the end in sight, or what was."""
        self._top = self._bottom() if self.following else self._top
        self._arrange()
        self.post_message(self.Scrolled())

    def _scroll(self, by: int) -> None:
        self._at_start = False
        goal = self._moved(self._top, by)
        bottom = self._bottom()
        self.following = goal >= bottom and self._window.at_end and not self.selecting
        self._go(min(goal, bottom))
        if by < 0 and self._top == (0, 0) and self._window.start > 0:
            self.post_message(self.EdgeReached(upwards=True))
        if by > 0 and goal >= bottom and not self._window.at_end:
            self.post_message(self.EdgeReached(upwards=False))

    def _go(self, place: Place) -> None:
        self._top = place
        self._arrange()
        self.post_message(self.Scrolled())

    # --- rows -----------------------------------------------------------------------------------

    def _starts(self, line: int) -> list[int]:
        if not self._wrap:
            return [0]
        return wrap_starts(self._window.texts[line], max(1, self.size.width - _GUTTER))

    def _place_of(self, line: int) -> int:
        starts = self._window.starts
        return starts[line] if line < len(starts) else self._window.seen

    def _moved(self, place: Place, by: int) -> Place:
        """Return the place so many rows further down, or up; never above the first row."""
        line, part = place
        count = len(self._window.texts)
        while by > 0 and line < count:
            left = len(self._starts(line)) - part
            if by < left:
                return line, part + by
            line, part, by = line + 1, 0, by - left
        while by < 0:
            if -by <= part:
                return line, part + by
            if line == 0:
                return 0, 0
            by += part + 1
            line -= 1
            part = len(self._starts(line)) - 1
        return line, part

    def _bottom(self) -> Place:
        """Return the first row in sight when the last one is at the bottom."""
        return self._moved((len(self._window.texts), 0), -max(1, self.size.height))

    def _arrange(self) -> None:
        """Find the rows in sight; draw them where they are others than before."""
        line, part = self._top
        if line < len(self._window.texts):
            part = min(part, len(self._starts(line)) - 1)
        self._top = min((line, part), self._bottom())
        before, self._rows = self._rows, list(islice(self._rows_below(), self.size.height))
        if [row[1:] for row in before] != [row[1:] for row in self._rows]:
            self.refresh()

    def _rows_below(self) -> Iterator[LogRow]:
        skipped = self._top[1]
        for line in range(self._top[0], len(self._window.texts)):
            starts, text = self._starts(line), self._window.texts[line]
            ends = [*starts[1:], len(text)]
            for start, end in list(zip(starts, ends, strict=True))[skipped:]:
                yield LogRow(line, self._place_of(line), start == 0, text[start:end])
            skipped = 0

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.size.width
        if y >= len(self._rows):
            return draw_strip((), width, {}, self.rich_style)
        row = self._rows[y]
        pattern = text_pattern(self._needle) if self._needle else None
        # Not more of a very long line than is needed to see that it goes on.
        shown = cut_left(row.text, self._left)[: 2 * width]
        spans = [Span(part, "match" if hit else "") for part, hit in split_matches(shown, pattern)]
        return self._strip([Span(self._gutter(row), "key"), *spans], self._is_selected(row))

    def _gutter(self, row: LogRow) -> str:
        if row.first and row.place == self._found:
            return ">"
        return "|" if self.selecting and row.place == self._cursor else " "

    def _is_selected(self, row: LogRow) -> bool:
        if self._anchor is None:
            return False
        first, last = sorted((self._anchor, self._cursor))
        return first <= row.place <= last

    def _strip(self, spans: list[Span], selected: bool) -> Strip:
        """Draw spans; matches stand out of their line, selected or not."""
        styles, base, width = span_styles_of(self), self.rich_style, self.size.width
        segments = [
            Segment(
                span.text,
                base
                + styles.get(span.style, Style.null())
                + Style(reverse=selected != (span.style == "match")),
            )
            for span in fit_line(tuple(spans), width)
        ]
        return Strip(segments, width)
