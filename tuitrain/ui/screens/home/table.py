"""Home's table of runs: its rows and headings, its filter and what is marked.

Reads nothing itself, and does nothing to a run.
"""

from collections.abc import Callable, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tuitrain.lang import said, tr
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.details import ReadDetails
from tuitrain.ui.screens.home.listing.listed import ListedRuns
from tuitrain.ui.screens.home.listing.marks import Marks
from tuitrain.ui.screens.home.rows import RunRows
from tuitrain.ui.screens.home.search import RunSearch
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.homelists import RunList
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import sanitise
from tuitrain.view.spans import wrap_plain

_READ_AHEAD = 2000
"""So many runs are read in a third of a second; then all their keys can be offered at once."""


class RunTable(Vertical):
    """The runs as a table."""

    class Shown(Message):
        """Other rows may be in sight, or other values are needed."""

    def __init__(self, clock: Callable[[], float], look: Callable[[], TerminalStyle]) -> None:
        """Show no runs yet.

        Args:
            clock: seconds since the epoch, for the age of runs.
            look: what the terminal can show.
        """
        super().__init__(id="runs-panel", classes="panel")
        self.listed = ListedRuns(clock)
        self.marks = Marks()
        self.search = RunSearch(self.listed)
        self.rows = RunRows(self.listed, self.marks, clock, look)
        self._ready = False
        self._fault = ""
        """Why the folder of runs can't be read, where that is so."""

    def compose(self) -> ComposeResult:
        """Lay the table out."""
        yield self.search
        yield Lines(id="fault")
        yield self.rows

    def on_mount(self) -> None:
        """Name the panel."""
        self.border_title = tr("runs")

    @property
    def chosen(self) -> Sequence[RunSummary]:
        """The marked runs, or the one under the cursor where none is marked."""
        order = [run.path for run in self.listed.all]
        marked = self.marks.chosen(order, "")
        paths = marked or self.listed.tree.paths(self.rows.list.key)
        runs = self.listed.known.runs
        return [runs[path] for path in paths if path in runs]

    @property
    def has_chosen(self) -> bool:
        """Whether any run, or branch, is marked or under the cursor."""
        return bool(len(self.marks) or self.rows.list.key)

    @property
    def is_empty(self) -> bool:
        """Whether there is no run, as far as that is known."""
        return self._ready and not self.listed.known.runs

    @property
    def wanted(self) -> Sequence[RunSummary]:
        """The runs whose details are needed: of very many those in sight, until a filter asks."""
        asked = self.listed.needs_details or self.search.is_open
        if asked or len(self.listed.all) <= _READ_AHEAD:
            return self.listed.all
        return self.rows.in_sight

    # --- what threads bring ---------------------------------------------------------------------

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Show other runs."""
        was_empty, self._ready = self.is_empty, True
        self.listed.take_runs(runs)
        self.marks.keep(self.listed.known.runs)
        self.show()
        if self.is_empty != was_empty:
            self.screen.refresh_bindings()

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
        none = tr(
            "no runs yet: Enter on a preset starts one (Tab goes there and back): it opens a form, "
            "and Enter there begins. Runs that `tuitrain run` starts stand here too."
        )
        empty = tr("no run has these words: Escape shows all")
        empty = empty if self.search.line.value else none
        self.rows.show(empty if known else "")
        self.search.show()
        self._show_titles()
        self.post_message(self.Shown())

    @on(RunList.Moved)
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

    def on_descendant_focus(self) -> None:
        """Show which row Enter takes while a filter is typed."""
        self.rows.list.aim(self.search.line.has_focus)

    on_descendant_blur = on_descendant_focus

    def filter(self) -> None:
        """Let a filter be typed."""
        self.search.line.open()
        self.listed.typed.prepare()
        self.show()

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

    @on(RunList.Toggled)
    def _branch_toggled(self, event: RunList.Toggled) -> None:
        self.listed.toggle_branch(event.key)
        self.show()
