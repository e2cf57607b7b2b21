"""The pages that are read: the summary, the worst samples, and what the run recorded of some."""

from textual.app import ComposeResult
from textual.widget import Widget

from tuitrain.analysis.mistakes import worst_rows
from tuitrain.lang import term, tr
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.results.page import ResultsPage, SamplePane, Shown
from tuitrain.ui.widgets.results.recorded import RecordedSamples
from tuitrain.view.results.samples import heading
from tuitrain.view.results.summary import summary_lines

_WORST = {
    "classes": term("mistakes, surest first"),
    "numbers": term("largest error first"),
}


class SummaryPage(ResultsPage):
    """What was evaluated, and the figures."""

    DEFAULT_CSS = "SummaryPage Reader { padding: 0 1; }"

    def __init__(self, shown: Shown) -> None:
        """Show the figures."""
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
        results = self.shown.results
        width = max(16, self.size.width - 2)
        self._words.show_lines(summary_lines(results.report, width, live=results.live))


class WorstPage(ResultsPage):
    """The samples that the model did worst on."""

    def __init__(self, shown: Shown) -> None:
        """Show the worst one first."""
        super().__init__(shown)
        results = shown.results
        self._rows = worst_rows(results.found, results.judged)
        self._number = len(results.found.arrays["loss"])
        if results.judged is not None:
            self._number = int(results.judged.is_wrong.sum())
        self._pane = SamplePane(shown)

    @property
    def entry(self) -> Widget:
        """The list."""
        return self._pane.list

    def compose(self) -> ComposeResult:
        """Show the samples alone."""
        yield self._pane

    def draw(self) -> None:
        """List them."""
        family = self.shown.results.found.family
        what = tr(_WORST.get(family, term("largest loss first")))
        self._pane.show_samples(heading(what, self._number), self._rows, self._number)

    def forms_came(self) -> None:
        """Show what is known of the sample by now."""
        self._pane.show_one()


class RecordedPage(ResultsPage):
    """What the run recorded of some samples, step by step."""

    def __init__(self, shown: Shown) -> None:
        """Show the last step."""
        super().__init__(shown)
        results = shown.results
        self._samples = RecordedSamples(results.trained.directory, results.sampled)

    @property
    def entry(self) -> Widget:
        """The words."""
        return self._samples.entry

    def compose(self) -> ComposeResult:
        """Show the samples alone."""
        yield self._samples

    def draw(self) -> None:
        """Leave it to the samples, which draw themselves."""
