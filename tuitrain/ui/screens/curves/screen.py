"""What every screen around charts has: the charts, and keys that are handed on to them."""

from dataclasses import replace
from typing import Any

from textual.screen import Screen

from tuitrain.runs.summary import RunSummary
from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.curves.desk import ChartDesk
from tuitrain.ui.screens.curves.pointer import Pointer
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.chartpanel import ChartPanel


class CurveScreen(Whole, Screen[None]):
    """A screen whose charts take keys wherever the focus is, and are seen as they were before."""

    def __init__(self, desk: ChartDesk) -> None:
        """Hand keys on to the charts of `desk`."""
        super().__init__()
        self._charts = desk
        self._curves = desk.curves
        self._front = desk.front
        self._pointer = Pointer(desk.curves)
        self._preset = ""
        """By which it is remembered how charts are seen; empty: not known yet."""

    def recall(self, summary: RunSummary | None) -> None:
        """See charts as they were seen in other runs of a run's preset, once that is known."""
        if summary is not None and summary.preset != self._preset:
            self._preset = summary.preset
            charts = app_of(self).preferences.charts_of(summary.preset)
            self._curves.controls.choices = replace(self._curves.choices, charts=charts)

    def on_curves_changed(self, message: Curves.Changed) -> None:
        """Draw the curves as they are to be seen now."""
        if message.settings and self._preset:
            charts = self._curves.choices.charts
            app_of(self).preferences.remember_charts(self._preset, charts)
        self._charts.draw()

    def on_screen_suspend(self) -> None:
        """Draw curves as text: what comes in front lies over text alone."""
        for panel in self._curves.grid.panels:
            panel.cover(True)

    def on_screen_resume(self) -> None:
        """Draw curves as they are to be seen again, with what was read meanwhile."""
        for panel in self._curves.grid.panels:
            panel.cover(False)
        self._charts.draw()
        self.refresh_bindings()

    def action_curves(self, what: str, *arguments: Any) -> None:
        """Change how all charts are seen."""
        getattr(self._curves, what)(*arguments)

    def action_see(self, what: str, *arguments: Any) -> None:
        """Move the window or the cursor."""
        self._curves.see(what, *arguments)

    def action_count(self) -> None:
        """Take a digit of the number before a key."""
        if app_of(self).key_in_hand.isdigit():
            self._curves.count(app_of(self).key_in_hand)

    def action_chart(self, what: str, *arguments: Any) -> None:
        """Change how the chart in front is seen, or which one that is."""
        getattr(self._front, what)(*arguments)

    def action_next_panel(self) -> None:
        """Move the focus, or show the next chart where there is room for one."""
        if not self._front.next():
            self.focus_next()

    def on_chart_panel_zoomed(self, message: ChartPanel.Zoomed) -> None:
        """Zoom where the wheel was turned."""
        self._pointer.zoom(message)

    def on_chart_panel_pointed(self, message: ChartPanel.Pointed) -> None:
        """Put the cursor where a chart was clicked."""
        self._pointer.point(message)

    def on_chart_panel_dragged(self, message: ChartPanel.Dragged) -> None:
        """Show what was dragged over."""
        self._pointer.drag(message)
