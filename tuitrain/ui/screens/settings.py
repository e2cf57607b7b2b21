"""All settings of a run: filtered, held against its preset, and copied.

Reads nothing itself.
"""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from tuitrain.lang import said, tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.settings import RunSettings, SettingsFollower
from tuitrain.ui.screens.following import FollowingScreen
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.run.settings import SettingRow, setting_lines, setting_rows, settings_text
from tuitrain.view.spans import Span, wrap_plain


class SettingsScreen(FollowingScreen[RunSettings]):
    """A filter above all settings."""

    DEFAULT_CSS = """
    SettingsScreen #note { height: auto; }
    SettingsScreen #settings { height: 1fr; }
    """
    BINDINGS = [
        Binding("slash", "filter", "filter", id="settings.filter",
                tooltip="Show only settings with these words in key or value."),
        Binding("d", "changed", "changed", id="settings.changed",
                tooltip="Show only what is not as in the preset, or all settings."),
        Binding("c", "copy", "copy", id="settings.copy",
                tooltip="Copy the settings that are shown, as TOML."),
        Binding("q,escape", "back", "back", id="settings.back", tooltip="Go back."),
    ]  # fmt: skip

    def __init__(self, directory: RunDirectory) -> None:
        """Show the run in `directory`."""
        super().__init__(directory)
        self._only_changed = False
        self._follower = SettingsFollower(directory, self.deliver)

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopLine()
        yield FilterLine(id="settings-filter", placeholder=tr("words of key or value"))
        yield Lines(id="note")
        yield Reader(id="settings")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin with the settings in focus."""
        self.query_one(Reader).focus()

    def on_resize(self) -> None:
        """Arrange anew."""
        self.call_after_refresh(self.show_latest)

    # --- what is shown --------------------------------------------------------------------------

    def _rows(self, settings: RunSettings) -> list[SettingRow]:
        words = self.query_one(FilterLine).value
        return setting_rows(settings.own, settings.preset, words, only_changed=self._only_changed)

    def show_snapshot(self, snapshot: RunSettings) -> None:
        """Show the settings."""
        rows, width = self._rows(snapshot), self.size.width
        changed = sum(row.changed for row in setting_rows(snapshot.own, snapshot.preset))
        words = tr("{n} of {all} settings", n=len(rows), all=len(snapshot.own))
        words += (
            tr("  {changed} not as in the preset", changed=changed)
            if snapshot.preset is not None
            else ""
        )
        left = (Span(tr(" settings {id}", id=sanitise(self._directory.id)), "title"),)
        self.query_one(TopLine).show_parts(left, (Span(f"{words} ", "quiet"),))
        note = wrap_plain(f" {said(snapshot.error or snapshot.about)}", width,
                          "bad" if snapshot.error else "quiet")  # fmt: skip
        self.query_one("#note", Lines).show_lines(note)
        none = (
            tr("all are those of the preset") if self._only_changed else tr("none has these words")
        )
        lines = setting_lines(rows, width) or [(Span(f"  {none}", "quiet"),)]
        self.query_one(Reader).show_lines([] if snapshot.error else lines)

    # --- keys -----------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterLine).open()

    @on(FilterLine.Changed)
    def _filter_changed(self) -> None:
        self.show_latest()

    @on(FilterLine.Left)
    def _filter_left(self) -> None:
        self.query_one(Reader).focus()

    def action_changed(self) -> None:
        """Show what is not as in the preset, or all."""
        settings = self._snapshot
        if settings is not None and settings.preset is None:
            app_of(self).tell(settings.about or settings.error, "warning")
            return
        self._only_changed = not self._only_changed
        self.show_latest()

    def action_copy(self) -> None:
        """Copy what is shown."""
        if self._snapshot is not None:
            rows = self._rows(self._snapshot)
            app_of(self).copier.copy(settings_text(rows), tr("{n} settings", n=len(rows)))
