"""What every screen around charts has: the charts, and keys that are handed on to them."""

from typing import TYPE_CHECKING, Any, cast

from textual.events import Key
from textual.screen import Screen

from tuitrain.ui.charting import Choices
from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.curves.front import ChartInFront
from tuitrain.ui.screens.curves.pointer import Pointer
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.chartgrid import ChartGrid
from tuitrain.ui.widgets.chartpanel import ChartPanel

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp


class CurveScreen(Whole, Screen[None]):
    """A screen whose charts take keys wherever the focus is."""

    def __init__(self, curves: Curves) -> None:
        """Hand keys on to these charts."""
        super().__init__()
        self._curves = curves
        self._front = ChartInFront(curves)
        self._pointer = Pointer(curves)
        self._digit = ""

    @property
    def tuitrain(self) -> "TuitrainApp":
        """The app, by its own type."""
        return cast("TuitrainApp", self.app)

    @property
    def _choices(self) -> Choices:
        return self._curves.choices

    @property
    def _grid(self) -> ChartGrid:
        return self._curves.grid

    @property
    def _in_sight(self) -> bool:
        """Not covered but by a question; Textual's `is_current` holds for a covered one too."""
        front = self.app.screen
        return front is self or front.is_modal

    def on_screen_suspend(self) -> None:
        """Draw curves as text: what comes in front lies over text alone."""
        for panel in self._grid.panels:
            panel.cover(True)

    def on_screen_resume(self) -> None:
        """Draw curves as they are to be seen again."""
        for panel in self._grid.panels:
            panel.cover(False)

    def on_key(self, event: Key) -> None:
        """Note which digit it is: one action takes all."""
        self._digit = event.character or ""

    def action_curves(self, what: str, *arguments: Any) -> None:
        """Change how all charts are seen."""
        getattr(self._curves, what)(*arguments)

    def action_see(self, what: str, *arguments: Any) -> None:
        """Move the window or the cursor."""
        self._curves.see(what, *arguments)

    def action_count(self) -> None:
        """Take a digit of the number before a key."""
        self._curves.count(self._digit)

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
