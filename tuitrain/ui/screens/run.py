"""The run screen: curves, where the run stands, its devices, what happened, keys to steer it.

It draws what its follower delivers and asks the app to give commands; it opens no file itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen

from tuitrain.config.settings import validate_setting
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.charting import (
    Choices,
    Overlay,
    build_chart,
    group_metrics,
    request_for,
    short_label,
    whole_window,
)
from tuitrain.ui.follow import RunFollower
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.snapshot import RunSnapshot
from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.panel import Panel
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view import runtext
from tuitrain.view.format import metric_value, rate, sanitise
from tuitrain.view.palette import assign_slots
from tuitrain.view.spans import Span, SpanLine, plain_line

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp

MOST_CHARTS = 9
_CHART_ROWS = 9
"""Below this height a chart is hardly one: fewer are shown then."""
_WIDE, _VERY_WIDE = 110, 170
_NARROW = 72
_ZOOM_IN, _ZOOM_OUT = 0.5, 2.0
_CURSOR_STEPS = 60
"""An arrow key moves the cursor by this part of the window."""


class RunScreen(Screen[None]):
    """Watches and steers one run."""

    BINDINGS = [
        Binding("space", "pause", "pause", id="run.pause",
                tooltip="Save a checkpoint and hold at the next step, or go on."),
        Binding("s", "stop", "stop", id="run.stop",
                tooltip="Save a checkpoint and end the run; asks first."),
        Binding("l", "rate", "rate", id="run.rate",
                tooltip="Set the learning rate from the next step on."),
        Binding("c", "checkpoint", "checkpoint", id="run.checkpoint",
                tooltip="Save a checkpoint at the next step."),
        Binding("z", "maximise", "zoom", id="run.maximise",
                tooltip="Show the focused chart alone, or all of them again."),
        Binding("slash", "filter", "filter", id="run.filter",
                tooltip="Show only metrics whose name matches text or a regular expression."),
        Binding("y", "log", "log y", id="run.log_scale",
                tooltip="Switch the value axis between linear and logarithmic."),
        Binding("m", "smooth", "smooth", id="run.smooth",
                tooltip="Smooth curves more, then not at all; raw curves stay behind."),
        Binding("x", "axis", "x axis", id="run.axis",
                tooltip="Show steps, epochs or time on the horizontal axis."),
        Binding("o", "overlay", "overlay", id="run.overlay",
                tooltip="Draw the curves of other runs over these."),
        Binding("e", "evaluate", "evaluate", id="run.evaluate",
                tooltip="Evaluate on the validation set at the next step."),
        Binding("i", "inspect", "inspect", id="run.inspect",
                tooltip="Show a cursor with the values of every curve; arrows move it."),
        Binding("P", "release", "release", id="run.release",
                tooltip="Save a checkpoint and end the worker, so that all GPU memory is free."),
        Binding("R", "resume", "resume", id="run.resume",
                tooltip="Go on with a paused, stopped, failed or lost run."),
        Binding("L", "open_log", "log", id="run.log",
                tooltip="Show what the worker writes to stdout and stderr."),
        Binding("C", "open_checkpoints", "checkpoints", id="run.checkpoints",
                tooltip="List the checkpoints of this run."),
        Binding("plus,equals_sign", "zoom(True)", "zoom in", show=False, id="run.zoom_in",
                key_display="+", tooltip="Show half as many steps."),
        Binding("minus", "zoom(False)", "zoom out", show=False, id="run.zoom_out",
                key_display="-", tooltip="Show twice as many steps."),
        Binding("left", "pan(-1)", "left", show=False, id="run.left",
                tooltip="Move the window, or the cursor, to the left."),
        Binding("right", "pan(1)", "right", show=False, id="run.right",
                tooltip="Move the window, or the cursor, to the right."),
        Binding("0", "reset", "whole run", show=False, id="run.reset",
                tooltip="Show the whole run again, and follow it."),
        Binding("tab", "next_panel", "next panel", show=False, id="run.tab",
                tooltip="Go to the next panel; where one chart fills the screen, to the next one."),
        Binding("right_square_bracket", "page(1)", "next charts", show=False, id="run.next",
                key_display="]", tooltip="Show the charts that did not fit."),
        Binding("left_square_bracket", "page(-1)", "charts before", show=False, id="run.previous",
                key_display="[", tooltip="Go back to the charts before."),
        Binding("q,escape", "leave", "back", show=False, id="run.leave",
                tooltip="Leave the screen; the run goes on."),
    ]  # fmt: skip

    CSS = """
    RunScreen #main { height: 1fr; }
    RunScreen #charts { layout: grid; grid-gutter: 0 1; height: 1fr; width: 1fr; }
    RunScreen #side { width: 18; margin-left: 1; }
    RunScreen #happened { height: 3; }
    RunScreen #note { height: auto; }
    RunScreen #memory { height: 1; }
    """

    class Read(Message):
        """A follower has read the run."""

        def __init__(self, snapshot: RunSnapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    def __init__(self, directory: RunDirectory) -> None:
        super().__init__()
        self._directory = directory
        self._snapshot = RunSnapshot(directory.id)
        self._choices = Choices()
        self._page = 0
        self._placed = (0, 0)
        self._alone: str | None = None
        self._overlays: dict[str, RunFollower] = {}
        self._overlaid: dict[str, RunSnapshot] = {}
        self._follower = RunFollower(directory, self._deliver)

    @property
    def tuitrain(self) -> "TuitrainApp":
        """The app, by its own type."""
        return cast("TuitrainApp", self.app)

    # --- life -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the panels out; how many charts are seen depends on the size."""
        yield TopLine(id="top")
        yield Lines(id="note")
        with Horizontal(id="main"):
            with Container(id="charts"):
                for number in range(MOST_CHARTS):
                    yield ChartPanel(id=f"chart{number}")
            with Vertical(id="side"):
                yield Panel("devices", id="devices")
        yield Lines(id="memory")
        yield Panel("what happened", id="happened")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to follow the run."""
        self._follower.start()
        self._arrange()

    def on_unmount(self) -> None:
        """Stop following."""
        self._follower.close()
        for follower in self._overlays.values():
            follower.close()

    def _deliver(self, snapshot: RunSnapshot) -> None:
        self.post_message(self.Read(snapshot))

    def on_run_screen_read(self, message: Read) -> None:
        """Show what was read."""
        snapshot = message.snapshot
        if snapshot.id != self._directory.id:
            self._overlaid[snapshot.id] = snapshot
        elif snapshot.error:
            # What was read before stays in sight; nobody can take commands through this record.
            self._snapshot = replace(self._snapshot, error=snapshot.error, live=False)
        else:
            self._snapshot = snapshot
        # What changes below another screen would repaint that one whole.
        if self._in_sight:
            self._draw()
            self.refresh_bindings()

    @property
    def _in_sight(self) -> bool:
        """Not covered but by a question; Textual's `is_current` holds for a covered one too."""
        front = self.app.screen
        return front is self or front.is_modal

    def on_screen_resume(self) -> None:
        """Show what was read while another screen lay above."""
        if self.size.width:
            self._draw()
            self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        """Use what a larger terminal gives, do without what a smaller one lacks."""
        del event
        self._arrange()
        self.call_after_refresh(self._draw)

    # --- layout ---------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Decide how many charts are seen, and how wide the side column is."""
        width, height = self.size
        if not width:
            return
        side = self.query_one("#side")
        side.display = width >= _NARROW
        self.query_one("#memory").display = not side.display
        side_width = 18 if width < _WIDE else 30 if width < _VERY_WIDE else 42
        side.styles.width = side_width
        happened = 3 if height < 30 else 6 if height < 45 else 9
        if height < 22:
            happened = 2
        self.query_one("#happened").styles.height = happened
        room = width - (side_width + 1 if side.display else 0)
        rows = max(1, (height - 2 - happened) // _CHART_ROWS)
        columns = 1 if room < 100 else 2 if room < 170 else 3
        self._shape = (columns, min(rows, 3 if columns == 3 else 4))
        self._place_charts()

    def _groups(self) -> list[tuple[str, tuple[str, ...]]]:
        groups = group_metrics(self._snapshot.metric_names, self._choices)
        if self._alone is not None:
            return [group for group in groups if group[0] == self._alone] or groups
        return groups

    def _seen_groups(self) -> list[tuple[str, tuple[str, ...]]]:
        groups = self._groups()
        columns, rows = self._shape
        room = 1 if self._alone else min(MOST_CHARTS, columns * rows)
        pages = max(1, -(-len(groups) // room))
        self._page %= pages
        return groups[self._page * room : (self._page + 1) * room]

    def _place_charts(self) -> None:
        seen = len(self._seen_groups())
        columns = min(self._shape[0], max(1, seen))
        rows = max(1, -(-seen // columns))
        grid = self.query_one("#charts")
        grid.styles.grid_size_columns, grid.styles.grid_size_rows = columns, rows
        for number in range(MOST_CHARTS):
            panel = self.query_one(f"#chart{number}")
            panel.display = number < max(1, seen)
        if self._placed != (columns, rows):
            self._placed = (columns, rows)
            self.call_after_refresh(self._ask)

    def _ask(self) -> None:
        """Have read what the charts have room for."""
        self._follower.ask(request_for(self._choices, self._chart_width()))

    # --- drawing --------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.size.width:
            return
        self._ask()
        self._draw_top()
        self._draw_note()
        self._place_charts()
        self._draw_charts()
        self._draw_side()
        self._draw_happened()

    def _chart_width(self) -> int:
        return max(8, self.query_one("#chart0").size.width)

    def _draw_top(self) -> None:
        top, summary = self.query_one(TopLine), self._snapshot.summary
        if summary is None:
            top.show_parts(plain_line(f" {self._directory.id}", "strong"))
            return
        left, right = runtext.top_parts(
            summary,
            epochs=self._epochs(),
            left_s=self._snapshot.left_s,
            alerts=len(self._snapshot.alerts),
            waiting=runtext.waiting_for(self._snapshot.commands),
            width=top.size.width,
        )
        top.show_parts(left, right)

    def _epochs(self) -> int:
        train = self._snapshot.config.get("train")
        return int(train.get("epochs", 0)) if isinstance(train, dict) else 0

    def _draw_note(self) -> None:
        """Say above the curves what needs attention: an error, a reason, what is waited for."""
        snapshot, width = self._snapshot, self.size.width
        lines: list[SpanLine] = []
        if snapshot.error:
            lines += runtext.note_lines(snapshot.error, width, "bad")
        elif snapshot.state is not None and snapshot.state.state in ("failed", "lost", "paused"):
            hint = "space goes on" if snapshot.live else "R resumes"
            words = f"{snapshot.state.state}: {snapshot.state.reason}  ({hint})"
            lines += runtext.note_lines(words, width, runtext.STATE_STYLES[snapshot.state.state])
        waiting = runtext.waiting_for(snapshot.commands)
        if waiting and snapshot.live:
            lines.append(plain_line(f" {waiting}", "alert"))
        if self._choices.pattern:
            lines.append(plain_line(f" filter: {self._choices.pattern}  (/ changes it)", "mark"))
        self.query_one("#note", Lines).show_lines(lines)

    def _draw_charts(self) -> None:
        seen = self._seen_groups()
        if not seen:
            self._draw_empty()
            return
        overlays = [
            Overlay(sanitise(snapshot.summary.name), snapshot)
            for snapshot in self._overlaid.values()
            if snapshot.summary is not None
        ]
        for number, (title, metrics) in enumerate(seen):
            panel = self.query_one(f"#chart{number}", ChartPanel)
            chart = build_chart(self._snapshot, overlays, metrics, self._choices)
            titled = f"{sanitise(title)}{self._choices.describe()}"
            panel.show_chart(titled, chart, self._values(metrics), self.tuitrain.look)

    def _draw_empty(self) -> None:
        state = self._snapshot.state
        if state is None:
            words = "" if self._snapshot.error else "reading the run ..."
        elif self._choices.pattern and self._snapshot.metric_names:
            words = "no metric matches the filter"
        else:
            words = f"no points yet - {state.state}{f': {state.reason}' if state.reason else ''}"
        panel = self.query_one("#chart0", ChartPanel)
        panel.show_words("curves", plain_line(f"  {words}", "quiet"))

    def _values(self, metrics: Sequence[str]) -> SpanLine:
        """Return the last value of each metric, a star at one that is the best."""
        slots = assign_slots(metrics)
        spans = []
        for name in metrics:
            row = self._snapshot.metrics.get(name)
            if row is None:
                continue
            star = "*" if row.best == row.last and name.startswith("val/") else ""
            label = short_label(name) if "/" in name else ""
            words = f" {label} {metric_value(row.last)}{star}" if label else metric_value(row.last)
            spans.append(Span(words, f"line{slots[name]}"))
        return tuple(spans)

    def _draw_side(self) -> None:
        side, panel = self.query_one("#side"), self.query_one("#devices", Panel)
        if not side.display:
            line = runtext.memory_line(self._snapshot.samples, self.size.width)
            self.query_one("#memory", Lines).show_lines([line])
            return
        snapshot, width = self._snapshot, max(1, panel.size.width)
        body = runtext.device_lines(snapshot.samples, width, ascii=self.tuitrain.look.ascii)
        body += [(), *self._speed_lines()]
        if width >= 30:
            body += [(), *runtext.setting_lines(snapshot.config)]
        panel.show_panel(self._device(), (), body)

    def _device(self) -> str:
        return (self._snapshot.summary.device if self._snapshot.summary else "") or "devices"

    def _speed_lines(self) -> list[SpanLine]:
        snapshot = self._snapshot
        samples = snapshot.metrics.get("samples_per_s")
        rate_row = snapshot.metrics.get("lr")
        lines: list[SpanLine] = []
        if snapshot.steps_per_s:
            step_ms = f"{1000 / snapshot.steps_per_s:.3g} ms"
            lines.append((Span("step   ", "quiet"), Span(step_ms)))
        if samples is not None:
            lines.append((Span("speed  ", "quiet"), Span(rate(samples.last, ""))))
        if rate_row is not None:
            lines.append((Span("lr     ", "quiet"), Span(metric_value(rate_row.last))))
        if snapshot.parameters:
            lines.append((Span("params ", "quiet"), Span(f"{snapshot.parameters:,}")))
        return lines

    def _draw_happened(self) -> None:
        panel, snapshot = self.query_one("#happened", Panel), self._snapshot
        states = [snapshot.state] if snapshot.state is not None else []
        events_ = runtext.happenings(states, snapshot.marks, snapshot.alerts, snapshot.checkpoints)
        rows = max(1, panel.body_height)
        panel.show_panel(
            "what happened", (), [runtext.happening_line(item) for item in events_[-rows:]]
        )

    # --- keys: steering -------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: commands need a supervisor that hears them."""
        del parameters
        if action in ("stop", "rate", "checkpoint", "evaluate", "release", "pause"):
            return self._snapshot.live
        if action == "resume":
            state = self._snapshot.state
            return not self._snapshot.live and state is not None and state.state != "finished"
        return True

    def _order(self, kind: str, **arguments: object) -> None:
        self.tuitrain.order(self._directory, kind, arguments)
        self._follower.wake()

    def action_pause(self) -> None:
        """Hold, or go on."""
        state = self._snapshot.state
        self._order("resume" if state is not None and state.state == "paused" else "pause")

    def action_release(self) -> None:
        """Hold and give all GPU memory back."""
        self._order("pause", release=True)

    def action_resume(self) -> None:
        """Go on with a run that ended or was released."""
        self.tuitrain.resume_run(self._directory)

    def action_stop(self) -> None:
        """Ask, then end the run."""

        def stop(answer: bool | None) -> None:
            if answer:
                self._order("stop")

        question = f"Stop {self._directory.id}? It saves a checkpoint and can be resumed."
        self.app.push_screen(Confirm(question, "stop it"), stop)

    def action_checkpoint(self) -> None:
        """Save a checkpoint."""
        self._order("checkpoint")

    def action_evaluate(self) -> None:
        """Evaluate."""
        self._order("evaluate")

    def action_rate(self) -> None:
        """Ask for a learning rate and set it."""
        row = self._snapshot.metrics.get("lr")

        def change(answer: str | None) -> None:
            if answer:
                value = validate_setting("optimizer.lr", answer)
                self._order("set", key="optimizer.lr", value=value)

        self.app.push_screen(
            Ask(
                "Learning rate from the next step on",
                value=f"{row.last:.6g}" if row else "",
                hint="The schedule goes on from there in proportion.",
                check=lambda text: validate_setting("optimizer.lr", text),
            ),
            change,
        )

    # --- keys: seeing ---------------------------------------------------------------------------

    def _choose(self, choices: Choices) -> None:
        self._choices = choices
        self._draw()

    def action_log(self) -> None:
        """Switch the value axis."""
        self._choose(replace(self._choices, log=not self._choices.log))

    def action_smooth(self) -> None:
        """Smooth more, then not at all."""
        self._choose(self._choices.next_smoothing())

    def action_axis(self) -> None:
        """Show steps, epochs or time."""
        self._choose(self._choices.next_axis())

    def action_filter(self) -> None:
        """Ask which metrics to show."""

        def choose(answer: str | None) -> None:
            if answer is not None:
                self._page = 0
                self._choose(replace(self._choices, pattern=answer))

        self.app.push_screen(
            Ask(
                "Show metrics that match",
                value=self._choices.pattern,
                hint="Part of a name, or a regular expression; empty shows all.",
            ),
            choose,
        )

    def action_maximise(self) -> None:
        """Show one chart alone, or all again."""
        if self._alone is not None:
            self._alone = None
        else:
            seen = self._seen_groups()
            number = self._focused_chart()
            self._alone = seen[number][0] if number < len(seen) else None
        self._page = 0
        self._place_charts()
        self.call_after_refresh(self._draw)

    def _focused_chart(self) -> int:
        focused = self.focused
        if isinstance(focused, ChartPanel) and focused.id:
            return int(focused.id.removeprefix("chart"))
        return 0

    def action_page(self, by: int) -> None:
        """Show other charts."""
        self._page += by
        self._place_charts()
        self.call_after_refresh(self._draw)

    def action_next_panel(self) -> None:
        """Move the focus, or show the next chart where there is room for one."""
        if self._shape == (1, 1) and self._alone is None:
            self.action_page(1)
        else:
            self.focus_next()

    def action_zoom(self, closer: bool) -> None:
        """Show fewer or more steps, around the cursor or the end."""
        self._zoom(_ZOOM_IN if closer else _ZOOM_OUT, self._choices.cursor)

    def _zoom(self, factor: float, around: float | None) -> None:
        whole = whole_window(self._snapshot)
        window = self._choices.window or whole
        if around is None:
            newest = self._snapshot.summary.step if self._snapshot.summary else window.last
            around = min(window.last, newest)
            window = window.follow(around)
        zoomed = window.zoom(factor, around).clamp(whole)
        whole_again = zoomed.span >= whole.span
        self._choose(replace(self._choices, window=None if whole_again else zoomed))

    def action_pan(self, side: int) -> None:
        """Move the cursor where there is one, else the window."""
        choices, whole = self._choices, whole_window(self._snapshot)
        window = choices.window or whole
        if choices.cursor is not None:
            step = max(1.0, window.span / _CURSOR_STEPS)
            cursor = min(window.last, max(window.first, round(choices.cursor + side * step)))
            self._choose(replace(choices, cursor=cursor))
        elif choices.window is not None:
            self._choose(replace(choices, window=window.pan(0.25 * side).clamp(whole)))

    def action_inspect(self) -> None:
        """Show or hide the cursor."""
        window = self._choices.window or whole_window(self._snapshot)
        middle = float(round((window.first + window.last) / 2))
        cursor = None if self._choices.cursor is not None else middle
        self._choose(replace(self._choices, cursor=cursor))

    def action_reset(self) -> None:
        """Show the whole run and follow it."""
        self._choose(replace(self._choices, window=None, cursor=None))

    def on_chart_panel_zoomed(self, message: ChartPanel.Zoomed) -> None:
        """Zoom around the pointer."""
        window = self._choices.window or whole_window(self._snapshot)
        self._zoom(message.factor, window.first + message.share * window.span)

    def on_chart_panel_pointed(self, message: ChartPanel.Pointed) -> None:
        """Put the cursor where the pointer is."""
        window = self._choices.window or whole_window(self._snapshot)
        cursor = float(round(window.first + message.share * window.span))
        self._choose(replace(self._choices, cursor=cursor))

    # --- keys: other screens --------------------------------------------------------------------

    def action_overlay(self) -> None:
        """Choose runs to draw over this one."""
        from tuitrain.ui.screens.choose import ChooseRuns

        def overlay(answer: list[RunDirectory] | None) -> None:
            if answer is not None:
                self._overlay(answer)

        self.app.push_screen(
            ChooseRuns(self.tuitrain.root, self._directory, set(self._overlays)), overlay
        )

    def _overlay(self, directories: Sequence[RunDirectory]) -> None:
        wanted = {directory.id: directory for directory in directories}
        for run_id in set(self._overlays) - set(wanted):
            self._overlays.pop(run_id).close()
            self._overlaid.pop(run_id, None)
        for run_id in set(wanted) - set(self._overlays):
            request = request_for(self._choices, self._chart_width())
            follower = RunFollower(wanted[run_id], self._deliver, request)
            self._overlays[run_id] = follower
            follower.start()
        self._draw()

    def action_open_log(self) -> None:
        """Show the worker's log."""
        self.tuitrain.open_log(self._directory)

    def action_open_checkpoints(self) -> None:
        """Show the checkpoints."""
        self.tuitrain.open_checkpoints(self._directory)

    def action_leave(self) -> None:
        """Go back; take the cursor or the single chart away first."""
        if self._choices.cursor is not None:
            self.action_inspect()
        elif self._alone is not None:
            self.action_maximise()
        else:
            self.dismiss()
