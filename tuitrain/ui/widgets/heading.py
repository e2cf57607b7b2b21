"""The headings of a table of runs; a click on one sorts by it.

Knows columns, not runs.
"""

from textual.events import Click
from textual.message import Message

from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.runlist.columns import TableLayout, column_at
from tuitrain.view.runlist.lines import run_heading


class TableHeading(Lines):
    """One line of headings."""

    class Picked(Message):
        """The table is to be sorted by a column."""

        def __init__(self, sort_key: str) -> None:
            super().__init__()
            self.sort_key = sort_key

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._layout_shown: TableLayout | None = None

    def show_layout(self, layout: TableLayout | None, look: TerminalStyle) -> None:
        """Show the headings of a table; None: of an empty one, which has none."""
        self._layout_shown = layout
        self.show_lines([() if layout is None else run_heading(layout, look)])

    def on_click(self, event: Click) -> None:
        """Say which column was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or self._layout_shown is None:
            return
        column = column_at(self._layout_shown, offset.x)
        if column is not None and column.sort_key:
            self.post_message(self.Picked(column.sort_key))
