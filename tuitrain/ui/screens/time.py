"""Where a run's time goes: its steps' stages over the run, why they take so long, what to try.

Draws what its follower delivers; judges nothing itself and knows no file.
"""

from dataclasses import replace

from textual.app import ComposeResult
from textual.binding import Binding

from tuitrain.analysis.lives import stretches
from tuitrain.analysis.ranks import rank_times, slowest_rank, verdict
from tuitrain.analysis.step_time import StepTime, step_context, step_time
from tuitrain.lang import tr
from tuitrain.metric_names import PARTS, split_metric
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.charting import whole_window
from tuitrain.ui.curve_choices import ChartSettings
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.screens.following import FollowingScreen
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.chart.figure import Chart
from tuitrain.view.format import sanitise
from tuitrain.view.run.lives import life_lines
from tuitrain.view.run.runtext import STATE_STYLES
from tuitrain.view.run.timetext import side_title, time_lines, timeline, timeline_unit
from tuitrain.view.spans import Span, plain_line, wrap_plain

_METRICS = tuple(split_metric(stage) for stage in PARTS)
_COLUMNS_A_CELL = 2


class TimeScreen(FollowingScreen[RunSnapshot]):
    """A timeline above, words and bars below."""

    DEFAULT_CSS = """
    TimeScreen #note { height: auto; }
    TimeScreen #timeline { height: 1fr; min-height: 5; }
    TimeScreen #words { height: 6; }
    """
    _follower: RunFollower

    BINDINGS = [
        Binding("y", "log_scale", "log y", id="time.log_scale",
                tooltip="Switch the value axis between linear and logarithmic."),
        Binding("m", "smooth", "smooth", id="time.smooth",
                tooltip="Smooth curves as their noise asks for, not at all, or by 0.6 to 0.97."),
        Binding("q,escape", "back", "back", id="time.back",
                tooltip="Go back."),
    ]  # fmt: skip

    def __init__(self, directory: RunDirectory) -> None:
        """Show the run in `directory`."""
        super().__init__(directory)
        self._settings = ChartSettings()
        self._follower = RunFollower(directory, self.deliver, Request(metrics=_METRICS))

    def compose(self) -> ComposeResult:
        """Show the timeline above the words."""
        yield TopLine()
        yield Lines(id="note")
        yield ChartPanel(id="timeline")
        yield Reader(id="words")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(Reader).focus()

    # --- what is shown --------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Arrange anew."""
        self.call_after_refresh(self.show_latest)

    def show_snapshot(self, snapshot: RunSnapshot) -> None:
        """Show what was read."""
        fault = wrap_plain(snapshot.error, self.size.width, "bad") if snapshot.error else []
        self.query_one("#note", Lines).show_lines(fault)
        if snapshot.error:
            return
        columns = max(8, self.size.width * _COLUMNS_A_CELL)
        self._follower.ask(Request(metrics=_METRICS, columns=columns))
        time = step_time(snapshot.split, snapshot.speed)
        self._show_top(snapshot, time)
        self._show_timeline(snapshot, time)
        self._show_words(snapshot, time)

    def _show_top(self, snapshot: RunSnapshot, time: StepTime | None) -> None:
        state = snapshot.summary.state if snapshot.summary else ""
        left = (
            Span(f" {sanitise(self._directory.id)}", "title"),
            Span(f"  {tr(state)}", STATE_STYLES.get(state, "")),
        )
        right = (Span(f"{side_title(time)} "),) if time is not None else ()
        self.query_one(TopLine).show_parts(left, right)

    def _show_timeline(self, snapshot: RunSnapshot, time: StepTime | None) -> None:
        panel, window = self.query_one(ChartPanel), whole_window(snapshot)
        unit_s, unit = timeline_unit(time)
        lines = timeline(snapshot.series, unit_s, self._settings.smoothing)
        title = tr(
            "stages of a step, {unit}{describe}", unit=unit, describe=self._settings.describe()
        )
        if not lines:
            panel.show_words(title, plain_line(tr("  no step has been timed yet"), "quiet"))
            return
        chart = Chart("", lines, (window.first, window.last), log=self._settings.log)
        panel.show_chart(title, chart, (), app_of(self).look)

    def _show_words(self, snapshot: RunSnapshot, time: StepTime | None) -> None:
        words, look = self.query_one(Reader), app_of(self).look
        context = step_context(snapshot.config, snapshot.facts, snapshot.samples)
        bottleneck = verdict(snapshot.split, time, context)
        width, ranks = self.size.width, rank_times(snapshot.split, context.hosts)
        slow = slowest_rank(snapshot.split, time, context.hosts)
        lines = time_lines(time, bottleneck, context, snapshot.spent, width, look, ranks, slow)
        lives = life_lines(
            stretches(snapshot.states, snapshot.attempts, snapshot.until),
            len(snapshot.attempts),
            max(1, width - 2),
            look,
        )
        lines += [(Span(" "), *line) for line in lives]
        # The timeline has what the words leave, and at least a third.
        words.styles.height = max(3, min(len(lines), self.size.height * 3 // 5))
        words.show_lines(lines)

    # --- keys -----------------------------------------------------------------------------------

    def action_log_scale(self) -> None:
        """Switch the value axis."""
        self._settings = replace(self._settings, log=not self._settings.log)
        self.show_latest()

    def action_smooth(self) -> None:
        """Smooth more, then not at all."""
        self._settings = replace(self._settings, smoothing=self._settings.next_smoothing())
        self.show_latest()
