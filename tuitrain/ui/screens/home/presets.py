"""Home's left side: the presets, a filter over them, and more of what is used now.

Reads nothing itself; says what was chosen.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tuitrain.lang import tr
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.delivery import Delivery
from tuitrain.ui.feeds.home import read_experience
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.homelists import PresetList
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import Row
from tuitrain.view.format import display_width, sanitise
from tuitrain.view.presetrows import Experience, preset_detail, preset_groups, preset_line
from tuitrain.view.rundetail import run_detail
from tuitrain.view.spans import Span, SpanLine

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset

DETAIL_SHARE = 3
"""The detail of a preset takes at most this part of the height: a third."""
_STACKED_LINES = 2


class PresetsSide(Vertical):
    """The list of presets, and the detail below it."""

    class Chosen(Message):
        """A preset is to be launched."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="presets-side")
        self._presets: dict[str, ListedPreset] = {}
        self._experience: dict[str, Experience] = {}
        self._runs: Sequence[RunSummary] | None = None
        """None: not listed yet."""
        self._title = ""

    def compose(self) -> ComposeResult:
        """Lay the side out."""
        with Vertical(id="presets-panel", classes="panel"):
            yield FilterLine(id="presets-filter")
            yield PresetList(id="presets")
        with Vertical(id="detail-panel", classes="panel"):
            yield Lines(id="detail")

    def on_mount(self) -> None:
        """Name the panel."""
        self._show_title("")

    @property
    def list(self) -> PresetList:
        """The list."""
        return self.query_one(PresetList)

    @property
    def line(self) -> FilterLine:
        """Where its filter is typed."""
        return self.query_one(FilterLine)

    def preset(self, name: str) -> "ListedPreset | None":
        """Return a preset by name; None: there is none."""
        return self._presets.get(name)

    # --- what is shown --------------------------------------------------------------------------

    def take_presets(self, presets: Mapping[str, "ListedPreset"]) -> None:
        """Show other presets."""
        self._presets = dict(presets)
        self.show()

    def take_runs(self, runs: Sequence[RunSummary]) -> None:
        """Take in the runs that experience with presets comes from."""
        self._runs = runs
        self._experience.clear()

    def show(self) -> None:
        """Show the presets that the filter finds."""
        text = self.line.value
        groups = preset_groups(self._presets.values(), text)
        width = self.list.size.width
        longest = max(
            (display_width(each.found.name) for _, group in groups for each in group), default=0
        )
        rows: list[Row] = []
        for task, group in groups:
            rows.append(Row("", (Span(tr(task), "quiet"),)))
            rows += [Row(each.found.name, preset_line(each, width, longest)) for each in group]
        self.list.show_rows(rows, tr("no preset has these words" if text else "no presets found"))
        self._show_title(text)

    def _show_title(self, text: str) -> None:
        title = f"{tr('presets')} / {sanitise(text)}" if text else tr("presets")
        if self._title != title:
            self._title = title
            self.query_one("#presets-panel").border_title = title.replace("[", "\\[")

    def show_detail(self, run: RunSummary | None, now: float, *, stacked: bool) -> None:
        """Say more of a run, or else of the preset under the cursor.

        Args:
            run: the one that is used now; None: the presets are.
            now: seconds since the epoch.
            stacked: it stands right below the row itself.
        """
        listed = self._presets.get(self.list.key)
        width = self.query_one("#detail-panel").content_size.width
        most = _STACKED_LINES + 1
        if not stacked:
            most = max(most, self.screen.size.height // DETAIL_SHARE)
        found: list[SpanLine] = []
        if run is not None:
            found = run_detail(run, now, width, most)
        elif listed is not None:
            found = preset_detail(listed, self._experience.get(listed.found.name), width, most)
            self._gain_experience(listed)
        # Stacked, the row itself has the name right above.
        self.query_one("#detail", Lines).show_lines(found[1:] if stacked else found)

    def _gain_experience(self, listed: "ListedPreset") -> None:
        name = listed.found.name
        if name not in self._experience and self._runs is not None and listed.preset is not None:
            self.run_worker(
                partial(self._read_experience, name, tuple(self._runs)),
                thread=True,
                group="experience",
                exclusive=True,
            )

    def _read_experience(self, name: str, runs: Sequence[RunSummary]) -> None:
        past = read_experience(name, runs)
        self.screen.post_message(Delivery(partial(self._take_experience, name, past)))

    def _take_experience(self, name: str, past: Experience) -> None:
        self._experience[name] = past
        if self.list.key == name:
            self.list.post_message(PresetList.Moved(self.list, name))

    # --- what is typed and chosen ---------------------------------------------------------------

    @on(PresetList.Chosen)
    def _chosen(self, event: PresetList.Chosen) -> None:
        event.stop()
        self.post_message(self.Chosen(event.key))

    @on(FilterLine.Changed)
    def _filter_changed(self) -> None:
        self.show()

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        self.list.focus()
        if event.take:
            self.list.action_choose()

    def filter(self) -> None:
        """Type a filter for the presets."""
        self.line.open()
