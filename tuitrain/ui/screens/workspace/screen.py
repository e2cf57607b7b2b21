"""Many runs over one grid of charts, with a legend that says what differs, and tables of that.

It brings what its follower reads to the desk, and keys to what they change.
"""

from collections.abc import Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult

from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.charting import request_for
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.feeds.workspace import WorkspaceFollower
from tuitrain.ui.screens.curves.screen import CurveScreen
from tuitrain.ui.screens.workspace.desk import Desk
from tuitrain.ui.screens.workspace.keys import BINDINGS as WORKSPACE_KEYS
from tuitrain.ui.screens.workspace.shown import ShownRuns
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.picklist import PickList

MOST_RUNS = 50
"""More curves are a slab, and more open records than a process should have."""


class WorkspaceScreen(CurveScreen):
    """Runs, drawn together."""

    BINDINGS = WORKSPACE_KEYS

    def __init__(self, directories: Sequence[RunDirectory]) -> None:
        """Show the runs in `directories`, of which the first fifty are taken."""
        self._shown = ShownRuns(directories[:MOST_RUNS])
        self._desk = Desk(self._shown, len(directories))
        super().__init__(self._desk)
        self._follower = WorkspaceFollower(
            list(self._shown.runs.directories.values()),
            brought_to(self, self._take),
            Request(metrics=(), times=False),
        )

    # --- life -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield self._desk
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self._follower.start()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._follower.close()

    def _take(self, snapshots: Sequence[RunSnapshot]) -> None:
        self._shown.take(snapshots)
        self.recall(self._shown.runs.first.summary)
        if self._desk.is_in_sight:
            gathering = not self._shown.runs.has_curves(self._desk.metrics)
            self._desk.draw_soon(gathering=gathering)

    @on(Desk.Arranged)
    def _ask(self) -> None:
        """Have read what the charts in sight show, of all runs over the same steps."""
        runs, choices = self._shown.runs, self._curves.choices
        request = request_for(choices, self._curves.grid.planned_width)
        if request.first_step is None:
            whole = runs.reach.whole
            first, last = round(whole.first), round(whole.last)
            request = replace(request, first_step=first, last_step=last)
        # Over which steps that is, is known once each run was looked at.
        names = self._desk.metrics if runs.is_complete else ()
        self._follower.ask(replace(request, metrics=names))

    def on_descendant_focus(self) -> None:
        """Say the values of the chart in front."""
        if self._shown.runs.is_complete and not self._desk.shows_tables:
            self._desk.draw_legend()

    # --- keys -----------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Go to another run."""
        self._desk.legend.list.action_move(by)

    @on(PickList.Moved)
    def _moved(self, event: PickList.Moved) -> None:
        if self._shown.single:
            self._shown.follow(event.key)
            self._desk.draw()

    def action_runs(self, what: str) -> None:
        """Do something to the run under the cursor."""
        key = self._desk.legend.list.key
        if key:
            getattr(self._shown, what)(key)
            self._desk.draw()

    def action_band(self) -> None:
        """Take seeds together in another way."""
        self._shown.next_band()
        self._desk.draw()

    @on(PickList.Chosen)
    def action_open(self) -> None:
        """Open the run under the cursor."""
        key = self._desk.legend.list.key
        if key:
            app_of(self).opener.open_run(self._shown.runs.directories[key])

    def action_write(self) -> None:
        """Ask for a kind of file and write the chart in front as that."""
        seen = [run_id for entry in self._shown.visible for run_id in entry.members]
        self._front.write([self._shown.runs.directories[run_id] for run_id in seen])

    def action_differences(self) -> None:
        """Show what differs, or the charts again."""
        self._desk.turn()
        self.call_after_refresh(self._desk.draw)

    def action_leave(self) -> None:
        """Leave, or go back to the charts first."""
        if self._desk.shows_tables:
            self.action_differences()
        elif not self._front.step_back():
            self.dismiss()
