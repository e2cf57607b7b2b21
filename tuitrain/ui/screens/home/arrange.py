"""Home's table as its user arranges it: columns, order and groups, which are remembered."""

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from tuitrain.lang import tr
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.home.table import RunTable
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.heading import TableHeading
from tuitrain.view.runlist.columns import offered_columns
from tuitrain.view.runlist.order import next_sort, sort_of_click


class TableKeys(Vertical):
    """Around the table: keys and clicks that arrange it."""

    BINDINGS = [
        Binding("c", "columns", "columns", id="home.columns",
                tooltip="Choose the columns: fields, settings and metrics of the runs"),
        Binding("greater_than_sign", "sort(1)", "sort", id="home.sort", key_display=">",
                tooltip="Sort by the next column; after the last one by what needs attention"),
        Binding("less_than_sign", "sort(-1)", "sort back", show=False, id="home.sort_back",
                key_display="<", tooltip="Sort by the column before"),
        Binding("b", "group", "group", show=False, id="home.group",
                tooltip="Group the runs as a tree by settings or fields; Enter opens and "
                "closes groups"),
        Binding("r", "reverse", "reverse", show=False, id="home.reverse",
                tooltip="Turn the order round"),
    ]  # fmt: skip

    def __init__(self, table: RunTable, preferences: Callable[[], Preferences]) -> None:
        """Arrange `table`; `preferences` are where that is remembered."""
        super().__init__(id="table-keys")
        self._table = table
        self._listed = table.listed
        self._preferences = preferences

    def compose(self) -> ComposeResult:
        """Show the table."""
        yield self._table

    def on_mount(self) -> None:
        """Arrange it as remembered."""
        self._listed.choose(self._preferences().columns)
        self._listed.sort_by(self._preferences().sort)
        self._listed.group_by(self._preferences().group)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ask nothing of no runs, nor while another screen is about to cover the table."""
        del action, parameters
        is_opening = app_of(self).opener.is_opening
        return not is_opening and not self._table.is_empty

    # --- order ----------------------------------------------------------------------------------

    @on(TableHeading.Picked)
    def _heading_picked(self, event: TableHeading.Picked) -> None:
        self._sort(sort_of_click(self._listed.sort, event.sort_key))

    def action_sort(self, by: int) -> None:
        """Sort by the column that comes `by` after the one it is sorted by."""
        self._sort(next_sort(self._table.rows.layout_now, by))

    def action_reverse(self) -> None:
        """Turn the order round."""
        sort = self._listed.sort
        if sort:
            self._sort(sort[1:] if sort.startswith("-") else f"-{sort}")

    def _sort(self, key: str) -> None:
        self._listed.sort_by(key)
        self._preferences().remember_table(self._listed.columns, key)
        self._table.show()

    # --- groups and columns ---------------------------------------------------------------------

    def action_group(self) -> None:
        """Ask what to group the runs by."""
        # Imported here: home opens without it.
        from tuitrain.ui.screens.dialogs import Ask

        asked = Ask(
            tr("Group the runs by"),
            value=" ".join(self._listed.tree.keys),
            hint=tr("Settings or fields, the outermost first: model lr; empty: a plain list."),
            check=lambda text: self._listed.known.check_keys(text.split()),
        )
        self.app.push_screen(asked, self._group)

    def _group(self, text: str | None) -> None:
        if text is not None:
            self._preferences().remember_group(text.split())
            self._listed.group_by(text.split())
            self._table.show()

    def action_columns(self) -> None:
        """Ask for other columns."""
        # Imported here: home opens without it.
        from tuitrain.ui.screens.home.columns import ChooseColumns

        offered = offered_columns(self._listed.known.keys.keys)
        self.app.push_screen(ChooseColumns(offered, self._listed.columns), self._choose)

    def _choose(self, columns: tuple[str, ...] | None) -> None:
        if columns is not None:
            self._preferences().remember_table(columns, self._listed.sort)
            self._listed.choose(columns)
            self._table.show()
