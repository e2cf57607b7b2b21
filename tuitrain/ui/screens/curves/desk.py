"""Charts and what stands around them, drawn once the charts have their rooms.

Knows when to draw; a subclass knows what, and how the rooms are shared out.
"""

from functools import partial
from typing import Any

from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen

from tuitrain.ui.screens.curves.charts import Curves
from tuitrain.ui.screens.curves.front import ChartInFront
from tuitrain.ui.widgets.panel import Panel

_LAYOUTS, _LAYOUT_S = 5, 0.01
"""Looks within which charts get their rooms; after that they are drawn in those they have."""


class ChartDesk(Vertical):
    """What a screen of charts shows."""

    DEFAULT_CSS = "ChartDesk { height: 1fr; }"

    class Arranged(Message):
        """The charts have rooms, perhaps others: what these take is to be read."""

    def __init__(self, curves: Curves) -> None:
        """Draw these charts."""
        super().__init__(id="desk")
        self.curves = curves
        self.front = ChartInFront(curves)
        self._drawn_for: tuple[Size, ...] = ()

    def on_mount(self) -> None:
        """Look at every layout."""
        self.screen.screen_layout_refresh_signal.subscribe(self, self._after_layout)

    @property
    def is_in_sight(self) -> bool:
        """Not covered but by a question; Textual's `is_current` holds for a covered one too."""
        front = self.app.screen
        return front is self.screen or front.is_modal

    def on_resize(self) -> None:
        """Use the room there is now."""
        self.call_after_refresh(self.draw)

    def _after_layout(self, _screen: Screen[Any]) -> None:
        """Draw again for the sizes there are now: a busy machine may draw before the layout."""
        if self.is_in_sight and self._drawn_for != self.sizes():
            self.draw()

    def sizes(self) -> tuple[Size, ...]:
        """Return the rooms of all panels."""
        return tuple(panel.size for panel in self.query(Panel))

    def draw(self, tries: int = _LAYOUTS) -> None:
        """Draw all, as soon as the charts have their rooms."""
        if not self.is_attached or not self.size.width:
            return
        roomy = self.make_room()
        self.post_message(self.Arranged())
        if tries and not roomy:
            # Not after a repaint: those come before the layout as well.
            self.set_timer(_LAYOUT_S, partial(self.draw, tries - 1))
            return
        self._drawn_for = self.sizes()
        self.draw_parts()

    def make_room(self) -> bool:
        """Share the rows out; return whether all charts have their rooms."""
        raise NotImplementedError

    def draw_parts(self) -> None:
        """Draw all parts in the rooms they have."""
        raise NotImplementedError
