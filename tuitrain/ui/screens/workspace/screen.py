"""Many runs over one grid of charts, with a legend that says what differs, and tables of that.

It brings what its follower reads to the desk, and keys to what they change.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer

from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.charting import AXIS_WORDS, request_for
from tuitrain.ui.feeds.delivery import Delivery
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.feeds.workspace import WorkspaceFollower
from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.curves.screen import CurveScreen
from tuitrain.ui.screens.workspace.desk import Desk
from tuitrain.ui.screens.workspace.keys import BINDINGS as WORKSPACE_KEYS
from tuitrain.ui.screens.workspace.shown import ShownRuns
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.panel import Panel
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.workspace.top import top_parts

MOST_RUNS = 50
"""More curves are a slab, and more open records than a process should have."""
_TOGETHER_S = 0.02
_GATHERED_S = 0.25
"""Curves that are being read for the first time are drawn at once, unless it takes longer."""
_LAYOUTS, _LAYOUT_S = 5, 0.01
"""Looks within which charts get their rooms; after that they are drawn in those they have."""


class WorkspaceScreen(CurveScreen):
    """Runs, drawn together."""

    BINDINGS = WORKSPACE_KEYS

    def __init__(self, directories: Sequence[RunDirectory]) -> None:
        """Show the runs in `directories`, of which the first fifty are taken."""
        self._asked_for = len(directories)
        self._shown = ShownRuns(directories[:MOST_RUNS])
        self._desk = Desk(self._shown)
        super().__init__(self._desk.curves)
        self._preset: str | None = None
        self._due: Timer | None = None
        self._is_gathering = False
        self._drawn_for: tuple[Size, ...] = ()
        self._follower = WorkspaceFollower(
            list(self._shown.directories.values()), self._deliver, Request(metrics=(), times=False)
        )

    # --- life -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopLine(id="top")
        yield self._desk
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.screen_layout_refresh_signal.subscribe(self, self._after_layout)
        self._follower.start()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._follower.close()

    def _deliver(self, snapshots: Sequence[RunSnapshot]) -> None:
        self.post_message(Delivery(partial(self._take, snapshots)))

    def on_delivery(self, message: Delivery) -> None:
        """Take in what the thread brought."""
        message.take()

    def _take(self, snapshots: Sequence[RunSnapshot]) -> None:
        self._shown.take(snapshots)
        self._recall()
        if self._in_sight:
            self._draw_soon(gathering=not self._shown.has_curves(self._desk.metrics))

    def _draw_soon(self, *, gathering: bool) -> None:
        """Draw at once what several threads bring at about the same time."""
        if self._due is not None:
            if gathering or not self._is_gathering:
                return
            self._due.stop()
        self._is_gathering = gathering
        self._due = self.set_timer(_GATHERED_S if gathering else _TOGETHER_S, self._draw)

    def _recall(self) -> None:
        """See charts as they were seen in other runs of the first one's preset."""
        summary = self._shown.first.summary
        if summary is not None and self._preset is None:
            self._preset = summary.preset
            charts = self.tuitrain.preferences.charts_of(summary.preset)
            self._curves.controls.choices = replace(self._choices, charts=charts)

    def on_screen_resume(self) -> None:
        """Show what was read meanwhile."""
        self._draw()

    def on_resize(self) -> None:
        """Use the room there is now."""
        self.call_after_refresh(self._draw)

    def _after_layout(self, _screen: Screen[Any]) -> None:
        """Draw again for the sizes there are now: a busy machine may draw before the layout."""
        if self._in_sight and self._drawn_for != self._sizes():
            self._draw()

    def _sizes(self) -> tuple[Size, ...]:
        return (self._desk.tables.size, *(panel.size for panel in self.query(Panel)))

    # --- drawing --------------------------------------------------------------------------------

    def _draw(self, tries: int = _LAYOUTS) -> None:
        self._due = None
        if not self._desk.size.width:
            return
        roomy = self._desk.make_room()
        self._ask()
        if tries and not roomy:
            self.set_timer(_LAYOUT_S, partial(self._draw, tries - 1))
            return
        self._drawn_for = self._sizes()
        parts = top_parts(
            self._shown.legend, self._shown.hidden, self._shown.band, self._asked_for,
            (tr(AXIS_WORDS.get(self._choices.axis, self._choices.axis)), self._choices.pattern),
        )  # fmt: skip
        self.query_one(TopLine).show_parts(*parts)
        self._desk.draw(self._front.group)

    def _ask(self) -> None:
        """Have read what the charts in sight show, of all runs over the same steps."""
        request = request_for(self._choices, self._grid.planned_width)
        whole = self._shown.reach.whole
        if request.first_step is None:
            first, last = round(whole.first), round(whole.last)
            request = replace(request, first_step=first, last_step=last)
        # Over which steps that is, is known once each run was looked at.
        names = self._desk.metrics if self._shown.is_complete else ()
        self._follower.ask(replace(request, metrics=names))

    @on(Curves.Changed)
    def _curves_changed(self, message: Curves.Changed) -> None:
        if message.settings and self._preset:
            self.tuitrain.preferences.remember_charts(self._preset, self._choices.charts)
        self._draw()

    def on_descendant_focus(self) -> None:
        """Say the values of the chart in front."""
        if self._shown.is_complete and not self._desk.shows_tables:
            self._desk.draw_legend(self._front.group)

    # --- keys -----------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Go to another run."""
        self._desk.legend.list.action_move(by)

    @on(PickList.Moved)
    def _moved(self, event: PickList.Moved) -> None:
        if self._shown.single:
            self._shown.follow(event.key)
            self._draw()

    def action_runs(self, what: str) -> None:
        """Do something to the run under the cursor."""
        key = self._desk.legend.list.key
        if key:
            getattr(self._shown, what)(key)
            self._draw()

    def action_band(self) -> None:
        """Take seeds together in another way."""
        self._shown.next_band()
        self._draw()

    @on(PickList.Chosen)
    def action_open(self) -> None:
        """Open the run under the cursor."""
        key = self._desk.legend.list.key
        if key:
            self.tuitrain.opener.open_run(self._shown.directories[key])

    def action_write(self) -> None:
        """Ask for a kind of file and write the chart in front as that."""
        seen = [run_id for entry in self._shown.visible for run_id in entry.members]
        self._front.write([self._shown.directories[run_id] for run_id in seen])

    def action_differences(self) -> None:
        """Show what differs, or the charts again."""
        self._desk.turn()
        self.call_after_refresh(self._draw)

    def action_leave(self) -> None:
        """Leave, or go back to the charts first."""
        if self._desk.shows_tables:
            self.action_differences()
        elif not self._front.step_back():
            self.dismiss()
