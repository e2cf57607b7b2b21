"""The memory of a run's devices: what fills it now and over time, whose it is, how it ran out.

Draws what its follower delivers; opens no file.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding

from tuitrain.analysis.ranks import rank_memory
from tuitrain.lang import said, tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.memory import MemoryFollower, MemoryRequest, MemorySnapshot
from tuitrain.ui.feeds.snapshot import devices_of
from tuitrain.ui.screens.following import FollowingScreen
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.chart.scale import Window
from tuitrain.view.format import display_width, sanitise
from tuitrain.view.memory.chart import LEGEND, memory_chart, peak_words
from tuitrain.view.memory.sheet import memory_sheet
from tuitrain.view.run.runtext import STATE_STYLES
from tuitrain.view.spans import Span, wrap_plain

_COLUMNS_A_CELL = 2
"""A braille cell is two dots wide."""
_LEAST_CHART_ROWS = 8


class MemoryScreen(FollowingScreen[MemorySnapshot]):
    """Bars, processes and accounts above a chart of memory over time."""

    DEFAULT_CSS = """
    MemoryScreen #note { height: auto; }
    MemoryScreen #sheet { height: 1fr; padding: 0 1; }
    """
    _follower: MemoryFollower

    BINDINGS = [
        Binding("plus,equals_sign", "zoom(0.5)", "zoom in", id="memory.zoom_in", key_display="+",
                tooltip="Show half as much time."),
        Binding("minus", "zoom(2.0)", "zoom out", id="memory.zoom_out", key_display="-",
                tooltip="Show twice as much time."),
        Binding("left", "pan(-1)", "earlier", show=False, id="memory.left",
                tooltip="Move the window to earlier times."),
        Binding("right", "pan(1)", "later", show=False, id="memory.right",
                tooltip="Move the window to later times."),
        Binding("0", "reset", "whole run", id="memory.reset",
                tooltip="Show the whole run again, and follow it."),
        Binding("right_square_bracket", "device(1)", "next device", id="memory.next",
                key_display="]", tooltip="Draw the memory of the next device, or of the host."),
        Binding("left_square_bracket", "device(-1)", "previous device", show=False,
                id="memory.previous", key_display="[",
                tooltip="Draw the memory of the previous device."),
        Binding("y", "log", "log y", id="memory.log_scale",
                tooltip="Switch the value axis between linear and logarithmic."),
        Binding("q,escape", "back", "back", id="memory.back", tooltip="Go back."),
    ]  # fmt: skip

    def __init__(self, directory: RunDirectory, clock: Callable[[], float] = time.time) -> None:
        """Show the memory of the run in `directory`.

        Args:
            directory: the run.
            clock: seconds since the epoch: how far a live run has come.
        """
        super().__init__(directory)
        self._request = MemoryRequest()
        self._log = False
        self._follower = MemoryFollower(directory, self.deliver, clock)

    def compose(self) -> ComposeResult:
        """Show words and bars above the chart."""
        yield TopLine()
        yield Lines(id="note")
        yield Reader(id="sheet")
        yield ChartPanel(id="chart")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(Reader).focus()

    def on_resize(self, event: events.Resize) -> None:
        """Share the rows out anew."""
        del event
        rows = max(_LEAST_CHART_ROWS, self.size.height * 2 // 5)
        self.query_one(ChartPanel).styles.height = rows
        self.call_after_refresh(self.show_latest)

    # --- what is shown --------------------------------------------------------------------------

    def show_snapshot(self, snapshot: MemorySnapshot) -> None:
        """Show what was read."""
        self._ask()
        run, width = snapshot.run, self.size.width
        fault = wrap_plain(said(run.error), width, "bad") if run.error else []
        self.query_one("#note", Lines).show_lines(fault)
        self._show_top()
        if run.error:
            # What was read before stays in sight.
            return
        reader = self.query_one(Reader)
        look = app_of(self).look
        ranks = rank_memory(run.split, run.facts.environment.hosts)
        lines = memory_sheet(devices_of(run), run.facts, max(20, width - 2), look, ranks)
        reader.show_lines(lines)
        self._show_chart(snapshot)

    def _ask(self) -> None:
        columns = max(8, self.query_one(ChartPanel).size.width * _COLUMNS_A_CELL)
        self._request = replace(self._request, columns=columns)
        self._follower.ask(self._request)

    def _show_top(self) -> None:
        snapshot = self._snapshot
        summary = snapshot.run.summary if snapshot else None
        state = summary.state if summary else ""
        left = (
            Span(f" {sanitise(self._directory.id)}", "title"),
            Span(f"  {tr(state)}", STATE_STYLES.get(state, "")),
        )
        self.query_one(TopLine).show_parts(left, (Span(tr("memory "), "quiet"),))

    def _show_chart(self, snapshot: MemorySnapshot) -> None:
        panel = self.query_one(ChartPanel)
        if not any(drawn.series.columns for drawn in snapshot.drawn):
            panel.show_words(snapshot.title, (Span(tr("  no readings of this time"), "quiet"),))
            return
        window = (snapshot.window.first, snapshot.window.last)
        chart, unit = memory_chart(snapshot.drawn, window, snapshot.begun, snapshot.story)
        if self._log:
            chart = replace(chart, log=True, y_range=None)
        peak = peak_words(snapshot.peak)
        said = f"{tr(LEGEND)}  "
        room = panel.size.width - display_width(said) - display_width(peak)
        legend = said if room >= 38 else ""
        values = (Span(legend, "quiet"), Span(peak, "mark"))
        title = f"{snapshot.title}, {unit}{' (log)' if self._log else ''}"
        panel.show_chart(title, chart, values, app_of(self).look)

    # --- keys -----------------------------------------------------------------------------------

    def _look_at(self, window: Window | None) -> None:
        self._request = replace(self._request, window=window)
        self._ask()

    def action_zoom(self, factor: float) -> None:
        """Show less or more time, around the newest of what is seen."""
        if self._snapshot is not None:
            self._zoom(factor, self._snapshot.window.last)

    def _zoom(self, factor: float, around: float) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        zoomed = (self._request.window or snapshot.whole).zoom(factor, around)
        zoomed = zoomed.clamp(snapshot.whole)
        self._look_at(None if zoomed.span >= snapshot.whole.span else zoomed)

    def action_pan(self, side: int) -> None:
        """Move the window."""
        window, snapshot = self._request.window, self._snapshot
        if window is not None and snapshot is not None:
            self._look_at(window.pan(0.25 * side).clamp(snapshot.whole))

    def action_reset(self) -> None:
        """Show the whole run."""
        self._look_at(None)

    def action_device(self, by: int) -> None:
        """Draw another device."""
        self._request = replace(self._request, device=self._request.device + by)
        self._ask()

    def action_log(self) -> None:
        """Switch the value axis."""
        self._log = not self._log
        self.show_latest()

    def on_chart_panel_zoomed(self, message: ChartPanel.Zoomed) -> None:
        """Zoom around the pointer."""
        if self._snapshot is not None:
            self._zoom(message.factor, self._snapshot.begun + message.x)
