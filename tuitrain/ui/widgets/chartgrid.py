"""Charts in rows and columns, and where the focus is.

Knows titles, charts and panels; nothing of a run or of how its charts are made.
"""

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size

from tuitrain.ui.widgets.chartpages import MOST_CHARTS, ChartPages, Group
from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.view.chart.chart import align_columns
from tuitrain.view.chart.figure import Chart, TerminalStyle
from tuitrain.view.spans import SpanLine


class DrawnChart(NamedTuple):
    """What one panel is to show."""

    title: str
    chart: Chart
    values: SpanLine


class ChartGrid(Container):
    """Panels for the charts of a run."""

    DEFAULT_CSS = """
    ChartGrid { layout: grid; grid-gutter: 0 1; height: 1fr; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, reads: bool = True) -> None:
        """Show no charts yet; `reads`: the values at a cursor stand on each."""
        super().__init__(id=id)
        self._reads = reads
        self.pages = ChartPages()
        self._drawn: Sequence[DrawnChart] = ()
        self._panels = [self._panel(number) for number in range(MOST_CHARTS)]
        self.placed = (0, 0)
        """Columns and rows that are taken up."""
        # One alone until it is known how many there are: of many each is given a small room first.
        self.place(())

    def compose(self) -> ComposeResult:
        """Show the panels."""
        yield from self._panels

    @property
    def panels(self) -> Sequence[ChartPanel]:
        """Those that there are, seen or not."""
        return self._panels

    @property
    def focused(self) -> int:
        """The number of the panel that has the focus, 0 where none has."""
        return next((n for n, panel in enumerate(self._panels) if panel.has_focus), 0)

    @property
    def chart_in_front(self) -> Chart | None:
        """The chart that has the focus, as drawn last, else the first; None without any."""
        return self._drawn[min(self.focused, len(self._drawn) - 1)].chart if self._drawn else None

    @property
    def columns_in_front(self) -> int:
        """Cells across that show values on the chart that has the focus."""
        return self._panels[self.focused].columns

    @property
    def first_size(self) -> Size:
        """Cells of the upper left chart."""
        return self._panels[0].size

    @property
    def planned_width(self) -> int:
        """Cells across that a chart will have once the grid is laid out."""
        return max(8, self.size.width // max(1, self.placed[0]))

    def place(self, groups: Sequence[Group]) -> bool:
        """Make room for the charts in sight; return whether the grid has changed."""
        seen = max(1, len(self.pages.in_sight(groups)))
        columns = min(self.pages.shape[0], seen)
        rows = -(-seen // columns)
        self._make(seen)
        self.styles.grid_size_columns, self.styles.grid_size_rows = columns, rows
        for number, panel in enumerate(self._panels):
            panel.display = number < seen
        changed, self.placed = self.placed != (columns, rows), (columns, rows)
        return changed

    def _make(self, number: int) -> None:
        made = [self._panel(n) for n in range(len(self._panels), number)]
        if made:
            self._panels += made
            self.mount(*made)

    def _panel(self, number: int) -> ChartPanel:
        panel = ChartPanel(id=f"chart{number}")
        panel.reads = self._reads
        return panel

    def has_rooms(self) -> bool:
        """Say whether the charts have their rooms; in those of fewer ones they would be cut."""
        first, (columns, rows) = self.first_size, self.placed
        return first.height * rows <= self.size.height and first.width * columns <= self.size.width

    def show(self, drawn: Sequence[DrawnChart], look: TerminalStyle) -> None:
        """Draw charts, so that equal steps of one column stand above each other."""
        self._drawn = drawn
        panels = self._panels[: len(drawn)]
        sizes = [panel.canvas for panel in panels]
        charts = align_columns([each.chart for each in drawn], sizes, self.placed[0])
        for panel, chart, each in zip(panels, charts, drawn, strict=True):
            panel.show_chart(each.title, chart, each.values, look)

    def show_words(self, words: SpanLine) -> None:
        """Say why there is no chart."""
        self._drawn = ()
        self._panels[0].show_words("curves", words)
