"""The pages that are read: the summary, the worst samples, and what the run recorded of some."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from tuitrain.analysis.mistakes import worst_rows
from tuitrain.errors import RecordError
from tuitrain.lang import term, tr
from tuitrain.runs.samples import read_samples
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.results.page import ResultsPage, SamplePane, Shown, look_of
from tuitrain.view.images.png import from_png
from tuitrain.view.results.recorded import Part, recorded_lines
from tuitrain.view.results.samples import heading
from tuitrain.view.results.summary import summary_lines
from tuitrain.view.spans import Span, wrap_plain

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

    DEFAULT_CSS = """
    RecordedPage Lines { height: 1; }
    RecordedPage Reader { height: 1fr; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "earlier step", id="recorded.earlier",
                tooltip="Show the samples of the evaluation before."),
        Binding("right", "step(1)", "later step", id="recorded.later",
                tooltip="Show the samples of the evaluation after."),
    ]  # fmt: skip

    def __init__(self, shown: Shown) -> None:
        """Show the last step."""
        super().__init__(shown)
        self._steps = shown.results.sampled
        self._place = len(self._steps) - 1
        self._head = Lines()
        self._words = Reader()

    @property
    def entry(self) -> Widget:
        """The words."""
        return self._words

    def compose(self) -> ComposeResult:
        """Put the step above."""
        yield self._head
        yield self._words

    def draw(self) -> None:
        """Read the step's samples, and draw them."""
        step = self._steps[self._place]
        words = tr(" samples recorded at step {step:,}", step=step)
        several = len(self._steps) > 1
        more = ""
        if several:
            more = "  " + tr("({n} of {steps} steps)", n=self._place + 1, steps=len(self._steps))
        self._head.show_lines([(Span(words, "title"), Span(more, "quiet"))])
        width = max(16, self.size.width - 2)
        try:
            lines = recorded_lines(self._samples(step), width, look_of(self))
        except RecordError as error:
            lines = wrap_plain(str(error), width, "bad")
        self._words.show_lines(lines)

    def _samples(self, step: int) -> list[dict[str, Part]]:
        found = read_samples(self.shown.results.trained.directory, step)
        samples = []
        for sample in found.samples:
            parts: dict[str, Part] = {}
            for name, part in sample.items():
                try:
                    image = part["kind"] == "image"
                    parts[name] = from_png(found.image_bytes(part)) if image else dict(part)
                except ValueError as error:
                    raise RecordError(f"{found.folder}: {name}: {error}.") from error
            samples.append(parts)
        return samples

    def action_step(self, by: int) -> None:
        """Show another step."""
        self._place = min(max(self._place + by, 0), len(self._steps) - 1)
        self.draw()
