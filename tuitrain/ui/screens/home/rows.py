"""The rows of home's table with their headings, and what stands in them.

Knows how runs are drawn, not which are listed or what is done to them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical

from tuitrain.lang import tr
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.screens.home.listing.listed import ListedRuns
from tuitrain.ui.screens.home.listing.marks import Marks
from tuitrain.ui.screens.home.listing.tree import Branch
from tuitrain.ui.widgets.heading import TableHeading
from tuitrain.ui.widgets.homelists import RunList
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import sanitise
from tuitrain.view.runlist.columns import TableLayout
from tuitrain.view.runlist.lines import run_line
from tuitrain.view.runrows import RunRow
from tuitrain.view.spans import Span, SpanLine

_BRANCH_CELLS = 2
"""By so much what belongs to a branch stands further to the right."""


class RunRows(Vertical):
    """Headings above a list of runs."""

    def __init__(
        self,
        listed: ListedRuns,
        marks: Marks,
        clock: Callable[[], float],
        look: Callable[[], TerminalStyle],
    ) -> None:
        """Draw the runs that are listed; `look` tells what the terminal can show."""
        super().__init__(id="rows")
        self.list = RunList(id="runs")
        self._heading = TableHeading(id="heading")
        self._listed, self._marks = listed, marks
        self._clock, self._look = clock, look
        self._curves: dict[str, tuple[float, ...]] = {}

    def compose(self) -> ComposeResult:
        """Lay the rows out."""
        yield self._heading
        yield self.list

    @property
    def at_cursor(self) -> RunSummary | None:
        """The run under the cursor."""
        return self._listed.known.runs.get(self.list.key)

    @property
    def in_sight(self) -> Sequence[RunSummary]:
        """The runs whose rows the screen shows."""
        runs = self._listed.known.runs
        return [runs[key] for key in self.list.keys_in_sight() if key in runs]

    def take_curves(self, curves: Mapping[str, tuple[float, ...]]) -> None:
        """Draw other small curves from now on."""
        self._curves.update(curves)

    @property
    def layout_now(self) -> TableLayout:
        """The layout in the room there is."""
        listed = self._listed
        needs = replace(listed.needs, name=listed.needs.name + self._indent)
        return TableLayout(self.list.size.width, needs, listed.columns, listed.sort)

    @property
    def _indent(self) -> int:
        """Cells before the name of a run below all the branches it belongs to."""
        return _BRANCH_CELLS * len(self._listed.tree.keys)

    def show(self, empty: str) -> None:
        """Show the runs as they are now; `empty` stands where there are none."""
        layout = self.layout_now
        # Worded when drawn, with a clock that stands still for all rows of one pass.
        draw = partial(self._draw, layout, self._clock())
        shown = self._listed.rows
        self.list.show_keys(shown, draw, empty)
        self._heading.show_layout(layout if shown else None, self._look())

    def _draw(self, layout: TableLayout, now: float, path: str) -> SpanLine:
        listed = self._listed
        branch = listed.tree.branch(path)
        if branch is not None:
            return self._draw_branch(branch)
        known = listed.known
        row = RunRow(
            known.runs[path],
            path in self._marks,
            self._curves.get(path, ()),
            known.values.get(path),
            known.called.get(path, ""),
            self._indent,
        )
        return run_line(row, layout, now, self._look())

    def _draw_branch(self, branch: Branch) -> SpanLine:
        ascii_only = self._look().ascii
        sign = ("v" if ascii_only else "▾") if branch.is_open else (">" if ascii_only else "▸")
        count = len(branch.paths)
        words = f"{' ' * _BRANCH_CELLS * branch.depth}{sign} {sanitise(branch.words)}"
        return (
            Span(f" {words}", "title"),
            Span(f"  {tr('{n} run' if count == 1 else '{n} runs', n=count)}", "quiet"),
        )

    def place_words(self) -> str:
        """Return where the cursor is, among how many, and how many are marked."""
        shown, total = len(self._listed.shown), len(self._listed.known.runs)
        if not total:
            return ""
        row = self.list.place
        # Branches are no runs: where there are some, the cursor's place is told among all rows.
        place = f"{row + 1 if shown else 0}/{len(self._listed.rows) or shown}"
        place += tr(" rows, {n} runs", n=shown) if self._listed.tree.keys else ""
        place += tr(" of {total}", total=total) if shown != total else ""
        marked = len(self._marks)
        return f"{tr('{n} marked', n=marked)}  {place}" if marked else place
