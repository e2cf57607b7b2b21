"""What the run screen shows, and where: curves, where the run stands, devices, what happened.

It draws what its follower delivers; it opens no file, and knows no key.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal

from tuitrain.ui.charting import (
    Overlay,
    along_of,
    axes_of,
    build_chart,
    empty_words,
    is_read_for,
    last_values,
    named_overlays,
    reach_of,
    request_for,
)
from tuitrain.ui.feeds.overlays import Overlays
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot, devices_of
from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.curves.desk import ChartDesk
from tuitrain.ui.screens.run.panels import Happened, RunNote, RunTop
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.chartgrid import DrawnChart
from tuitrain.ui.widgets.chartpages import Group
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.runside import RunSide
from tuitrain.view.format import sanitise
from tuitrain.view.run import sidetext
from tuitrain.view.spans import plain_line

_CHART_ROWS = 9
"""Below this height a chart is hardly one: fewer are shown then."""
_WIDE, _VERY_WIDE = 110, 170
_NARROW = 72


class RunDesk(ChartDesk):
    """One run, as it was read last."""

    DEFAULT_CSS = """
    RunDesk #main { height: 1fr; }
    RunDesk #side { width: 18; margin-left: 1; }
    RunDesk #happened { height: 3; }
    RunDesk #memory { height: 1; }
    """

    def __init__(self, run_id: str, overlays: Overlays) -> None:
        """Show nothing of a run yet; `overlays` are drawn over it."""
        super().__init__(Curves())
        self._overlays = overlays
        self._top, self._note, self._side = RunTop(id="top"), RunNote(id="note"), RunSide(id="side")
        self._memory, self._happened = Lines(id="memory"), Happened()
        self.snapshot = RunSnapshot(run_id)

    def compose(self) -> ComposeResult:
        """Lay the panels out; how many charts are seen depends on the size."""
        yield self._top
        yield self._note
        with Horizontal(id="main"):
            yield self.curves
            yield self._side
        yield self._memory
        yield self._happened

    def take(self, snapshot: RunSnapshot) -> None:
        """Show this from now on."""
        if snapshot.error:
            # What was read before stays in sight; nobody can take commands through this record.
            snapshot = replace(self.snapshot, error=snapshot.error, live=False)
        self.snapshot = snapshot

    @property
    def _cells(self) -> int:
        """Cells across a chart."""
        return max(8, self.curves.grid.first_size.width)

    @property
    def request(self) -> Request:
        """What is to be read for the rooms that there are."""
        return request_for(self.curves.choices, self._cells)

    # --- layout ---------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Decide how many charts are seen, and how wide the side column is."""
        width, height = self.app.size
        self._side.display = width >= _NARROW
        self._memory.display = not self._side.display
        side_width = 18 if width < _WIDE else 30 if width < _VERY_WIDE else 42
        self._side.styles.width = side_width
        happened = 2 if height < 22 else 3 if height < 30 else 6 if height < 45 else 9
        self._happened.styles.height = happened
        room = width - (side_width + 1 if self._side.display else 0)
        rows = max(1, (height - 2 - happened) // _CHART_ROWS)
        columns = 1 if room < 100 else 2 if room < 170 else 3
        self.curves.grid.pages.fit(columns, min(rows, 3 if columns == 3 else 4))

    def make_room(self) -> bool:
        """Make room for the charts that there are; return whether they have it."""
        snapshot = self.snapshot
        along = partial(along_of, snapshot, self.curves.choices.axis)
        self.curves.known = Curves.Known(
            snapshot.metric_names, reach_of(snapshot), along, axes_of(snapshot)
        )
        self.curves.grid.place(self.curves.groups)
        return self.curves.grid.has_rooms()

    # --- drawing --------------------------------------------------------------------------------

    def draw_parts(self) -> None:
        """Draw what was read."""
        snapshot, width = self.snapshot, self.size.width
        self._top.show_run(snapshot)
        self._note.show_run(snapshot, self.curves.choices, self._cells, width)
        self._draw_charts()
        if self._side.display:
            self._side.show_snapshot(snapshot, app_of(self).look)
        else:
            self._memory.show_lines([sidetext.memory_line(devices_of(snapshot), width)])
        self._happened.show_run(snapshot)

    def _draw_charts(self) -> None:
        grid, groups, choices = self.curves.grid, self.curves.groups, self.curves.choices
        seen = grid.pages.in_sight(groups)
        if not seen:
            grid.show_words(plain_line(f"  {empty_words(self.snapshot, choices)}", "quiet"))
            return
        if not is_read_for(self.snapshot, choices):
            return  # Asked for, and on its way: until then the charts stay as they are.
        # What holds for all charts stands on one alone: where on the run they are, what marks are.
        above = f"{choices.window_words()}{grid.pages.where(groups)}"
        overlays = named_overlays(self._overlays.read)
        drawn = [
            self._drawn(group, overlays, above if number == 0 else None)
            for number, group in enumerate(seen)
        ]
        grid.show(drawn, app_of(self).look)

    def _drawn(self, group: Group, overlays: Sequence[Overlay], above: str | None) -> DrawnChart:
        """Return a chart as it is to be shown; `above` is more for its title, of the first one."""
        title, metrics = group
        settings = self.curves.choices.settings_of(title)
        chart = build_chart(
            self.snapshot, overlays, metrics, self.curves.choices, settings,
            with_words=above is not None, span=self.curves.choices.spans.get(title),
        )  # fmt: skip
        seen = self.curves.choices.span_words(title)
        titled = f"{sanitise(title)}{settings.describe()}{seen}{above or ''}"
        return DrawnChart(titled, chart, last_values(self.snapshot, metrics))
