"""The mouse on charts: a click is a cursor, the wheel zooms, a drag shows what it went over.

Acts on `Curves`, which tells the screen. On a chart with a metric along x, where no part of the
axis is a part of the run, wheel and drag show a part of the metric's values, on that chart alone.
"""

from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.view.chart.scale import Ruler, Window


class Pointer:
    """The mouse over the charts of a screen."""

    def __init__(self, curves: Curves) -> None:
        """Act on these charts."""
        self._curves = curves

    def zoom(self, message: ChartPanel.Zoomed) -> None:
        """Zoom around the pointer."""
        title, along = self._under(message.panel)
        if along.kind != "value":
            self._curves.see("zoom", message.factor, along.step_at(message.x))
        elif (seen := message.panel.x_range) is not None:
            self._see_values(title, along, Window(*seen).zoom(message.factor, message.x))

    def point(self, message: ChartPanel.Pointed) -> None:
        """Put the cursor where the pointer is."""
        _title, along = self._under(message.panel)
        step = along.step_at(message.x) if message.step is None else message.step
        self._curves.see("point", step)

    def drag(self, message: ChartPanel.Dragged) -> None:
        """Show what was dragged over."""
        title, along = self._under(message.panel)
        if along.kind == "value":
            ends = sorted((message.first, message.last))
            self._see_values(title, along, Window(*ends))
        else:
            self._curves.see("span", along.step_at(message.first), along.step_at(message.last))

    def _see_values(self, title: str, along: Ruler, seen: Window) -> None:
        whole = Window(min(along.values, default=0.0), max(along.values, default=0.0))
        self._curves.controls.show_values(title, seen, whole)
        self._curves.tell()

    def _under(self, panel: ChartPanel) -> tuple[str, Ruler]:
        """Return the title of the chart in a panel, and its x axis."""
        curves = self._curves
        seen = curves.grid.pages.in_sight(curves.groups)
        title = seen[min(curves.grid.panels.index(panel), len(seen) - 1)][0] if seen else ""
        return title, curves.known.along_of(curves.choices.settings_of(title).across)
