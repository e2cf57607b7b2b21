"""Home's left side: the presets, a filter over them, and more of what is used now.

Reads nothing itself.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from tuitrain.lang import tr
from tuitrain.ui.screens.home.detail import RowDetail
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.homelists import PresetList
from tuitrain.ui.widgets.picklist import Row
from tuitrain.view.format import display_width, sanitise
from tuitrain.view.presetrows import preset_groups, preset_line
from tuitrain.view.spans import Span

if TYPE_CHECKING:
    from tuitrain.config.presets import ListedPreset


class PresetsSide(Vertical):
    """The list of presets, and the detail below it."""

    def __init__(self) -> None:
        super().__init__(id="presets-side")
        self.presets: dict[str, ListedPreset] = {}
        self.line = FilterLine(id="presets-filter")
        self.list = PresetList(id="presets")
        self.detail = RowDetail()
        self._title = ""
        self._ready = False

    def compose(self) -> ComposeResult:
        """Lay the side out."""
        with Vertical(id="presets-panel", classes="panel"):
            yield self.line
            yield self.list
        yield self.detail

    def on_mount(self) -> None:
        """Name the panel."""
        self._show_title("")

    @property
    def at_cursor(self) -> "ListedPreset | None":
        """The preset under the cursor."""
        return self.presets.get(self.list.key)

    def take_presets(self, presets: Sequence["ListedPreset"]) -> None:
        """Show other presets."""
        self._ready = True
        self.presets = {listed.found.name: listed for listed in presets}
        self.show()

    def show(self) -> None:
        """Show the presets that the filter finds."""
        text = self.line.value
        groups = preset_groups(self.presets.values(), text)
        width = self.list.size.width
        longest = max(
            (display_width(each.found.name) for _, group in groups for each in group), default=0
        )
        rows: list[Row] = []
        for task, group in groups:
            rows.append(Row("", (Span(tr(task), "quiet"),)))
            rows += [Row(each.found.name, preset_line(each, width, longest)) for each in group]
        none = tr("no presets found: o makes one of data of your own")
        empty = tr("no preset has these words: Escape shows all") if text else none
        self.list.show_rows(rows, empty if self._ready else "")
        self._show_title(text)

    def _show_title(self, text: str) -> None:
        title = f"{tr('presets')} / {sanitise(text)}" if text else tr("presets")
        if self._title != title:
            self._title = title
            self.query_one("#presets-panel").border_title = title.replace("[", "\\[")

    # --- what is typed and chosen ---------------------------------------------------------------

    @on(PresetList.Chosen)
    def _chosen(self, event: PresetList.Chosen) -> None:
        event.stop()
        app_of(self).opener.open_launch(event.key)

    @on(FilterLine.Changed)
    def _filter_changed(self) -> None:
        self.show()

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        self.list.focus()
        if event.take:
            self.list.action_choose()

    def on_descendant_focus(self) -> None:
        """Show which row Enter takes while a filter is typed."""
        self.list.aim(self.line.has_focus)

    on_descendant_blur = on_descendant_focus

    def filter(self) -> None:
        """Let a filter be typed."""
        self.line.open()
