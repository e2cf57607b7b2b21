"""Home: presets on one side, runs on the other, and the threads that bring them.

Puts the parts together; draws nothing itself.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Resize
from textual.screen import Screen

from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.home import read_presets
from tuitrain.ui.screens.home.feeds import HomeFeeds
from tuitrain.ui.screens.home.labels import RunLabels
from tuitrain.ui.screens.home.lists import HomeLists
from tuitrain.ui.screens.home.machine import MachineStrip
from tuitrain.ui.screens.home.preview import RunPreview
from tuitrain.ui.screens.home.removal import empty_old
from tuitrain.ui.screens.home.table import RunTable
from tuitrain.ui.screens.home.top import HomeTop
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.keyline import KeyLine

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset

_TICK_S = 1.0


class HomeScreen(Whole, Screen[None]):
    """Presets and runs."""

    CSS = """
    HomeScreen #lists { layout: horizontal; height: 1fr; }
    HomeScreen #presets-side { width: 1fr; max-width: 48; min-width: 26; }
    HomeScreen #runs-side { width: 2fr; }
    HomeScreen #preview { height: 33%; max-height: 16; display: none; }
    HomeScreen #preview Lines { height: 1fr; }
    HomeScreen #run-labels, HomeScreen #run-keys, HomeScreen #table-keys { height: 1fr; }
    HomeScreen #runs-panel, HomeScreen #presets-panel { height: 1fr; }
    HomeScreen PickList { height: 1fr; }
    HomeScreen #detail-panel { height: auto; }
    HomeScreen #heading { height: 1; }
    HomeScreen #fault { height: auto; display: none; }
    HomeScreen #said { height: 1; display: none; }
    HomeScreen #lists.stacked { layout: vertical; }
    HomeScreen .stacked #presets-side { width: 1fr; max-width: 100%; height: 2fr; }
    HomeScreen .stacked #runs-side { width: 1fr; height: 3fr; }
    HomeScreen .stacked #detail-panel { border: none; padding: 0 1; }
    """
    BINDINGS = [
        Binding("tab,shift+tab", "lists('other')", "other list", show=False, priority=True,
                id="home.tab",
                tooltip="Move between the presets and the runs"),
        Binding("o", "own_data", "own data", id="home.own",
                tooltip="Look at images or a table of your own, and make a preset "
                "that trains them"),
        Binding("w", "sweeps", "sweeps", show=False, id="home.sweeps",
                tooltip="Show the sweeps: their trials, the best so far, what decides"),
        Binding("G", "app.machine", "machine", show=False, priority=True, id="home.machine",
                tooltip="Show the GPUs and the host, who is on them, and how it was of late"),
        Binding("q", "app.quit", "quit", id="home.quit",
                tooltip="Leave; runs keep running"),
        Binding("escape", "lists('all_rows')", "all rows", show=False, id="home.escape",
                tooltip="Drop the filters and show all rows again"),
    ]  # fmt: skip

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        presets: Callable[[], Sequence["ListedPreset"]] = read_presets,
    ) -> None:
        """Show home.

        Args:
            clock: seconds since the epoch, for the age of runs.
            presets: reads the presets there are.
        """
        super().__init__()
        self._clock = clock
        self._lists = HomeLists(
            clock, lambda: app_of(self).look, lambda: app_of(self).preferences, presets
        )
        self._top = HomeTop()
        self._strip = MachineStrip(self._top.take_machine)

    # --- parts ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield self._top
        yield self._strip
        yield self._lists
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        bring, lists, root = partial(brought_to, self), self._lists, app_of(self).root
        told = bring(lambda text: app_of(self).tell(text, "warning"))

        def take_runs(runs: Sequence[RunSummary]) -> None:
            lists.take_runs(runs)
            self._top.take_runs(runs)

        self._feeds = HomeFeeds(
            root,
            app_of(self).hosts,
            clock=self._clock,
            runs=bring(take_runs),
            fault=bring(lists.table.take_fault),
            curves=bring(lists.table.take_curves),
            details=bring(lists.table.take_details),
            preview=bring(lists.runs.preview.take_preview),
            told=told,
        )
        self._feeds.start()
        self.run_worker(lambda: empty_old(root, told), thread=True, group="trash")
        self.set_interval(_TICK_S, lists.tick)
        lists.used.presets()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._feeds.close()

    def on_screen_suspend(self) -> None:
        """Read nothing while another screen covers this one."""
        self._feeds.hold(True)
        self._strip.hold(True)

    def on_screen_resume(self) -> None:
        """Catch up."""
        self._feeds.hold(False)
        self._strip.hold(False)
        self._lists.read_presets()

    @on(RunLabels.Changed)
    def _look_again(self) -> None:
        self._feeds.look()

    @on(RunTable.Shown)
    @on(RunPreview.Turned)
    def _ask_for_what_is_shown(self) -> None:
        table, run = self._lists.table, self._lists.previewed
        self._feeds.ask(curves=table.rows.in_sight, details=table.wanted)
        if run is not None:
            listed = self._lists.presets.presets.get(run.preset)
            self._feeds.ask_preview(run, None if listed is None else listed.preset)

    def on_resize(self, event: Resize) -> None:
        """Use the room there is now."""
        self._lists.fit(*event.size)
        self.call_after_refresh(self._lists.show)

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Tab to a filter that it completes; no runs need no filter."""
        if action == "lists" and parameters == ("filter_runs",):
            return not self._lists.table.is_empty
        focused = self.focused
        leads_away = action == "lists" and parameters == ("other",)
        return not (leads_away and isinstance(focused, FilterLine) and focused.completes)

    def action_lists(self, what: str) -> None:
        """Go to one of the lists, or to its filter."""
        getattr(self._lists.used, what)()

    def action_sweeps(self) -> None:
        """Show the newest sweep, and from there the others."""
        app_of(self).opener.open_sweeps()

    def action_own_data(self) -> None:
        """Ask where data of the user's own are."""
        # Imported here: home opens without it.
        from tuitrain.ui.screens.own_data import OwnDataScreen, ask_path, whole_path

        def show(text: str | None) -> None:
            if text is not None:
                self.app.push_screen(OwnDataScreen(whole_path(text)), launch)

        def launch(name: str | None) -> None:
            if name is not None:
                app_of(self).opener.open_launch(name)

        self.app.push_screen(ask_path(), show)
