"""Several runs side by side: their curves in one chart, their figures and settings below it.

Each run has a follower of its own; what they bring is arranged here, by pure functions of the view.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.screen import Screen

from tuitrain.analysis.compare import ComparedRun, flat_settings
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.metrics import monitor_of
from tuitrain.ui.charting import ChartSettings, Choices
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.units import count
from tuitrain.view.chart.chart import draw_chart
from tuitrain.view.chart.figure import Chart, Line, Size, line_from_series
from tuitrain.view.chart.scale import ruler
from tuitrain.view.chart.smooth import smooth_line
from tuitrain.view.compare import compare_lines, unique_labels
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span, SpanLine

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp

MOST_RUNS = 8
"""So many curves can be told apart by colour and marker."""
_COLUMNS_A_CELL = 2


class CompareScreen(Whole, Screen[None]):
    """Two to eight runs."""

    DEFAULT_CSS = """
    CompareScreen #chart { height: 1fr; min-height: 6; }
    CompareScreen #tables { height: 1fr; border-top: solid $panel-lighten-2; }
    CompareScreen #tables:focus { border-top: solid $accent; }
    CompareScreen.whole #tables { display: none; }
    """
    BINDINGS = [
        Binding("left,h", "metric(-1)", "metric", key_display="←/→", id="compare.left",
                tooltip="Draw the metric before this one."),
        Binding("right,l", "metric(1)", "next metric", show=False, id="compare.right",
                tooltip="Draw the metric after this one."),
        Binding("y", "log_scale", "log y", id="compare.log_scale",
                tooltip="Switch the value axis between linear and logarithmic."),
        Binding("m", "smooth", "smooth", id="compare.smooth",
                tooltip="Smooth curves as their noise asks for, not at all, or by 0.6 to 0.97."),
        Binding("x", "axis", "x axis", id="compare.axis",
                tooltip="Show steps, epochs or time on the horizontal axis."),
        Binding("z", "maximise", "zoom", id="compare.maximise",
                tooltip="Show the chart alone, or the tables below it again."),
        Binding("q,escape", "back", "back", id="compare.back",
                tooltip="Go back."),
    ]  # fmt: skip

    class Read(Message):
        """A thread has read one of the runs."""

        def __init__(self, slot: int, snapshot: RunSnapshot) -> None:
            super().__init__()
            self.slot = slot
            self.snapshot = snapshot

    def __init__(self, directories: Sequence[RunDirectory]) -> None:
        """Show the runs in `directories`, of which the first eight are taken."""
        super().__init__()
        self._asked_for = len(directories)
        self._directories = tuple(directories)[:MOST_RUNS]
        self._snapshots: list[RunSnapshot | None] = [None] * len(self._directories)
        self._followers = [
            RunFollower(directory, partial(self._deliver, slot), Request(metrics=()))
            for slot, directory in enumerate(self._directories)
        ]
        self._metric = ""
        self._choices, self._settings = Choices(), ChartSettings()
        self._drawn_for: object = None

    def _deliver(self, slot: int, snapshot: RunSnapshot) -> None:
        self.post_message(self.Read(slot, snapshot))

    def compose(self) -> ComposeResult:
        """Show the chart above the tables."""
        yield TopLine()
        yield Lines(id="chart")
        yield Reader(id="tables")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(Reader).focus()
        self.screen_layout_refresh_signal.subscribe(self, self._after_layout)
        for follower in self._followers:
            follower.start()

    def on_unmount(self) -> None:
        """End the threads."""
        for follower in self._followers:
            follower.close()

    def on_compare_screen_read(self, message: Read) -> None:
        """Show what was read of one run."""
        self._snapshots[message.slot] = message.snapshot
        names = self._metric_names()
        if not self._metric and names and None not in self._snapshots:
            self._metric = self._first_metric(names)
        # A screen below another one that changes makes Textual paint all of the upper one.
        if self.is_current:
            self._rearrange()

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self._rearrange()

    def on_resize(self) -> None:
        """Arrange anew."""
        self.call_after_refresh(self._rearrange)

    def _after_layout(self, _screen: Screen[Any]) -> None:
        """Draw again for the size there is now: a busy machine may draw before the layout."""
        if self.is_current and self._drawn_for != self.query_one("#chart").size:
            self._rearrange()

    def _rearrange(self) -> None:
        self._ask()
        self._show()

    # --- what is shown --------------------------------------------------------------------------

    def _known(self) -> list[RunSnapshot]:
        return [
            snapshot or RunSnapshot(directory.id)
            for snapshot, directory in zip(self._snapshots, self._directories, strict=True)
        ]

    def _metric_names(self) -> list[str]:
        return list(dict.fromkeys(name for run in self._known() for name in run.metric_names))

    def _first_metric(self, names: list[str]) -> str:
        """Return the metric that decides which checkpoint is best, else a loss."""
        monitors = [monitor_of(run.config)[0] for run in self._known() if run.config]
        wanted = [*monitors, "val/loss", "train/loss", *names]
        return next(name for name in wanted if name in names)

    def _ask(self) -> None:
        width = self.query_one("#chart").size.width
        metrics = (self._metric,) if self._metric else ()
        request = Request(metrics=metrics, columns=max(8, width * _COLUMNS_A_CELL))
        for follower in self._followers:
            follower.ask(request)

    def _show(self) -> None:
        labels = self._labels()
        chart_box, tables = self.query_one("#chart", Lines), self.query_one(Reader)
        look = cast("TuitrainApp", self.app).look
        self._drawn_for = chart_box.size
        size = Size(chart_box.size.width, chart_box.size.height)
        chart_box.show_lines(draw_chart(self._chart(labels), size, look).lines)
        runs = [_compared(run, label) for run, label in zip(self._known(), labels, strict=True)]
        tables.show_lines(compare_lines(runs, self._metric, tables.size.width))
        self.query_one(TopLine).show_parts(self._title(), self._choice_spans())

    def _title(self) -> SpanLine:
        shown = len(self._directories)
        words = (
            f"{shown} runs" if shown == self._asked_for else f"{shown} of {self._asked_for} runs"
        )
        return (Span(f" compare {words}", "title"), Span(f"  {sanitise(self._metric)}", "live"))

    def _labels(self) -> list[str]:
        runs = self._known()
        names = [run.summary.name if run.summary else run.id for run in runs]
        return unique_labels(names, [run.id for run in runs])

    def _choice_spans(self) -> SpanLine:
        names, choices = self._metric_names(), self._choices
        words = [f"metric {names.index(self._metric) + 1}/{len(names)}"] if self._metric else []
        words += ["log"] if self._settings.log else []
        words += [self._settings.smoothing_words] if self._settings.smoothing_words else []
        return (Span(f"{'  '.join([*words, choices.axis])} ", "quiet"),)

    def _chart(self, labels: Sequence[str]) -> Chart:
        lines: list[Line] = []
        for slot, (run, label) in enumerate(zip(self._known(), labels, strict=True)):
            series = run.series.get(self._metric)
            if series is None or not series.columns:
                continue
            along = ruler(self._choices.axis, run.step_times)
            line = along.place(line_from_series(series, label=label, slot=slot))
            lines += smooth_line(line, self._settings.smoothing)
        return Chart(
            title="",
            lines=tuple(lines),
            x_range=self._x_range(),
            axis=self._choices.axis,
            log=self._settings.log,
            clip=True,
        )

    def _x_range(self) -> tuple[float, float]:
        runs = [run for run in self._known() if run.series.get(self._metric) and run.summary]
        rulers = [(ruler(self._choices.axis, run.step_times), run) for run in runs]
        first = min((along.at(1) for along, _ in rulers), default=0.0)
        last = max(
            (along.at(run.summary.step) for along, run in rulers if run.summary), default=1.0
        )
        return (first, last) if last > first else (first, first + 1)

    def on_click(self, event: Click) -> None:
        """Draw the metric whose row in the tables is clicked."""
        tables = self.query_one(Reader)
        place = tables.row_under(event)
        line = tables.line_at(place) if place is not None else ()
        heading = line[0].text.strip() if line else ""
        name = next((name for name in self._metric_names() if sanitise(name) == heading), "")
        if name:
            self._metric = name
            self._rearrange()

    # --- keys -----------------------------------------------------------------------------------

    def action_metric(self, by: int) -> None:
        """Draw another metric."""
        names = self._metric_names()
        if names:
            place = names.index(self._metric) if self._metric in names else 0
            self._metric = names[(place + by) % len(names)]
            self._rearrange()

    def action_log_scale(self) -> None:
        """Switch the value axis."""
        self._set(replace(self._settings, log=not self._settings.log))

    def action_smooth(self) -> None:
        """Smooth more, or not at all."""
        self._set(replace(self._settings, smoothing=self._settings.next_smoothing()))

    def action_axis(self) -> None:
        """Show something else along the horizontal axis."""
        self._choose(self._choices.next_axis())

    def _set(self, settings: ChartSettings) -> None:
        self._settings = settings
        self._choose(self._choices)

    def _choose(self, choices: Choices) -> None:
        self._choices = choices
        self._show()

    def action_maximise(self) -> None:
        """Show the chart alone, or not."""
        self.toggle_class("whole")
        self.call_after_refresh(self._rearrange)

    def action_back(self) -> None:
        """Leave."""
        self.dismiss()


def _compared(run: RunSnapshot, label: str) -> ComparedRun:
    summary = run.summary
    if summary is None:
        state, detail = ("damaged", run.error) if run.error else ("", "being read")
        return ComparedRun(label, state, sanitise(detail))
    steps = (
        f"step {count(summary.step)}/{count(summary.total_steps)}"
        if summary.step
        else "no points yet"
    )
    detail = f"{steps}  {summary.reason}" if summary.reason else steps
    monitor, mode = monitor_of(run.config)
    return ComparedRun(
        label,
        summary.state,
        sanitise(detail),
        run.metrics,
        flat_settings(run.config),
        monitor,
        mode,
    )
