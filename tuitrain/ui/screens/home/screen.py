"""Home: presets on one side, runs on the other, and the threads that bring them.

Puts the parts together; draws nothing itself.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen

from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.delivery import Delivery
from tuitrain.ui.feeds.home import read_presets
from tuitrain.ui.screens.home.feeds import HomeFeeds
from tuitrain.ui.screens.home.labels import RunLabels
from tuitrain.ui.screens.home.machine import MachineStrip
from tuitrain.ui.screens.home.presets import PresetsSide
from tuitrain.ui.screens.home.removal import empty_old
from tuitrain.ui.screens.home.runs import RunsSide
from tuitrain.ui.screens.home.table import RunTable
from tuitrain.ui.screens.home.top import HomeTop
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.view.runrows import LIVE

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset
    from tuitrain.ui.app import TuitrainApp

_STACKED_BELOW = 76
"""Columns; a narrower terminal has the lists one above the other."""
_WIDE_FROM, _HIGH_FROM = 120, 28
"""Columns and lines that leave room for a preview of a run."""
_TICK_S = 1.0


class HomeScreen(Whole, Screen[None]):
    """Presets and runs."""

    CSS = """
    HomeScreen #lists { layout: horizontal; height: 1fr; }
    HomeScreen #presets-side { width: 1fr; max-width: 48; min-width: 26; }
    HomeScreen #runs-side { width: 2fr; }
    HomeScreen #preview { height: 33%; max-height: 16; display: none; }
    HomeScreen #preview Lines { height: 1fr; }
    HomeScreen #run-labels, HomeScreen #run-keys, HomeScreen #runs-panel { height: 1fr; }
    HomeScreen #presets-panel { height: 1fr; }
    HomeScreen PickList { height: 1fr; }
    HomeScreen #detail-panel { height: auto; }
    HomeScreen #heading { height: 1; }
    HomeScreen #fault { height: auto; display: none; }
    HomeScreen #said { height: 1; display: none; }
    HomeScreen.stacked #lists { layout: vertical; }
    HomeScreen.stacked #presets-side { width: 1fr; max-width: 100%; height: 2fr; }
    HomeScreen.stacked #runs-side { width: 1fr; height: 3fr; }
    HomeScreen.stacked #detail-panel { border: none; padding: 0 1; }
    """
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
        Binding(
            "w",
            "sweeps",
            "sweeps",
            show=False,
            id="home.sweeps",
            tooltip="Show the sweeps: their trials, the best so far, what decides",
        ),
        Binding(
            "G",
            "app.machine",
            "machine",
            show=False,
            priority=True,
            id="home.machine",
            tooltip="Show the GPUs and the host, who is on them, and how it was of late",
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
        self._list_presets = presets
        self._presets = PresetsSide()
        tui = self._tui
        self._runs = RunsSide(clock, lambda: tui().look, lambda: tui().preferences)
        self._table = self._runs.table
        self._top = HomeTop()
        self._strip = MachineStrip(self._top.take_machine)
        self._listed = False
        self._touched = False
        self._in_runs = False

    def _tui(self) -> "TuitrainApp":
        return cast("TuitrainApp", self.app)

    # --- parts ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield self._top
        yield self._strip
        with Horizontal(id="lists"):
            yield self._presets
            yield self._runs
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self._feeds = HomeFeeds(
            self._tui().root,
            clock=self._clock,
            runs=self._bring(self._take_runs),
            fault=self._bring(self._table.take_fault),
            curves=self._bring(self._table.take_curves),
            details=self._bring(self._table.take_details),
            preview=self._bring(self._runs.preview.take_preview),
            told=self._bring(lambda text: self._tui().tell(text, "warning")),
        )
        self._feeds.start()
        self.set_interval(_TICK_S, self.tick)
        self.run_worker(self._empty_old, thread=True, group="trash")
        self._presets.list.focus()

    def _empty_old(self) -> None:
        fault = empty_old(self._tui().root)
        if fault:
            self._tui().tell(fault, "warning")

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
        self.run_worker(self._read_presets, thread=True, group="presets", exclusive=True)

    # --- what threads bring ---------------------------------------------------------------------

    def _bring(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what a thread calls so that `take` is called here."""

        def bring(value: Any) -> None:
            self.post_message(Delivery(partial(take, value)))

        return bring

    def on_delivery(self, message: Delivery) -> None:
        """Take in what a thread brought."""
        message.take()

    def _read_presets(self) -> None:
        presets = {listed.found.name: listed for listed in self._list_presets()}
        self._bring(self._take_presets)(presets)

    def _take_presets(self, presets: Mapping[str, "ListedPreset"]) -> None:
        self._presets.take_presets(presets)
        self._show_detail()

    def _take_runs(self, runs: Sequence[RunSummary]) -> None:
        self._table.take_runs(runs)
        if not self._listed:
            self._listed = True
            if not self._touched and any(run.state in LIVE for run in runs):
                self._table.rows.list.focus()
        self._presets.take_runs(self._table.listed.all)
        self._top.take_runs(runs)
        self._show_detail()

    # --- what is shown --------------------------------------------------------------------------

    def _show_detail(self) -> None:
        """Say more of the row under the cursor of the list that is used."""
        run = self._table.rows.at_cursor if self._in_runs else None
        self._presets.show_detail(run, self._clock(), stacked=self.has_class("stacked"))
        self._show_preview()

    def _show_preview(self) -> None:
        """Show more of the run under the cursor where there is room."""
        run = self._table.rows.at_cursor
        if not self.has_class("wide"):
            return
        self._runs.preview.display = run is not None
        self._runs.preview.show_run(run)
        if run is not None:
            listed = self._presets.preset(run.preset)
            self._feeds.ask_preview(run, None if listed is None else listed.preset)

    def tick(self) -> None:
        """Let ages grow, and ask for the curves of what is in sight now."""
        # Textual calls the screen below the one in front current too.
        if self.app.screen is self and self._listed:
            self._table.show()
            self._show_detail()

    def on_resize(self, event: Resize) -> None:
        """Arrange the lists for the room there is."""
        self.set_class(event.size.width < _STACKED_BELOW, "stacked")
        wide = event.size.width >= _WIDE_FROM and event.size.height >= _HIGH_FROM
        self.set_class(wide, "wide")
        if not wide:
            self._runs.preview.display = False
        self.call_after_refresh(self._show_all)

    def _show_all(self) -> None:
        self._presets.show()
        self._table.show()
        self._show_detail()

    @on(RunLabels.Changed)
    def _look_again(self) -> None:
        self._feeds.look()

    @on(RunTable.Shown)
    def _ask_for_what_is_shown(self) -> None:
        self._feeds.ask(curves=self._table.rows.in_sight, details=self._table.wanted)

    # --- keys -----------------------------------------------------------------------------------

    def on_key(self) -> None:
        """Remember that somebody types: the focus is theirs from now on."""
        self._touched = True

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._show_detail()

    def on_descendant_focus(self) -> None:
        """Say more of what is used now."""
        self._in_runs = self._runs.has_focus_within
        self._show_detail()

    @on(PresetsSide.Chosen)
    def _preset_chosen(self, event: PresetsSide.Chosen) -> None:
        self._tui().opener.open_launch(event.name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Tab to a filter that it completes."""
        del parameters
        focused = self.focused
        return action != "other_list" or not (isinstance(focused, FilterLine) and focused.completes)

    def action_filter_presets(self) -> None:
        """Type a filter for the presets."""
        self._presets.filter()

    def action_filter_runs(self) -> None:
        """Type a filter for the runs."""
        self._table.filter()

    def action_all_rows(self) -> None:
        """Drop both filters."""
        for line in self.query(FilterLine):
            line.clear_away()

    def action_other_list(self) -> None:
        """Move between the lists."""
        (self._presets.list if self._in_runs else self._table.rows.list).focus()

    def action_presets(self) -> None:
        """Go to the presets."""
        self._presets.list.focus()

    def action_sweeps(self) -> None:
        """Show the newest sweep, and from there the others."""
        self._tui().opener.open_sweeps()

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
            self._tui().opener.open_launch(name)
