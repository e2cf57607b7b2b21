"""What is done from home's table with the run under the cursor, and what is marked there."""

from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.home.arrange import TableKeys
from tuitrain.ui.screens.home.table import RunTable
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.view.chart.figure import TerminalStyle


class RunKeys(Vertical):
    """The table, and keys that work on the run under its cursor or mark it."""

    BINDINGS = [
        Binding("space", "mark", "mark", id="home.mark",
                tooltip="Mark this run; d, t, N, p, s, R and x then work on all that are marked"),
        Binding("n", "screen.lists('presets')", "new", id="home.new",
                tooltip="Go to the presets to start a new run"),
        Binding("e", "again", "again", id="home.again",
                tooltip="Start a new run with this run's settings, which can be changed first"),
        Binding("v", "results", "results", id="home.results",
                tooltip="Evaluate a checkpoint: figures, classes, confusion, curves, "
                "worst samples"),
        Binding("U", "uses", "use", id="home.uses",
                tooltip="Use the model: predict, explain, plot, report, export, demo or serve"),
        Binding("d", "compare", "compare", id="home.compare",
                tooltip="Compare the marked runs, or this one with the marked one"),
        Binding("a", "mark_all", "all", id="home.mark_all",
                tooltip="Mark all runs that the filter shows, or take their marks away"),
    ]  # fmt: skip

    def __init__(
        self,
        clock: Callable[[], float],
        look: Callable[[], TerminalStyle],
        preferences: Callable[[], Preferences],
    ) -> None:
        """Show no runs yet; the arguments are the table's."""
        super().__init__(id="run-keys")
        self.table = RunTable(clock, look)
        self._arranged = TableKeys(self.table, preferences)

    def compose(self) -> ComposeResult:
        """Show the table."""
        yield self._arranged

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do nothing to runs where there are none, or another screen is about to cover them."""
        del parameters
        if action == "mark_all":
            return not app_of(self).opener.is_opening and bool(self.table.listed.shown)
        return not app_of(self).opener.is_opening and bool(self.table.rows.list.key)

    def _with_run(self, act: Callable[[RunDirectory], None]) -> None:
        """Do something with the run under the cursor, if there is one."""
        run = self.table.rows.at_cursor
        if run is not None:
            act(RunDirectory(Path(run.path)))

    # --- one run --------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Open the form with the settings of the run under the cursor."""
        run = self.table.rows.at_cursor
        if run is not None:
            directory = RunDirectory(Path(run.path))
            app_of(self).opener.open_launch(run.preset, config=directory.config_path)

    def action_results(self) -> None:
        """Show what an evaluation of the run under the cursor gives."""
        self._with_run(app_of(self).opener.open_results)

    def action_uses(self) -> None:
        """Show what can be done with the model of the run under the cursor."""
        self._with_run(app_of(self).opener.open_uses)

    # --- marks ----------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away."""
        shown = self.table.rows.list
        branch = self.table.listed.tree.branch(shown.key)
        if branch is not None:
            self.table.marks.toggle_all(branch.paths)
            self.table.show()
        elif shown.key:
            self.table.marks.toggle(shown.key)
            self.table.show()
            shown.action_move(1)

    def on_pick_list_marked(self, event: PickList.Marked) -> None:
        """Mark the run that was clicked for that, or take its mark away."""
        self.table.marks.toggle(event.key)
        self.table.show()

    def action_mark_all(self) -> None:
        """Mark all runs in the list, or take all their marks away."""
        self.table.marks.toggle_all(self.table.listed.shown)
        self.table.show()

    def action_compare(self) -> None:
        """Compare the marked runs; one mark alone is compared with the run under the cursor."""
        paths = [run.path for run in self.table.chosen]
        at_cursor = self.table.rows.list.key
        known = self.table.listed.known.runs
        if len(paths) < 2 and at_cursor in known and at_cursor not in paths:
            paths.append(at_cursor)
        if len(paths) < 2:
            app_of(self).tell(tr("mark two or more runs with space, then press d"), "warning")
            return
        app_of(self).opener.open_workspace([RunDirectory(Path(path)) for path in paths])
