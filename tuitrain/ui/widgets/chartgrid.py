"""Charts in rows and columns: how many, which of them are in sight, and where the focus is.

Knows titles, charts and panels; nothing of a run or of how its charts are made.
"""

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size

from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.view.chart.chart import align_columns
from tuitrain.view.chart.figure import Chart, TerminalStyle
from tuitrain.view.spans import SpanLine

Group = tuple[str, tuple[str, ...]]
"""A chart's title, and the metrics on it."""

MOST_CHARTS = 9
"""In sight where the grid fits itself to the screen."""
_SIZES = (
    (1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4), (5, 4), (5, 5), (6, 5), (6, 6),
)  # fmt: skip
"""Columns and rows that the keys go through."""


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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fitting = (1, 1)
        self._chosen: tuple[int, int] | None = None
        self._first = 0
        self._alone: str | None = None
        self._drawn: Sequence[DrawnChart] = ()
        self._panels = [ChartPanel(id=f"chart{number}") for number in range(MOST_CHARTS)]
        self.placed = (0, 0)
        """Columns and rows that are taken up."""

    def compose(self) -> ComposeResult:
        """Show the panels."""
        yield from self._panels

    # --- which charts ---------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows that there is room for."""
        return (1, 1) if self._alone is not None else self._chosen or self._fitting

    @property
    def is_alone(self) -> bool:
        """Whether one chart was chosen to fill the screen."""
        return self._alone is not None

    def fit(self, columns: int, rows: int) -> None:
        """Take what fits the screen, unless a size was chosen."""
        self._fitting = (columns, rows)

    def resize(self, by: int) -> str:
        """Show more or fewer charts at once; return what the size is called now."""
        columns, rows = self.shape
        near = [place for place, (c, r) in enumerate(_SIZES) if c * r <= columns * rows]
        place = min(max(near[-1] + by, 0), len(_SIZES) - 1)
        self._chosen, self._alone = _SIZES[place], None
        return "x".join(map(str, self._chosen))

    def turn(self, pages: int) -> None:
        """Show other charts; `place` keeps it within what there is."""
        columns, rows = self.shape
        self._first += pages * columns * rows

    def put_alone(self, title: str | None) -> None:
        """Let one chart fill the screen, or none."""
        self._alone, self._first = title, 0

    def begin(self) -> None:
        """Show the first charts."""
        self._first = 0

    def in_sight(self, groups: Sequence[Group]) -> Sequence[Group]:
        """Return those of all groups that are shown."""
        first, last = self._range(groups)
        return self._choice(groups)[first:last]

    def where(self, groups: Sequence[Group]) -> str:
        """Say which of how many charts are in sight; nothing where all are."""
        first, last = self._range(groups)
        whole = len(self._choice(groups))
        if last - first >= whole:
            return ""
        shown = f"{first + 1}" if last == first + 1 else f"{first + 1}-{last}"
        return f" {shown} of {whole}"

    def _choice(self, groups: Sequence[Group]) -> Sequence[Group]:
        alone = [group for group in groups if group[0] == self._alone]
        return alone or groups

    def _range(self, groups: Sequence[Group]) -> tuple[int, int]:
        columns, rows = self.shape
        room = columns * rows if self._chosen else min(MOST_CHARTS, columns * rows)
        whole = len(self._choice(groups))
        pages = max(1, -(-whole // room))
        self._first = self._first // room % pages * room
        return self._first, min(whole, self._first + room)

    # --- panels ---------------------------------------------------------------------------------

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

    def place(self, groups: Sequence[Group]) -> bool:
        """Make room for the charts in sight; return whether the grid has changed."""
        seen = max(1, len(self.in_sight(groups)))
        columns = min(self.shape[0], seen)
        rows = -(-seen // columns)
        self._make(seen)
        self.styles.grid_size_columns, self.styles.grid_size_rows = columns, rows
        for number, panel in enumerate(self._panels):
            panel.display = number < seen
        changed, self.placed = self.placed != (columns, rows), (columns, rows)
        return changed

    def _make(self, number: int) -> None:
        made = [ChartPanel(id=f"chart{n}") for n in range(len(self._panels), number)]
        if made:
            self._panels += made
            self.mount(*made)

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
