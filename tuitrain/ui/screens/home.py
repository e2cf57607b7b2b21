"""Home: what can be done with the presets and runs that `home_view` shows.

Knows keys, lists and filters; draws and reads nothing itself.
"""

from functools import partial
from pathlib import Path

from textual import on
from textual.binding import Binding

from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.remove import remove_run
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.screens.dialogs import Confirm
from tuitrain.ui.screens.home_view import HomeView
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.view.format import sanitise
from tuitrain.view.runrows import LIVE


class HomeScreen(HomeView):
    """Presets and runs, and the keys that work on them."""

    BINDINGS = [
        Binding(
            "tab,shift+tab",
            "other_list",
            "other list",
            show=False,
            priority=True,
            id="home.tab",
            tooltip="Move between the presets and the runs",
        ),
        Binding(
            "o",
            "own_data",
            "own data",
            id="home.own",
            tooltip="Look at images or a table of your own, and make a preset that trains them",
        ),
        Binding("q", "app.quit", "quit", id="home.quit", tooltip="Leave; runs keep running"),
        Binding(
            "escape",
            "all_rows",
            "all rows",
            show=False,
            id="home.escape",
            tooltip="Drop the filters and show all rows again",
        ),
    ]

    # --- lists and filters ----------------------------------------------------------------------

    def on_key(self) -> None:
        """Remember that somebody types: the focus is theirs from now on."""
        self._touched = True

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._show_detail()

    def on_descendant_focus(self) -> None:
        """Say more of what is used now."""
        self._in_runs = self.query_one("#runs-panel").has_focus_within
        self._show_detail()

    @on(PickList.Chosen, "#presets")
    def _preset_chosen(self, event: PickList.Chosen) -> None:
        self._tui.open_launch(event.key)

    @on(PickList.Chosen, "#runs")
    def _run_chosen(self, event: PickList.Chosen) -> None:
        self._tui.open_run(RunDirectory(Path(event.key)))

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        if event.input.id == "presets-filter":
            self._show_presets()
        else:
            self._show_runs()

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        shown: PickList = self._run_list
        if event.line.id == "presets-filter":
            shown = self._preset_list
        shown.focus()
        if event.take:
            shown.action_choose()

    # --- keys: lists ----------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter for the list that has the focus."""
        name = "presets" if self._preset_list.has_focus else "runs"
        self.query_one(f"#{name}-filter", FilterLine).open()

    def action_all_rows(self) -> None:
        """Drop both filters."""
        for line in self.query(FilterLine):
            line.clear_away()

    def action_other_list(self) -> None:
        """Move between the lists."""
        (self._preset_list if self._in_runs else self._run_list).focus()

    def action_presets(self) -> None:
        """Go to the presets."""
        self._preset_list.focus()

    def action_own_data(self) -> None:
        """Ask where data of the user's own are."""
        # Imported here: home opens without it.
        from tuitrain.ui.screens.own_data import OwnDataScreen, ask_path, whole_path

        def show(text: str | None) -> None:
            if text is not None:
                self.app.push_screen(OwnDataScreen(whole_path(text)), self._own_preset)

        self.app.push_screen(ask_path(), show)

    def _own_preset(self, name: str | None) -> None:
        if name is not None:
            self._tui.open_launch(name)

    # --- keys: runs -----------------------------------------------------------------------------

    def action_again(self) -> None:
        """Open the form with the settings of the run under the cursor."""
        run = self._run_at_cursor()
        if run is None:
            return
        directory = RunDirectory(Path(run.path))
        self._tui.open_launch(run.preset, config=directory.config_path)

    def action_resume(self) -> None:
        """Go on with the run under the cursor."""
        run = self._run_at_cursor()
        if run is not None:
            self._tui.resume_run(RunDirectory(Path(run.path)))

    def action_results(self) -> None:
        """Show what an evaluation of the run under the cursor gives."""
        run = self._run_at_cursor()
        if run is not None:
            self._tui.open_results(RunDirectory(Path(run.path)))

    def action_uses(self) -> None:
        """Show what can be done with the model of the run under the cursor."""
        run = self._run_at_cursor()
        if run is not None:
            self._tui.open_uses(RunDirectory(Path(run.path)))

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away."""
        run = self._run_at_cursor()
        if run is not None:
            self._marked ^= {run.path}
            self._show_runs()
            self._run_list.action_move(1)

    def action_compare(self) -> None:
        """Compare the marked runs; one mark alone is compared with the run under the cursor."""
        run = self._run_at_cursor()
        chosen = [each.path for each in self._ordered if each.path in self._marked]
        if len(chosen) < 2 and run is not None and run.path not in chosen:
            chosen.append(run.path)
        if len(chosen) < 2:
            self._tui.tell("mark two or more runs with space, then press d", "warning")
            return
        self._tui.open_compare([RunDirectory(Path(path)) for path in chosen])

    # --- removal --------------------------------------------------------------------------------

    def action_remove(self) -> None:
        """Ask, then remove the run under the cursor."""
        run = self._run_at_cursor()
        if run is None:
            return
        if run.state in LIVE:
            self._tui.tell(f"{run.id} is live: stop it first", "warning")
            return
        question = f"Remove {sanitise(run.id)} with its record, checkpoints and exports for good?"
        self.app.push_screen(Confirm(question, "remove it"), partial(self._removal, run))

    def _removal(self, run: RunSummary, wanted: bool | None) -> None:
        if wanted:
            self.run_worker(partial(self._remove, run), thread=True, group="removals")

    def _remove(self, run: RunSummary) -> None:
        try:
            remove_run(RunDirectory(Path(run.path)))
        except (TuitrainError, OSError) as error:
            self._tui.tell(f"{run.id} is still there: {error}", "error")
            return
        self._tui.tell(f"{run.id} is removed")
        self._list_follower.wake()
