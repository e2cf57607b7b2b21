"""What the run screen shows, and where: curves, where the run stands, devices, what happened.

It draws what its follower delivers; it opens no file, and knows no key.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen

from tuitrain.alerts.catalogue import count_serious
from tuitrain.lang import said, tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.charting import (
    Overlay,
    along_of,
    axes_of,
    build_chart,
    cursor_words,
    empty_words,
    is_read_for,
    last_values,
    named_overlays,
    reach_of,
    request_for,
)
from tuitrain.ui.feeds.overlays import Overlays
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import RunSnapshot, devices_of
from tuitrain.ui.notices import News
from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.curves.screen import CurveScreen
from tuitrain.ui.widgets.chartgrid import DrawnChart
from tuitrain.ui.widgets.chartpages import Group
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.panel import Panel, TextPanel
from tuitrain.ui.widgets.runside import RunSide
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.jobtext import is_short, job_words
from tuitrain.view.run import runtext, sidetext
from tuitrain.view.run.diagnosis import diagnosis_note
from tuitrain.view.run.failure import failure_note
from tuitrain.view.run.ranktext import standing_line
from tuitrain.view.spans import SpanLine, plain_line

if TYPE_CHECKING:
    pass

_CHART_ROWS = 9
"""Below this height a chart is hardly one: fewer are shown then."""
_LAYOUTS, _LAYOUT_S = 5, 0.01
"""Looks within which charts get their rooms; after that they are drawn in those they have."""
_WIDE, _VERY_WIDE = 110, 170
_NARROW = 72


class RunView(CurveScreen):
    """Shows one run as its follower delivers it."""

    CSS = """
    #main { height: 1fr; }
    #side { width: 18; margin-left: 1; }
    #happened { height: 3; }
    #note { height: auto; }
    #memory { height: 1; }
    """

    class Read(Message):
        """A follower has read the run."""

        def __init__(self, snapshot: RunSnapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    def __init__(self, directory: RunDirectory) -> None:
        super().__init__(Curves())
        self._directory = directory
        self._snapshot = RunSnapshot(directory.id)
        self._preset = ""
        self._drawn_for: tuple[Size, ...] = ()
        self._overlays = Overlays(self._deliver)
        self._follower = RunFollower(directory, self._deliver, explained=True)
        self._news = News()

    # --- life -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the panels out; how many charts are seen depends on the size."""
        yield TopLine(id="top")
        yield Lines(id="note")
        with Horizontal(id="main"):
            yield self._curves
            yield RunSide(id="side")
        yield Lines(id="memory")
        yield TextPanel(tr("what happened"), id="happened", newest=True)
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to follow the run."""
        self._follower.start()
        self._arrange()
        self.screen_layout_refresh_signal.subscribe(self, self._after_layout)

    def on_unmount(self) -> None:
        """Stop following."""
        self._follower.close()
        self._overlays.close()

    @property
    def words(self) -> tuple[str, ...]:
        """Names whose words the help explains."""
        return self._snapshot.metric_names

    def _deliver(self, snapshot: RunSnapshot) -> None:
        self.post_message(self.Read(snapshot))

    def on_run_view_read(self, message: Read) -> None:
        """Show what was read."""
        snapshot = message.snapshot
        if snapshot.id != self._directory.id:
            self._overlays.take(snapshot)
        elif snapshot.error:
            # What was read before stays in sight; nobody can take commands through this record.
            self._snapshot = replace(self._snapshot, error=snapshot.error, live=False)
        else:
            self._snapshot = snapshot
            self._know()
            self._recall()
            new = self._news.take(snapshot)
            self.tuitrain.notifier.tell(self.tuitrain, self._directory.id, new)
        # What changes below another screen would repaint that one whole.
        if self._in_sight:
            self._draw()
            self.refresh_bindings()

    def _recall(self) -> None:
        """See charts as they were seen in other runs of the preset, once that is known."""
        summary = self._snapshot.summary
        if summary is None or self._preset == summary.preset:
            return
        self._preset = summary.preset
        remembered = self.tuitrain.preferences.charts_of(self._preset)
        self._curves.controls.choices = replace(self._choices, charts=remembered)

    def _know(self) -> None:
        snapshot = self._snapshot
        along = partial(along_of, snapshot, self._choices.axis)
        self._curves.known = Curves.Known(
            snapshot.metric_names, reach_of(snapshot), along, axes_of(snapshot)
        )

    def on_curves_changed(self, message: Curves.Changed) -> None:
        """Draw the curves as they are to be seen now."""
        self._know()
        if message.settings:
            self.tuitrain.preferences.remember_charts(self._preset, self._choices.charts)
        if message.rearranged:
            self._place_charts()
            self.call_after_refresh(self._draw)
        else:
            self._draw()

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
        self._grid.pages.fit(columns, min(rows, 3 if columns == 3 else 4))
        self._place_charts()

    def _after_layout(self, _screen: Screen[Any]) -> None:
        """Draw again for the sizes there are now: a busy machine may draw before the layout."""
        if self._in_sight and self._drawn_for != self._panel_sizes():
            self._draw()

    def _panel_sizes(self) -> tuple[Size, ...]:
        return tuple(panel.size for panel in self.query(Panel))

    def _place_charts(self) -> None:
        if self._grid.place(self._curves.groups):
            self.call_after_refresh(self._ask)

    def _ask(self) -> None:
        """Have read what the charts have room for."""
        request = request_for(self._choices, self._chart_width())
        self._follower.ask(request)
        self._overlays.ask(request)

    # --- drawing --------------------------------------------------------------------------------

    def _draw(self, tries: int = _LAYOUTS) -> None:
        if not self.size.width:
            return
        self._ask()
        self._place_charts()
        if tries and not self._grid.has_rooms():
            # Not after a repaint: those come before the layout as well.
            self.set_timer(_LAYOUT_S, partial(self._draw, tries - 1))
            return
        self._drawn_for = self._panel_sizes()
        self._draw_top()
        self._draw_note()
        self._draw_charts()
        self._draw_side()
        self._draw_happened()

    def _chart_width(self) -> int:
        return max(8, self._grid.first_size.width)

    def _draw_top(self) -> None:
        top, summary = self.query_one(TopLine), self._snapshot.summary
        if summary is None:
            top.show_parts(plain_line(f" {self._directory.id}", "strong"))
            return
        left, right = runtext.top_parts(
            summary,
            live=self._snapshot.live,
            epochs=self._epochs(),
            left_s=self._snapshot.left_s,
            alerts=count_serious(row.kind for row in self._snapshot.alerts),
            waiting=runtext.waiting_for(self._snapshot.commands) or tr(self._snapshot.activity),
            script=self._snapshot.facts.script,
            job=self._snapshot.facts.job,
            width=top.size.width,
            ends=None if self._snapshot.left_s is None else time.time() + self._snapshot.left_s,
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
            lines += runtext.note_lines(said(snapshot.error), width, "bad")
        elif snapshot.state is not None and snapshot.state.state in ("failed", "lost", "paused"):
            words = f"{tr(snapshot.state.state)}: {said(snapshot.state.reason)}"
            if snapshot.live or snapshot.facts.script is None:
                words += f"  {tr('(space resumes)' if snapshot.live else '(R resumes)')}"
            lines += runtext.note_lines(words, width, runtext.STATE_STYLES[snapshot.state.state])
            lines += failure_note(snapshot.failures, width)
        lines += standing_line(snapshot.ranks, snapshot.ranks_gone, width)
        waiting = runtext.waiting_for(snapshot.commands)
        if waiting and snapshot.live:
            lines.append(plain_line(f" {tr(waiting)}", "alert"))
        lines += self._job_note(width)
        lines += diagnosis_note(snapshot.diagnoses, width)
        if self._choices.pattern:
            lines.append(
                plain_line(
                    f" {tr('filter: {pattern}  (/ changes it)', pattern=self._choices.pattern)}",
                    "mark",
                )
            )
        if self._choices.cursor is not None:
            words = cursor_words(snapshot, self._choices, self._chart_width())
            lines.append(plain_line(f" {tr('cursor:')} {words}", "mark"))
        self.query_one("#note", Lines).show_lines(lines)

    def _job_note(self, width: int) -> list[SpanLine]:
        """Say so where the job ends before the run in it finishes."""
        left_s, job, now = self._snapshot.left_s, self._snapshot.facts.job, time.time()
        if left_s is None or job is None or not is_short(job, now + left_s):
            return []
        return runtext.note_lines(job_words(job, now + left_s, now), width, "alert")

    def _draw_charts(self) -> None:
        groups = self._curves.groups
        seen = self._grid.pages.in_sight(groups)
        if not seen:
            self._grid.show_words(
                plain_line(f"  {empty_words(self._snapshot, self._choices)}", "quiet")
            )
            return
        if not is_read_for(self._snapshot, self._choices):
            return  # Asked for, and on its way: until then the charts stay as they are.
        # What holds for all charts stands on one alone: where on the run they are, what marks are.
        above = f"{self._choices.window_words()}{self._grid.pages.where(groups)}"
        overlays = named_overlays(self._overlays.read)
        drawn = [
            self._drawn(group, overlays, above if number == 0 else None)
            for number, group in enumerate(seen)
        ]
        self._grid.show(drawn, self.tuitrain.look)

    def _drawn(self, group: Group, overlays: Sequence[Overlay], above: str | None) -> DrawnChart:
        """Return a chart as it is to be shown; `above` is more for its title, of the first one."""
        title, metrics = group
        settings = self._choices.settings_of(title)
        chart = build_chart(
            self._snapshot, overlays, metrics, self._choices, settings,
            with_words=above is not None, span=self._choices.spans.get(title),
        )  # fmt: skip
        seen = self._choices.span_words(title)
        titled = f"{sanitise(title)}{settings.describe()}{seen}{above or ''}"
        return DrawnChart(titled, chart, last_values(self._snapshot, metrics))

    def _draw_side(self) -> None:
        side = self.query_one(RunSide)
        if side.display:
            side.show_snapshot(self._snapshot, self.tuitrain.look)
        else:
            line = sidetext.memory_line(devices_of(self._snapshot), self.size.width)
            self.query_one("#memory", Lines).show_lines([line])

    def _draw_happened(self) -> None:
        panel, snapshot = self.query_one("#happened", Panel), self._snapshot
        states = list(snapshot.states)
        if snapshot.state is not None and snapshot.state.state == "lost":
            # Nobody was left to record it.
            states.append(snapshot.state)
        events_ = runtext.happenings(states, snapshot.marks, snapshot.alerts, snapshot.checkpoints)
        panel.show_panel(
            tr("what happened"), (), [runtext.happening_line(item) for item in events_]
        )
