"""A list with a cursor, headings that can't be picked, and marks; any length costs the same.

Knows rows by a key and how they look, not what they stand for.
"""

from collections.abc import Sequence
from typing import NamedTuple

from textual.binding import Binding
from textual.events import Click
from textual.message import Message

from tuitrain.ui.widgets.lines import ScrollLines
from tuitrain.view.spans import SpanLine, wrap_plain

_RIGHT = 3


class Row(NamedTuple):
    """One row; without a key it is a heading."""

    key: str
    line: SpanLine


class RowMessage(Message):
    """Something has become of a row of a list."""

    def __init__(self, picker: "PickList", key: str) -> None:
        super().__init__()
        self.picker = picker
        self.key = key

    @property
    def control(self) -> "PickList":
        """The list."""
        return self.picker


class PickList(ScrollLines):
    """Rows with a cursor on one of them."""

    BINDINGS = [
        Binding("up,k", "move(-1)", "up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "down", show=False, id="list.down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="list.page_up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="list.page_down"),
        Binding("home,g", "edge(-1)", "first", show=False, id="list.first"),
        Binding("end,G", "edge(1)", "last", show=False, id="list.last"),
        Binding("enter", "choose", "open", show=False, id="list.open"),
    ]

    class Chosen(RowMessage):
        """A row was opened."""

    class Moved(RowMessage):
        """The cursor is on another row."""

    class Marked(RowMessage):
        """A row was clicked with the right button, or with Ctrl: it is to be marked."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: tuple[Row, ...] = ()
        self._cursor = -1
        self._aimed_at = False

    @property
    def key(self) -> str:
        """The key under the cursor; empty in an empty list."""
        return self._rows[self._cursor].key if 0 <= self._cursor < len(self._rows) else ""

    @property
    def place(self) -> int:
        """The number of the row under the cursor, from 0 on; -1 in an empty list."""
        return self._cursor

    @property
    def keys(self) -> list[str]:
        """All keys in order."""
        return [row.key for row in self._rows if row.key]

    def show_rows(self, rows: Sequence[Row], empty: str = "") -> None:
        """Show other rows; the cursor stays on its key where that is still there, and in sight."""
        held, was, seen = self.key, self._cursor, self._in_sight(self._cursor)
        self._rows = tuple(rows)
        place = next((i for i, row in enumerate(self._rows) if row.key and row.key == held), -1)
        if place < 0:
            place = self._nearest(max(0, self._cursor))
        self._cursor = place
        lines = [row.line for row in self._rows]
        self.show_lines(lines or wrap_plain(empty, self.size.width, "quiet"))
        if seen and place != was:
            # How far the new rows can be scrolled is known once they are laid out.
            self.call_after_refresh(self._show_cursor)
        if self.key != held:
            self.post_message(self.Moved(self, self.key))
        if bool(self.key) != bool(held):
            self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to open a row where there is one."""
        del parameters
        return action != "choose" or bool(self.key)

    def go_to(self, key: str) -> None:
        """Put the cursor on a key, if it is there."""
        for place, row in enumerate(self._rows):
            if row.key == key:
                self._put_cursor(place)

    def _nearest(self, place: int) -> int:
        choices = [i for i, row in enumerate(self._rows) if row.key]
        return min(choices, key=lambda i: abs(i - place)) if choices else -1

    def _put_cursor(self, place: int) -> None:
        if place < 0 or place == self._cursor:
            return
        before, self._cursor = self._cursor, place
        self.refresh_line(before)
        self.refresh_line(place)
        self._show_cursor()
        self.post_message(self.Moved(self, self.key))

    def _in_sight(self, place: int) -> bool:
        return 0 <= place - self.scroll_offset.y < self.size.height

    def _show_cursor(self) -> None:
        """Scroll as little as brings the cursor into sight."""
        place = self._cursor
        # A heading right above the first row comes into sight with it.
        top = place - 1 if place == 1 else place
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif place >= self.scroll_offset.y + self.size.height:
            self.scroll_to(y=place - self.size.height + 1, animate=False)

    def on_click(self, event: Click) -> None:
        """Put the cursor on the row that is clicked; a second click opens it, a right one marks."""
        place = self.row_under(event)
        if place is None or place >= len(self._rows) or not self._rows[place].key:
            return
        self._put_cursor(place)
        if event.button == _RIGHT or event.ctrl:
            self.post_message(self.Marked(self, self.key))
        elif event.chain == 2:
            self.action_choose()

    def aim(self, at: bool) -> None:
        """Let the row under the cursor stand out: a key takes it that is pressed elsewhere."""
        self._aimed_at = at
        self.refresh_line(self._cursor)

    def is_reversed(self, y: int) -> bool:
        """The row under the cursor stands out while a key would take it."""
        return y == self._cursor and (self.has_focus or self._aimed_at)

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh_line(self._cursor)

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.refresh_line(self._cursor)

    def action_move(self, by: int) -> None:
        """Move to the next row that can be picked."""
        place = self._cursor + by
        while 0 <= place < len(self._rows) and not self._rows[place].key:
            place += by
        if 0 <= place < len(self._rows):
            self._put_cursor(place)

    def action_page(self, by: int) -> None:
        """Move by what is in sight."""
        self._put_cursor(self._nearest(self._cursor + by * max(1, self.size.height - 1)))

    def action_edge(self, side: int) -> None:
        """Move to the first or last row."""
        self._put_cursor(self._nearest(0 if side < 0 else len(self._rows) - 1))

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.key:
            self.post_message(self.Chosen(self, self.key))
