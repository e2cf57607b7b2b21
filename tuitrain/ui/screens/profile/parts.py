"""What opens above a profile: where a row's time comes from, and which profile to compare with.

Knows lines and rows of the record; nothing of digests.
"""

import time
from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tuitrain.lang import tr
from tuitrain.runs.rows import ProfileRow
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.ui.widgets.reader import Reader
from tuitrain.view.profiletext import profile_words
from tuitrain.view.spans import SpanLine, plain_line


class RowList(PickList, inherit_bindings=False):
    """The rows of a table; `g` is free for what they are grouped by."""

    BINDINGS = [
        Binding("up,k", "move(-1)", "up", show=False, id="rows.up"),
        Binding("down,j", "move(1)", "down", show=False, id="rows.down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="rows.page_up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="rows.page_down"),
        Binding("home", "edge(-1)", "first", show=False, id="rows.first"),
        Binding("end,G", "edge(1)", "last", show=False, id="rows.last"),
        Binding("enter", "choose", "call sites", show=False, id="rows.open",
                tooltip="Show the call sites and sizes that a row's time comes from."),
    ]  # fmt: skip


class Details(Whole, ModalScreen[None]):
    """Lines to read."""

    DEFAULT_CSS = """
    Details Reader { width: 110; max-width: 96%; height: 80%; border: round $accent; background: $surface; padding: 0 1; }
    """  # noqa: E501
    BINDINGS = [
        Binding("q,escape,enter", "back", "close", id="details.back", tooltip="Close."),
    ]

    def __init__(self, lines: Callable[[int], Sequence[SpanLine]]) -> None:
        """Show what `lines` returns for a width."""
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Show the lines."""
        yield Reader()

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        reader = self.query_one(Reader)
        reader.show_lines(self._lines(reader.size.width))

    def action_back(self) -> None:
        """Close."""
        self.dismiss()


class ChooseProfile(Whole, ModalScreen[str | None]):
    """One of several profiles, by its name; Escape takes none."""

    DEFAULT_CSS = "ChooseProfile PickList { height: 8; }"
    BINDINGS = [
        Binding(
            "escape,q", "leave", "cancel", id="choose_profile.leave", tooltip="Change nothing."
        ),
    ]

    def __init__(self, rows: Sequence[ProfileRow], clock: Callable[[], float] = time.time) -> None:
        """Offer the profiles `rows`; `clock` gives seconds since the epoch."""
        super().__init__()
        self._rows = rows
        self._clock = clock

    def compose(self) -> ComposeResult:
        """Show the list."""
        with Vertical(classes="dialog"):
            yield Static(tr("Compare with"), markup=False)
            yield PickList()
            yield Static(tr("enter compare   esc cancel"), markup=False)

    def on_mount(self) -> None:
        """Fill the list."""
        now = self._clock()
        rows = [Row(row.name, plain_line(profile_words(row, now)[0])) for row in self._rows]
        picker = self.query_one(PickList)
        picker.show_rows(rows)
        picker.focus()

    def on_pick_list_chosen(self, event: PickList.Chosen) -> None:
        """Close with the name."""
        event.stop()
        self.dismiss(event.key)

    def action_leave(self) -> None:
        """Close without one."""
        self.dismiss(None)
