"""Below home's presets: more of the preset or of the run that is used now."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.home import read_experience
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.presetrows import Experience, preset_detail
from tuitrain.view.run.rundetail import run_detail
from tuitrain.view.spans import SpanLine

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset

_SHARE = 3
"""It takes at most this part of the height: a third."""
_STACKED_LINES = 2


class RowDetail(Vertical):
    """A few lines; what earlier runs showed of a preset is read when it is needed first."""

    def __init__(self) -> None:
        super().__init__(id="detail-panel", classes="panel")
        self._lines = Lines(id="detail")
        self.stacked = False
        """Whether it stands right below the row itself, which has the name."""
        self._listed: ListedPreset | None = None
        self._experience: dict[str, Experience] = {}
        self._runs: Sequence[RunSummary] | None = None
        """None: not listed yet."""

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield self._lines

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Take in the runs that experience with presets comes from."""
        self._runs = runs
        self._experience.clear()

    def show_run(self, run: RunSummary, now: float) -> None:
        """Say more of a run; `now` is in seconds since the epoch."""
        self._listed = None
        self._show(run_detail(run, now, self.content_size.width, self._most))

    def show_preset(self, listed: "ListedPreset | None") -> None:
        """Say more of a preset; without one say nothing."""
        self._listed = listed
        if listed is None:
            self._show([])
            return
        known = self._experience.get(listed.found.name)
        self._show(preset_detail(listed, known, self.content_size.width, self._most))
        if known is None and self._runs is not None and listed.preset is not None:
            read = partial(self._read_experience, listed.found.name, tuple(self._runs))
            self.run_worker(read, thread=True, group="experience", exclusive=True)

    @property
    def _most(self) -> int:
        least = _STACKED_LINES + 1
        return least if self.stacked else max(least, self.app.size.height // _SHARE)

    def _show(self, found: Sequence[SpanLine]) -> None:
        self._lines.show_lines(found[1:] if self.stacked else found)

    def _read_experience(self, name: str, runs: Sequence[RunSummary]) -> None:
        past = read_experience(name, runs)
        self.screen.call_later(self._take_experience, name, past)

    def _take_experience(self, name: str, past: Experience) -> None:
        self._experience[name] = past
        if self._listed is not None and self._listed.found.name == name:
            self.show_preset(self._listed)
