"""The legend of a workspace: a heading and a list with a cursor, moved by keys of the screen.

Knows lines by key, not what they say.
"""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.view.spans import SpanLine


class LegendList(PickList, can_focus=False):
    """Rows of which one is always marked: the charts have the focus."""

    BINDINGS = []

    def is_reversed(self, y: int) -> bool:
        """Return whether a row is the one under the cursor."""
        return y == self.place


class LegendPanel(Vertical):
    """A row of headings above the list."""

    DEFAULT_CSS = """
    LegendPanel Lines { height: 1; }
    LegendPanel LegendList { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """Lay the rows out."""
        yield Lines(id="legend-heading")
        yield LegendList(id="legend")

    @property
    def list(self) -> LegendList:
        """The rows."""
        return self.query_one(LegendList)

    def show(self, heading: SpanLine, keys: Sequence[str], lines: Sequence[SpanLine]) -> None:
        """Show other rows."""
        self.query_one("#legend-heading", Lines).show_lines([heading])
        self.list.show_rows([Row(key, line) for key, line in zip(keys, lines, strict=True)])
