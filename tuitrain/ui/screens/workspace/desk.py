"""Charts, legend and tables of a workspace: where they are, and what stands in them.

Draws what `ShownRuns` has; reads nothing, and knows no key.
"""

from functools import partial

from textual.app import ComposeResult
from textual.geometry import Size
from textual.timer import Timer

from tuitrain.lang import tr
from tuitrain.ui.charting import along_of, axes_of
from tuitrain.ui.curve_choices import AXIS_WORDS, group_single
from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.curves.desk import ChartDesk
from tuitrain.ui.screens.workspace.charts import MadeLines, chart_of, values_words
from tuitrain.ui.screens.workspace.differences import difference_lines
from tuitrain.ui.screens.workspace.legend import LegendPanel
from tuitrain.ui.screens.workspace.shown import ShownRuns
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.chartgrid import DrawnChart
from tuitrain.ui.widgets.chartpages import Group
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.spans import plain_line
from tuitrain.view.workspace.legend import Shown, legend_lines
from tuitrain.view.workspace.top import top_parts

_CHART_ROWS = 9
"""Below this height a chart is hardly one."""
_LEAST_LEGEND = 4
_WIDE, _VERY_WIDE = 100, 170
_TOGETHER_S = 0.02
_GATHERED_S = 0.25
"""Curves that are being read for the first time are drawn at once, unless it takes longer."""


class Desk(ChartDesk):
    """Charts above their legend, or tables instead of both."""

    DEFAULT_CSS = """
    Desk #differences { height: 1fr; display: none; }
    Desk.tables #differences { display: block; }
    Desk.tables #curves, Desk.tables #legend-panel { display: none; }
    """

    def __init__(self, shown: ShownRuns, asked_for: int) -> None:
        """Draw these runs, of all those that were asked for."""
        super().__init__(Curves(group_single, reads=False))
        self._shown = shown
        self._asked_for = asked_for
        self._made = MadeLines()
        self._due: Timer | None = None
        self._is_gathering = False
        self._top = TopLine(id="top")
        self.legend = LegendPanel(id="legend-panel")
        self.tables = Reader(id="differences")

    def compose(self) -> ComposeResult:
        """Lay the parts out."""
        yield self._top
        yield self.curves
        yield self.legend
        yield self.tables

    @property
    def shows_tables(self) -> bool:
        """Whether the tables are in sight and not the charts."""
        return self.has_class("tables")

    def turn(self) -> None:
        """Show the tables, or the charts again."""
        self.toggle_class("tables")
        (self.tables if self.shows_tables else self.curves.grid.panels[0]).focus()

    def sizes(self) -> tuple[Size, ...]:
        """Return the rooms of the tables and of all panels."""
        return (self.tables.size, *super().sizes())

    def make_room(self) -> bool:
        """Share the rows out between charts and legend; return whether all have their rooms."""
        shown, (width, height) = self._shown, self.size
        along = partial(along_of, shown.leader, self.curves.choices.axis)
        axes = axes_of(shown.leader)
        self.curves.known = Curves.Known(shown.runs.names, shown.runs.reach, along, axes)
        height -= 1  # The top line has one.
        rows = min(1 + max(1, len(shown.legend.entries)), max(_LEAST_LEGEND, height // 3))
        self.legend.styles.height = rows
        columns = 1 if width < _WIDE else 2 if width < _VERY_WIDE else 3
        grid = self.curves.grid
        grid.pages.fit(columns, min(max(1, (height - rows) // _CHART_ROWS), 3))
        grid.place(self.curves.groups)
        return self.shows_tables or grid.has_rooms()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of the charts in sight, and those along their x axes."""
        titles = [title for title, _ in self.curves.grid.pages.in_sight(self.curves.groups)]
        return tuple(dict.fromkeys([*titles, *self.curves.choices.across_of(titles)]))

    # --- drawing --------------------------------------------------------------------------------

    def draw_soon(self, *, gathering: bool) -> None:
        """Draw at once what several threads bring at about the same time."""
        if self._due is not None:
            if gathering or not self._is_gathering:
                return
            self._due.stop()
        self._is_gathering = gathering
        self._due = self.set_timer(_GATHERED_S if gathering else _TOGETHER_S, self._draw_due)

    def _draw_due(self) -> None:
        self._due = None
        self.draw()

    def draw_parts(self) -> None:
        """Draw what is in sight."""
        shown, choices = self._shown, self.curves.choices
        axis = tr(AXIS_WORDS.get(choices.axis, choices.axis))
        parts = top_parts(
            shown.legend, shown.hidden, shown.band, self._asked_for, (axis, choices.pattern)
        )
        self._top.show_parts(*parts)
        if self.shows_tables:
            self.tables.show_lines(difference_lines(shown, self.tables.size.width))
        else:
            self._draw_charts()
            self.draw_legend()

    def _draw_charts(self) -> None:
        grid, groups, choices = self.curves.grid, self.curves.groups, self.curves.choices
        seen = grid.pages.in_sight(groups)
        if not seen:
            grid.show_words(plain_line(f"  {self._empty_words()}", "quiet"))
            return
        above = f"{choices.window_words()}{grid.pages.where(groups)}"
        drawn = [self._drawn(group, above if n == 0 else None) for n, group in enumerate(seen)]
        grid.show(drawn, app_of(self).look)

    def _drawn(self, group: Group, above: str | None) -> DrawnChart:
        title, choices = group[0], self.curves.choices
        chart = chart_of(self._shown, self._made, title, choices, with_words=above is not None)
        settings = choices.settings_of(title).describe()
        words = f"{settings}{choices.span_words(title)}{above or ''}"
        return DrawnChart(f"{sanitise(title)}{words}", chart, ())

    def _empty_words(self) -> str:
        if not self._shown.runs.is_complete:
            return tr("reading the runs ...")
        if not self._shown.runs.names:
            return tr("no points yet")
        hidden = any(each.hidden for each in self.curves.choices.charts.values())
        return (
            tr("all charts are hidden (H shows them)")
            if hidden
            else tr("no metric matches the filter: / changes it, and empty shows all")
        )

    def draw_legend(self) -> None:
        """Say which run is which, and its value on the chart in front."""
        shown, front, chart = self._shown, self.front.group, self.curves.grid.chart_in_front
        about, values = "", dict[str, str]()
        if front is not None and chart is not None:
            where, values = values_words(shown, chart)
            about = f"{sanitise(front[0])} {where}"
        done = Shown(shown.hidden, shown.top)
        heading, lines = legend_lines(shown.legend, values, about, self.size.width, done)
        self.legend.show(heading, [entry.key for entry in shown.legend.entries], lines)
