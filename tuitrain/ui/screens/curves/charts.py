"""The charts of one run or of several, and what keys do to how they are seen.

Knows names of metrics and where steps lie; reads nothing, and makes no chart itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message

from tuitrain.lang import tr
from tuitrain.ui.charting import AXES, Choices, group_metrics
from tuitrain.ui.curve_controls import CurveControls
from tuitrain.ui.screens.dialogs import Ask
from tuitrain.ui.widgets.chartgrid import ChartGrid
from tuitrain.ui.widgets.chartpages import Group
from tuitrain.view.chart.figure import AxisKind
from tuitrain.view.chart.scale import Reach, Ruler, joined

Grouping = Callable[[Sequence[str], Choices], list[Group]]


class Curves(Container):
    """A grid of charts with a window, a cursor, an axis and a filter for all of them."""

    DEFAULT_CSS = "Curves { height: 1fr; width: 1fr; }"

    class Changed(Message):
        """The charts are to be seen another way."""

        def __init__(self, *, rearranged: bool = False, settings: bool = False) -> None:
            """Tell so.

            Args:
                rearranged: other charts come into sight, or more or fewer of them.
                settings: it is single charts that are seen another way, which is remembered.
            """
            super().__init__()
            self.rearranged = rearranged
            self.settings = settings

    class Known(NamedTuple):
        """What there is to be seen."""

        names: Sequence[str] = ()
        reach: Reach = joined(())
        along_of: Callable[[str], Ruler] = lambda _across: Ruler("step")
        """From what one chart has along x by itself, or nothing, to its axis; of the run whose
        places count where there are several."""
        axes: Sequence[AxisKind] = AXES
        """Those that this run can be shown on."""

    def __init__(self, grouping: Grouping = group_metrics, *, reads: bool = True) -> None:
        """Show nothing yet.

        Args:
            grouping: which metrics share a chart.
            reads: the values at the cursor stand on the charts.
        """
        super().__init__(id="curves")
        self._grouping = grouping
        self._controls = CurveControls()
        self.grid = ChartGrid(id="charts", reads=reads)
        self.known = Curves.Known()

    def compose(self) -> ComposeResult:
        """Show the grid."""
        yield self.grid

    @property
    def controls(self) -> CurveControls:
        """How the charts are seen, and a number that is being typed."""
        return self._controls

    @property
    def choices(self) -> Choices:
        """How the charts are seen."""
        return self._controls.choices

    @property
    def groups(self) -> list[Group]:
        """All charts that pass the filter, in order."""
        return self._grouping(self.known.names, self.choices)

    def tell(self, *, rearranged: bool = False, settings: bool = False) -> None:
        """Say that the charts are to be seen another way."""
        self.post_message(self.Changed(rearranged=rearranged, settings=settings))

    # --- keys: the window and the cursor --------------------------------------------------------

    def count(self, digit: str) -> None:
        """Take a digit of the number before a key."""
        self._controls.typed.add(digit)

    def reset(self) -> None:
        """Show all and follow it; after a digit it is one itself."""
        if self._controls.typed.has_begun:
            self._controls.typed.add("0")
        else:
            self._controls.reset()
            self.tell()

    def see(self, what: str, *arguments: Any) -> None:
        """Move the window or the cursor."""
        getattr(self._controls, what)(self.known.reach, *arguments)
        self.tell()

    def pan(self, side: int) -> None:
        """Move the window or the cursor by columns of the chart."""
        self.see("pan", side, self.grid.columns_in_front)

    def axis(self) -> None:
        """Show something else along the horizontal axis."""
        self._choose(self.choices.next_axis(self.known.axes))

    def filter(self) -> None:
        """Ask which metrics to show."""

        def choose(answer: str | None) -> None:
            if answer is not None:
                self.grid.pages.begin()
                self._choose(replace(self.choices, pattern=answer))

        self.app.push_screen(
            Ask(
                tr("Show metrics that match"),
                value=self.choices.pattern,
                hint=tr("Part of a name, or a regular expression; empty shows all."),
            ),
            choose,
        )

    def _choose(self, choices: Choices) -> None:
        self._controls.choices = choices
        self.tell()
