"""Which of home's two lists is used, and what leads from one to the other and to their filters."""

from tuitrain.ui.screens.home.presets import PresetsSide
from tuitrain.ui.screens.home.table import RunTable


class ListFocus:
    """The focus between presets and runs."""

    def __init__(self, presets: PresetsSide, table: RunTable) -> None:
        """Begin with the presets."""
        self._presets = presets
        self._table = table
        self.begun = False
        """Whether the runs were listed once."""
        self.in_runs = False
        """Whether the runs were used last."""
        self.touched = False
        """Whether somebody typed: the focus is theirs from now on."""

    def begin(self, *, live: bool) -> None:
        """Go to the runs once they are listed first, if any of them is live."""
        if live and not self.begun and not self.touched:
            self._table.rows.list.focus()
        self.begun = True

    def other(self) -> None:
        """Move between the lists."""
        (self._presets.list if self.in_runs else self._table.rows.list).focus()

    def presets(self) -> None:
        """Go to the presets."""
        self._presets.list.focus()

    def filter_presets(self) -> None:
        """Type a filter for the presets."""
        self._presets.filter()

    def filter_runs(self) -> None:
        """Type a filter for the runs."""
        self._table.filter()

    def all_rows(self) -> None:
        """Drop both filters."""
        for line in (self._presets.line, self._table.search.line):
            line.clear_away()
