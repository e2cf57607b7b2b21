"""Home's table of runs: its rows and headings, its filter, its columns and what is marked.

Reads nothing itself, and does nothing to a run.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message

from tuitrain.lang import said, tr
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.details import ReadDetails
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.home.listing.listed import ListedRuns
from tuitrain.ui.screens.home.listing.marks import Marks
from tuitrain.ui.screens.home.rows import RunRows
from tuitrain.ui.screens.home.search import RunSearch
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.heading import TableHeading
from tuitrain.ui.widgets.homelists import RunList
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import sanitise
from tuitrain.view.runlist.columns import offered_columns
from tuitrain.view.runlist.order import next_sort, sort_of_click
from tuitrain.view.spans import wrap_plain

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp

_READ_AHEAD = 2000
"""So many runs are read in a third of a second; then all their keys can be offered at once."""


class RunTable(Vertical):
    """The runs as a table."""

    BINDINGS = [
        Binding(
            "c",
            "columns",
            "columns",
            id="home.columns",
            tooltip="Choose the columns: fields, settings and metrics of the runs",
        ),
        Binding(
            "greater_than_sign",
            "sort_on",
            "sort",
            key_display=">",
            id="home.sort",
            tooltip="Sort by the next column; after the last one by what needs attention",
        ),
        Binding(
            "less_than_sign",
            "sort_back",
            "sort back",
            show=False,
            key_display="<",
            id="home.sort_back",
            tooltip="Sort by the column before",
        ),
        Binding(
            "b",
            "group",
            "group",
            show=False,
            id="home.group",
            tooltip="Group the runs as a tree by settings or fields; Enter opens and closes groups",
        ),
        Binding(
            "r",
            "reverse",
            "reverse",
            show=False,
            id="home.reverse",
            tooltip="Turn the order round",
        ),
    ]

    class Shown(Message):
        """Other rows may be in sight, or other values are needed."""

    def __init__(
        self,
        clock: Callable[[], float],
        look: Callable[[], TerminalStyle],
        preferences: Callable[[], Preferences],
    ) -> None:
        """Show no runs yet.

        Args:
            clock: seconds since the epoch, for the age of runs.
            look: what the terminal can show.
            preferences: where columns and order are remembered.
        """
        super().__init__(id="runs-panel", classes="panel")
        self.listed = ListedRuns(clock)
        self.marks = Marks()
        self.search = RunSearch(self.listed)
        self.rows = RunRows(self.listed, self.marks, clock, look)
        self._preferences = preferences
        self._ready = False
        self._fault = ""
        """Why the folder of runs can't be read, where that is so."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ask nothing while another screen is about to cover the table."""
        del action, parameters
        return not cast("TuitrainApp", self.app).opener.is_opening

    def compose(self) -> ComposeResult:
        """Lay the table out."""
        yield self.search
        yield Lines(id="fault")
        yield self.rows

    def on_mount(self) -> None:
        """Look as remembered."""
        self.border_title = tr("runs")
        self.listed.choose(self._preferences().columns)
        self.listed.sort_by(self._preferences().sort)
        self.listed.group_by(self._preferences().group)

    @property
    def chosen(self) -> Sequence[RunSummary]:
        """The marked runs, or the one under the cursor where none is marked."""
        order = [run.path for run in self.listed.all]
        marked = self.marks.chosen(order, "")
        paths = marked or self.listed.tree.paths(self.rows.list.key)
        runs = self.listed.known.runs
        return [runs[path] for path in paths if path in runs]

    @property
    def wanted(self) -> Sequence[RunSummary]:
        """The runs whose details are needed: of very many those in sight, until a filter asks."""
        asked = self.listed.needs_details or self.search.is_open
        if asked or len(self.listed.known.runs) <= _READ_AHEAD:
            return self.listed.all
        return self.rows.in_sight

    # --- what threads bring ---------------------------------------------------------------------

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Show other runs."""
        self._ready = True
        self.listed.take_runs(runs)
        self.marks.keep(self.listed.known.runs)
        self.show()

    def take_details(self, read: ReadDetails) -> None:
        """Show what was read of runs."""
        self.listed.take_details(read)
        self.show()

    def take_curves(self, curves: Mapping[str, tuple[float, ...]]) -> None:
        """Show other small curves."""
        self.rows.take_curves(curves)
        self.show()

    def take_fault(self, fault: str) -> None:
        """Say why the folder can't be read."""
        self._fault = fault
        shown = self.query_one("#fault", Lines)
        shown.display = bool(fault)
        shown.show_lines(wrap_plain(said(fault), self.content_size.width, "bad"))
        self.show()

    # --- what is shown --------------------------------------------------------------------------

    def show(self) -> None:
        """Show the runs as they are now; only what differs is drawn."""
        self.listed.refresh()
        known = self._ready and not self._fault
        none = tr("no runs yet: Enter on a preset starts one")
        empty = tr("no run has these words") if self.search.line.value else none
        self.rows.show(self._preferences().columns, empty if known else "")
        self.search.show()
        self._show_titles()
        self.post_message(self.Shown())

    def _show_titles(self) -> None:
        text = self.search.line.value
        title = f"{tr('runs')} / {sanitise(text)}".replace("[", "\\[") if text else tr("runs")
        place = self.rows.place_words()
        # Setting a title draws the border again, whether or not it is another one.
        if title != self.border_title:
            self.border_title = title
        if place != self.border_subtitle:
            self.border_subtitle = place

    # --- what is typed and clicked --------------------------------------------------------------

    @on(RunList.Moved)
    def _moved(self) -> None:
        self._show_titles()

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self.listed.search(event.value)
        self.show()

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        self.rows.list.focus()
        self.call_after_refresh(self.show)
        if event.take:
            self.rows.list.action_choose()

    @on(TableHeading.Picked)
    def _heading_picked(self, event: TableHeading.Picked) -> None:
        self._sort(sort_of_click(self.listed.sort, event.sort_key))

    def _sort(self, key: str) -> None:
        self.listed.sort_by(key)
        self._preferences().remember_table(self._preferences().columns, key)
        self.show()

    def filter(self) -> None:
        """Let a filter be typed."""
        self.search.line.open()
        self.listed.typed.prepare()
        self.show()

    def action_sort_on(self) -> None:
        """Sort by the next column."""
        self._sort_beside(1)

    def action_sort_back(self) -> None:
        """Sort by the column before."""
        self._sort_beside(-1)

    def _sort_beside(self, by: int) -> None:
        self._sort(next_sort(self.rows.layout_with(self._preferences().columns), by))

    def action_reverse(self) -> None:
        """Turn the order round."""
        sort = self.listed.sort
        if sort:
            self._sort(sort[1:] if sort.startswith("-") else f"-{sort}")

    @on(RunList.Toggled)
    def _branch_toggled(self, event: RunList.Toggled) -> None:
        self.listed.toggle_branch(event.key)
        self.show()

    def action_group(self) -> None:
        """Ask what to group the runs by."""
        # Imported here: home opens without it.
        from tuitrain.ui.screens.dialogs import Ask

        asked = Ask(
            tr("Group the runs by"),
            value=" ".join(self.listed.tree.keys),
            hint=tr("Settings or fields, the outermost first: model lr; empty: a plain list."),
            check=lambda text: self.listed.known.check_keys(text.split()),
        )
        self.app.push_screen(asked, self._group)

    def _group(self, text: str | None) -> None:
        if text is not None:
            self._preferences().remember_group(text.split())
            self.listed.group_by(text.split())
            self.show()

    def action_columns(self) -> None:
        """Ask for other columns."""
        # Imported here: home opens without it.
        from tuitrain.ui.screens.home.columns import ChooseColumns

        offered = offered_columns(self.listed.known.keys.keys)
        self.app.push_screen(ChooseColumns(offered, self._preferences().columns), self._choose)

    def _choose(self, columns: tuple[str, ...] | None) -> None:
        if columns is not None:
            self._preferences().remember_table(columns, self.listed.sort)
            self.listed.choose(columns)
            self.show()
