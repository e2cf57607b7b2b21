"""A question above home: which columns the table of runs has, and in which order."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tuitrain.lang import tr
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.view.format import sanitise
from tuitrain.view.runlist.columns import usual_columns
from tuitrain.view.spans import Span


class ChooseColumns(Whole, ModalScreen[tuple[str, ...] | None]):
    """Keys to mark with space and to take with Enter; Escape changes nothing."""

    BINDINGS = [
        Binding("space", "show", "show", id="columns.toggle", tooltip="Show this column or not."),
        Binding("K", "shift(-1)", "left", id="columns.left",
                tooltip="Put this column further to the left."),
        Binding("J", "shift(1)", "right", id="columns.right",
                tooltip="Put this column further to the right."),
        Binding("d", "usual", "default", id="columns.usual", tooltip="Choose the usual columns."),
        Binding("slash", "filter", "filter", id="columns.filter",
                tooltip="Show only keys with what is typed in them."),
        Binding("enter", "take", "take", id="columns.take", tooltip="Take these columns."),
        Binding("escape,q", "leave", "cancel", id="columns.leave", tooltip="Change nothing."),
    ]  # fmt: skip
    CSS = "ChooseColumns PickList { height: 12; }"

    def __init__(self, offered: Sequence[str], chosen: Sequence[str]) -> None:
        """Offer columns by key; `chosen` are those there are now, empty: the usual ones."""
        super().__init__()
        self._offered = offered
        self._chosen = list(chosen or usual_columns())

    def compose(self) -> ComposeResult:
        """Show the list."""
        with Vertical(classes="dialog"):
            yield Static(tr("Columns beside the name; what does not fit is left out"), markup=False)
            yield FilterLine(id="columns-filter")
            yield PickList()
            yield Static(
                tr("space show  K J move  d default  / filter  enter take  esc"),
                markup=False,
            )

    def on_mount(self) -> None:
        """Fill the list."""
        self._show()
        self.query_one(PickList).focus()

    def _show(self) -> None:
        words = self.query_one(FilterLine).value.casefold().split()
        keys = list(dict.fromkeys([*self._chosen, *self._offered]))
        rows = [self._row(key) for key in keys if all(word in key.casefold() for word in words)]
        self.query_one(PickList).show_rows(rows, tr("no key has these words"))

    def _row(self, key: str) -> Row:
        mark = "[x]" if key in self._chosen else "[ ]"
        return Row(key, (Span(f"{mark} "), Span(sanitise(key))))

    def action_show(self) -> None:
        """Show the column under the cursor, as the last one, or show it no more."""
        key = self.query_one(PickList).key
        if not key:
            return
        if key in self._chosen:
            self._chosen.remove(key)
        else:
            self._chosen.append(key)
        self._show()

    def action_shift(self, by: int) -> None:
        """Move the column under the cursor."""
        key = self.query_one(PickList).key
        if key in self._chosen:
            place = self._chosen.index(key)
            self._chosen.insert(max(0, place + by), self._chosen.pop(place))
            self._show()

    def action_usual(self) -> None:
        """Choose the usual columns."""
        self._chosen = list(usual_columns())
        self._show()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterLine).open()

    @on(FilterLine.Changed)
    def _filter_changed(self) -> None:
        self._show()

    @on(FilterLine.Left)
    def _filter_left(self) -> None:
        self.query_one(PickList).focus()

    @on(PickList.Chosen)
    def action_take(self) -> None:
        """Close with the columns; the usual ones in their order give way as they always did."""
        chosen = tuple(self._chosen)
        self.dismiss(() if chosen == usual_columns() else chosen)

    def action_leave(self) -> None:
        """Close without a change."""
        self.dismiss(None)
