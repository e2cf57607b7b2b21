"""Home's presets and runs side by side, and more of the row that is used now.

Shows what it is handed, and does nothing to a run.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.home.focus import ListFocus
from tuitrain.ui.screens.home.presets import PresetsSide
from tuitrain.ui.screens.home.runs import RunsSide
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.runrows import LIVE

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset

_STACKED_BELOW = 76
"""Columns; a narrower terminal has the lists one above the other."""
_WIDE_FROM, _HIGH_FROM = 120, 28
"""Columns and lines that leave room for a preview of a run."""


class HomeLists(Horizontal):
    """Both sides; a wide terminal has a preview of a run, a narrow one stacks them."""

    def __init__(
        self,
        clock: Callable[[], float],
        look: Callable[[], TerminalStyle],
        preferences: Callable[[], Preferences],
        read: Callable[[], Sequence["ListedPreset"]],
    ) -> None:
        """Show nothing yet; `read` reads the presets, the other arguments are the table's."""
        super().__init__(id="lists")
        self._read = read
        self._clock = clock
        self.presets = PresetsSide()
        self.runs = RunsSide(clock, look, preferences)
        self.table = self.runs.table
        self.used = ListFocus(self.presets, self.table)

    def compose(self) -> ComposeResult:
        """Lay the sides out."""
        yield self.presets
        yield self.runs

    def read_presets(self) -> None:
        """Show the presets that there are now."""
        bring = brought_to(self.screen, self.take_presets)
        self.run_worker(lambda: bring(self._read()), thread=True, group="presets", exclusive=True)

    def take_presets(self, presets: Sequence["ListedPreset"]) -> None:
        """Show other presets."""
        self.presets.take_presets(presets)
        self.show_detail()

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Show other runs."""
        self.table.take_runs(runs)
        self.used.begin(live=any(run.state in LIVE for run in runs))
        self.presets.detail.take_runs(self.table.listed.all)
        self.show_detail()

    @property
    def previewed(self) -> RunSummary | None:
        """The run to be shown beside the table; None where there is none, or no room."""
        return self.table.rows.at_cursor if self.has_class("wide") else None

    def show_detail(self) -> None:
        """Say more of the row under the cursor of the list that is used."""
        run = self.table.rows.at_cursor if self.used.in_runs else None
        if run is not None:
            self.presets.detail.show_run(run, self._clock())
        else:
            self.presets.detail.show_preset(self.presets.at_cursor)
        self.runs.preview.show_run(self.previewed)

    def show(self) -> None:
        """Show all as it is now, in the room there is."""
        self.presets.show()
        self.table.show()
        self.show_detail()

    def tick(self) -> None:
        """Let ages grow, and have read what is in sight now."""
        # Textual calls the screen below the one in front current too.
        if self.app.screen is self.screen and self.used.begun:
            self.table.show()
            self.show_detail()

    def fit(self, width: int, height: int) -> None:
        """Arrange the sides for a terminal of so many columns and lines."""
        stacked = width < _STACKED_BELOW
        self.set_class(stacked, "stacked")
        self.presets.detail.stacked = stacked
        self.set_class(width >= _WIDE_FROM and height >= _HIGH_FROM, "wide")

    def on_key(self) -> None:
        """Remember that somebody types: the focus is theirs from now on."""
        self.used.touched = True

    def on_descendant_focus(self) -> None:
        """Say more of what is used now."""
        self.used.in_runs = self.runs.has_focus_within
        self.show_detail()

    @on(PickList.Moved)
    def _moved(self) -> None:
        self.show_detail()
