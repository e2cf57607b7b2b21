"""The pages that are charts: curves over thresholds, calibration, predicted against true."""

from functools import cache
from typing import ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tuitrain.analysis.mistakes import Judged
from tuitrain.analysis.statistics.calibration import softmax
from tuitrain.analysis.statistics.score_curves import ScoreCurves, score_curves
from tuitrain.lang import said, tr
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.ui.widgets.lazylist import LazyList
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.panel import Panel
from tuitrain.ui.widgets.picklist import PickList
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.results.page import ResultsPage, Shown
from tuitrain.view.chart.figure import Size
from tuitrain.view.chart.scatter import draw_scatter
from tuitrain.view.evaluation.report import calibration_text
from tuitrain.view.results.curves import (
    area_head,
    area_line,
    bin_lines,
    calibration_chart,
    curve_values,
    precision_chart,
    roc_chart,
)
from tuitrain.view.results.numbers import residual_lines
from tuitrain.view.results.summary import calibration_strip
from tuitrain.view.spans import Span, wrap_plain

_ALL = "all"
_MOST_AT_ONCE = 500_000
"""Scores over which all classes are drawn as one: sorting more would hold the screen up."""
_BESIDE = 120
"""Columns from which both curves stand beside each other."""


class CurvesPage(ResultsPage):
    """ROC, and precision over recall, of the class that is picked."""

    DEFAULT_CSS = """
    CurvesPage #list { width: 30; }
    CurvesPage #list PickList { height: 1fr; }
    CurvesPage #list Lines { height: 1; }
    CurvesPage.narrow #list { width: 24; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "other", "other curve", id="curves.other",
                tooltip="Show precision over recall, or ROC again, where one has room."),
    ]  # fmt: skip

    def __init__(self, shown: Shown, judged: Judged) -> None:
        """Show the curves of all classes as one at first, where they are not too many."""
        super().__init__(shown)
        self._judged = judged
        self._probabilities = softmax(shown.results.found.arrays["scores"])
        self._curves = cache(self._work_out)
        self._head = Lines()
        self._list = LazyList(id="curve-classes")
        self._charts = (ChartPanel(id="roc"), ChartPanel(id="precision"))
        self._other = False

    @property
    def entry(self) -> Widget:
        """The list of classes."""
        return self._list

    def compose(self) -> ComposeResult:
        """Put the classes at the left."""
        with Horizontal():
            with Vertical(id="list"):
                yield self._head
                yield self._list
            yield from self._charts

    def draw(self) -> None:
        """Draw the list and the charts there is room for."""
        self.set_class(self.size.width < 72, "narrow")
        beside = self.size.width >= _BESIDE
        for place, chart in enumerate(self._charts):
            chart.display = beside or place == int(self._other)
        # The list and the charts have their widths only then.
        self.call_after_refresh(self._draw_parts)

    def _draw_parts(self) -> None:
        width = self._list.size.width
        self._head.show_lines([area_head(width)])
        self._list.show_keys(self._keys(), lambda key: self._row(key, width))
        self._draw_charts()

    def _keys(self) -> list[str]:
        classes = [str(number) for number in range(len(self._judged.classes))]
        if len(classes) == 2:
            return classes[1:]
        small = self._probabilities.size <= _MOST_AT_ONCE
        return [_ALL, *classes] if small else classes

    def _row(self, key: str, width: int) -> tuple[Span, ...]:
        return area_line(self._title_of(key), self._curves(key), width)

    def _title_of(self, key: str) -> str:
        return tr("all classes") if key == _ALL else self._judged.classes[int(key)]

    def _work_out(self, key: str) -> ScoreCurves | None:
        if key == _ALL:
            each = np.eye(len(self._judged.classes), dtype=bool)[self._judged.targets]
            return score_curves(each.ravel(), self._probabilities.ravel())
        number = int(key)
        return score_curves(self._judged.targets == number, self._probabilities[:, number])

    def _draw_charts(self) -> None:
        key = self._list.key
        if not key:
            return
        curves, look = self._curves(key), app_of(self).look
        roc, precision = self._charts
        name = self._title_of(key)
        roc.show_chart(
            tr("ROC of {name}", name=name), roc_chart(curves),
            curve_values(curves, "roc"), look,
        )  # fmt: skip
        precision.show_chart(
            tr("precision over recall, {name}", name=name), precision_chart(curves),
            curve_values(curves, "precision"), look,
        )  # fmt: skip

    def on_pick_list_moved(self, event: PickList.Moved) -> None:
        """Draw the curves of another class."""
        event.stop()
        self._draw_charts()

    def action_other(self) -> None:
        """Show the other curve."""
        self._other = not self._other
        self.draw()


class CalibrationPage(ResultsPage):
    """How often right over how sure, and the numbers of it."""

    DEFAULT_CSS = """
    CalibrationPage ChartPanel { height: 1fr; }
    CalibrationPage Reader { height: 1fr; padding: 0 1; }
    """

    def __init__(self, shown: Shown) -> None:
        """Show the calibration of a report that has one."""
        super().__init__(shown)
        self._chart = ChartPanel(id="calibration")
        self._words = Reader()

    @property
    def entry(self) -> Widget:
        """The words, which can be scrolled."""
        return self._words

    def compose(self) -> ComposeResult:
        """Put the chart above."""
        yield self._chart
        yield self._words

    def draw(self) -> None:
        """Draw the chart, and write the words."""
        report, look = self.shown.results.report, app_of(self).look
        bins = report["calibration"]["bins"]
        self._chart.show_chart(tr("accuracy over confidence"), calibration_chart(bins), (), look)
        width = max(16, self._words.size.width - 2)
        self._words.show_lines(
            [
                calibration_strip(bins),
                *wrap_plain(said(calibration_text(report)), width),
                (),
                *bin_lines(bins, look),
            ]
        )


class OutputsPage(ResultsPage):
    """A page on one of a sample's numbers at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "output", "next output", id="numbers.output",
                tooltip="Show the next of a sample's numbers."),
    ]  # fmt: skip

    def __init__(self, shown: Shown) -> None:
        """Show the first number."""
        super().__init__(shown)
        arrays = shown.results.found.arrays
        self.true, self.predicted = arrays["targets"], arrays["outputs"]
        self.output = 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work: there is no other output of one."""
        del parameters
        return action != "output" or self.true.shape[1] > 1

    def action_output(self) -> None:
        """Show the next one."""
        self.output = (self.output + 1) % self.true.shape[1]
        self.draw()

    @property
    def named(self) -> str:
        """Which output it is, where there are several."""
        number = self.true.shape[1]
        if number < 2:
            return ""
        return tr(" of output {output} of {number}", output=self.output, number=number)


class ScatterPage(OutputsPage):
    """Predicted against true."""

    def __init__(self, shown: Shown) -> None:
        """Show the first number."""
        super().__init__(shown)
        self._panel = Panel(id="scatter")

    @property
    def entry(self) -> Widget:
        """The panel."""
        return self._panel

    def compose(self) -> ComposeResult:
        """Show the points alone."""
        yield self._panel

    def draw(self) -> None:
        """Draw the points."""
        size = Size(self._panel.size.width, self._panel.body_height)
        x, y = self.true[:, self.output], self.predicted[:, self.output]
        drawing = draw_scatter(x, y, size, app_of(self).look)
        title = tr("predicted over true{named}", named=self.named)
        words = (Span(tr("{n:,} samples, on the dots both are the same", n=len(x)), "quiet"),)
        self._panel.show_panel(title, words, drawing.lines)


class ResidualsPage(OutputsPage):
    """The quantiles and the spread of errors."""

    DEFAULT_CSS = "ResidualsPage Reader { padding: 0 1; }"

    def __init__(self, shown: Shown) -> None:
        """Show the first number."""
        super().__init__(shown)
        self._words = Reader()

    @property
    def entry(self) -> Widget:
        """The words."""
        return self._words

    def compose(self) -> ComposeResult:
        """Show the words alone."""
        yield self._words

    def draw(self) -> None:
        """Write the words."""
        self._words.show_lines(
            residual_lines(
                self.shown.results.report, self.predicted - self.true, self.output,
                max(20, self.size.width - 2), app_of(self).look,
            )
        )  # fmt: skip
