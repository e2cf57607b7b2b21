"""What home shows, and where: the presets there are, the runs there were and are.

Reads nothing itself: threads bring the lists, and words come from `tuitrain.view`. Knows no key.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen

from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.delivery import Delivery
from tuitrain.ui.feeds.home import (
    CurveFollower,
    HeldListFollower,
    Machine,
    MachineFollower,
    read_experience,
    read_presets,
)
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.homelists import PresetList, RunList
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import Row
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.presetrows import Experience, preset_detail, preset_groups, preset_line
from tuitrain.view.rundetail import run_detail
from tuitrain.view.runrows import (
    LIVE,
    Needs,
    NeedsOfRuns,
    RunRow,
    count_line,
    in_order,
    matches,
    run_heading,
    run_line,
)
from tuitrain.view.spans import Span, SpanLine, wrap_plain

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset
    from tuitrain.ui.app import TuitrainApp

_STACKED_BELOW = 76
"""Columns; a narrower terminal has the lists one above the other."""
_DETAIL_SHARE = 3
"""The detail of a preset takes at most this part of the height: a third."""
_STACKED_LINES = 2
_TICK_S = 1.0


class HomeView(Whole, Screen[None]):
    """Shows presets and runs as threads bring them."""

    # The scope would be the name of the class below; every rule names this one.
    SCOPED_CSS = False
    CSS = """
    HomeView #lists { layout: horizontal; height: 1fr; }
    HomeView #presets-side { width: 1fr; max-width: 48; min-width: 26; }
    HomeView #runs-side { width: 2fr; }
    HomeView PickList { height: 1fr; }
    HomeView #detail-panel { height: auto; }
    HomeView #heading { height: 1; }
    HomeView #fault { height: auto; display: none; }
    HomeView.stacked #lists { layout: vertical; }
    HomeView.stacked #presets-side { width: 1fr; max-width: 100%; height: 2fr; }
    HomeView.stacked #runs-side { width: 1fr; height: 3fr; }
    HomeView.stacked #detail-panel { border: none; padding: 0 1; }
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        presets: Callable[[], Sequence["ListedPreset"]] = read_presets,
        machine: Callable[[Callable[[Machine], None]], MachineFollower] = MachineFollower,
    ) -> None:
        """Show home.

        Args:
            clock: seconds since the epoch, for the age of runs.
            presets: reads the presets there are.
            machine: follows the machine.
        """
        super().__init__()
        self._clock = clock
        self._list_presets = presets
        self._follow_machine = machine
        self._presets: dict[str, ListedPreset] = {}
        self._runs: dict[str, RunSummary] = {}
        self._ordered: list[RunSummary] = []
        self._curves: dict[str, tuple[float, ...]] = {}
        self._marked: set[str] = set()
        self._measured = NeedsOfRuns()
        self._needs = Needs()
        self._experience: dict[str, Experience] = {}
        self._machine = Machine()
        self._titles: dict[str, str] = {}
        self._listed = False
        self._fault = ""
        """Why the folder of runs can't be read, where that is so."""
        self._touched = False
        self._in_runs = False

    # --- parts ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopLine()
        with Horizontal(id="lists"):
            with Vertical(id="presets-side"):
                with Vertical(id="presets-panel", classes="panel"):
                    yield FilterLine(id="presets-filter")
                    yield PresetList(id="presets")
                with Vertical(id="detail-panel", classes="panel"):
                    yield Lines(id="detail")
            with Vertical(id="runs-side"), Vertical(id="runs-panel", classes="panel"):
                yield FilterLine(id="runs-filter")
                yield Lines(id="fault")
                yield Lines(id="heading")
                yield RunList(id="runs")
        yield KeyLine()

    @property
    def _tui(self) -> "TuitrainApp":
        return cast("TuitrainApp", self.app)

    @property
    def _preset_list(self) -> PresetList:
        return self.query_one(PresetList)

    @property
    def _run_list(self) -> RunList:
        return self.query_one(RunList)

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one("#presets-panel").border_title = "presets"
        self.query_one("#runs-panel").border_title = "runs"
        self._show_top()
        self._list_follower = HeldListFollower(
            self._tui.root, self._bring(self._take_runs), self._bring(self._take_fault)
        )
        self._curve_follower = CurveFollower(self._bring(self._take_curves))
        self._machine_follower = self._follow_machine(self._bring(self._take_machine))
        for follower in (self._list_follower, self._curve_follower, self._machine_follower):
            follower.start()
        self.set_interval(_TICK_S, self.tick)
        self._preset_list.focus()

    def on_unmount(self) -> None:
        """Stop reading."""
        for follower in (self._list_follower, self._curve_follower, self._machine_follower):
            follower.close()

    def on_screen_suspend(self) -> None:
        """Read nothing while another screen covers this one."""
        self._hold(True)

    def on_screen_resume(self) -> None:
        """Catch up."""
        self._hold(False)
        self.run_worker(self._read_presets, thread=True, group="presets", exclusive=True)

    def _hold(self, held: bool) -> None:
        for follower in (self._list_follower, self._curve_follower, self._machine_follower):
            follower.held = held
            follower.wake()

    # --- what threads bring ---------------------------------------------------------------------

    def _bring(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what a thread calls so that `take` is called here."""
        return lambda value: self._post(partial(take, value))

    def _post(self, take: Callable[[], None]) -> None:
        self.post_message(Delivery(take))

    def on_delivery(self, message: Delivery) -> None:
        """Take in what a thread brought."""
        message.take()

    def _read_presets(self) -> None:
        presets = {listed.found.name: listed for listed in self._list_presets()}
        self._post(partial(self._take_presets, presets))

    def _take_presets(self, presets: Mapping[str, "ListedPreset"]) -> None:
        self._presets = dict(presets)
        self._show_presets()
        self._show_detail()

    def _take_runs(self, runs: Sequence[RunSummary]) -> None:
        self._runs = {run.path: run for run in runs}
        self._marked &= self._runs.keys()
        self._ordered = in_order(runs, self._clock())
        self._needs = self._measured.measure(runs)
        if not self._listed:
            self._listed = True
            if not self._touched and any(run.state in LIVE for run in runs):
                self._run_list.focus()
        self._experience.clear()
        self._show_runs()
        self._show_top()
        self._show_detail()

    def _take_fault(self, fault: str) -> None:
        self._fault = fault
        self._show_fault()
        self._show_runs()

    def _show_fault(self) -> None:
        shown = self.query_one("#fault", Lines)
        shown.display = bool(self._fault)
        if self._fault:
            width = self.query_one("#runs-panel").content_size.width
            shown.show_lines(wrap_plain(self._fault, width, "bad"))

    def _take_curves(self, curves: Mapping[str, tuple[float, ...]]) -> None:
        self._curves.update(curves)
        self._show_runs()

    def _take_machine(self, machine: Machine) -> None:
        self._machine = machine
        self._show_top()

    def _read_experience(self, name: str, runs: Sequence[RunSummary]) -> None:
        self._post(partial(self._take_experience, name, read_experience(name, runs)))

    def _take_experience(self, name: str, past: Experience) -> None:
        self._experience[name] = past
        if self._preset_list.key == name:
            self._show_detail()

    def tick(self) -> None:
        """Let ages grow, and ask for the curves of what is in sight now."""
        # Textual calls the screen below the one in front current too.
        if self.app.screen is self and self._listed:
            self._show_runs()
            self._show_detail()

    # --- what is shown --------------------------------------------------------------------------

    def _show_top(self) -> None:
        machine = self._machine
        right = [Span(sanitise(machine.host), "strong")]
        if machine.gpus:
            free = f"{machine.gpus} GPU{'s' * (machine.gpus > 1)}, {machine.free_gpus} free"
            right.append(Span(f"   {free}", "good" if machine.free_gpus else "alert"))
        right += [Span("   runs: ", "quiet"), *count_line(self._ordered), Span(" ")]
        self.query_one(TopLine).show_parts((Span(" tuitrain", "title"),), tuple(right))

    def _show_presets(self) -> None:
        text = self.query_one("#presets-filter", FilterLine).value
        groups = preset_groups(self._presets.values(), text)
        shown = self._preset_list
        width = shown.size.width
        longest = max((len(each.found.name) for _, group in groups for each in group), default=0)
        rows: list[Row] = []
        for task, group in groups:
            rows.append(Row("", (Span(task, "quiet"),)))
            rows += [Row(each.found.name, preset_line(each, width, longest)) for each in group]
        shown.show_rows(rows, "no preset has these words" if text else "no presets found")
        self._title("presets", text)

    def _show_runs(self) -> None:
        shown = self._run_list
        text = self.query_one("#runs-filter", FilterLine).value
        runs = [run for run in self._ordered if matches(run, text)] if text else self._ordered
        empty = "no run has these words" if text else "no runs yet: Enter on a preset starts one"
        known = self._listed and not self._fault
        # Worded when drawn, with a clock that stands still for all rows of one pass.
        draw = partial(self._draw_run, shown.size.width, self._clock())
        shown.show_keys([run.path for run in runs], draw, empty if known else "")
        heading = [run_heading(shown.size.width, self._needs)] if runs else [()]
        self.query_one("#heading", Lines).show_lines(heading)
        self._curve_follower.ask([self._runs[key] for key in shown.keys_in_sight()])
        self._title("runs", text)

    def _draw_run(self, width: int, now: float, key: str) -> tuple[Span, ...]:
        row = RunRow(self._runs[key], key in self._marked, self._curves.get(key, ()))
        return run_line(row, width, now, self._tui.look, self._needs)

    def _title(self, name: str, text: str) -> None:
        title = f"{name} / {sanitise(text)}" if text else name
        if self._titles.get(name) != title:
            self._titles[name] = title
            self.query_one(f"#{name}-panel").border_title = title.replace("[", "\\[")

    def _show_detail(self) -> None:
        """Say more of the row under the cursor of the list that is used."""
        run = self._run_at_cursor() if self._in_runs else None
        listed = self._presets.get(self._preset_list.key)
        width = self.query_one("#detail-panel").content_size.width
        stacked = self.has_class("stacked")
        most = _STACKED_LINES + 1
        if not stacked:
            most = max(most, self.size.height // _DETAIL_SHARE)
        found: list[SpanLine] = []
        if run is not None:
            found = run_detail(run, self._clock(), width, most)
        elif listed is not None:
            found = preset_detail(listed, self._experience.get(listed.found.name), width, most)
            self._gain_experience(listed)
        # Stacked, the row itself has the name right above.
        self.query_one("#detail", Lines).show_lines(found[1:] if stacked else found)

    def _gain_experience(self, listed: "ListedPreset") -> None:
        name = listed.found.name
        if name not in self._experience and self._listed and listed.preset is not None:
            self.run_worker(
                partial(self._read_experience, name, tuple(self._ordered)),
                thread=True,
                group="experience",
                exclusive=True,
            )

    def _run_at_cursor(self) -> RunSummary | None:
        return self._runs.get(self._run_list.key)

    # --- layout ---------------------------------------------------------------------------------

    def on_resize(self, event: Resize) -> None:
        """Arrange the lists for the room there is."""
        self.set_class(event.size.width < _STACKED_BELOW, "stacked")
        self.call_after_refresh(self._show_all)

    def _show_all(self) -> None:
        self._show_presets()
        self._show_detail()
        self._show_fault()
        self._show_runs()
