"""The pages of an evaluation behind a line of their names; each is made when it is first seen.

Knows which pages there are; nothing of what stands on one.
"""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from tuitrain.analysis.mistakes import worst_rows
from tuitrain.ui.feeds.child import Ask
from tuitrain.ui.feeds.results import Results
from tuitrain.ui.feeds.sample_forms import SampleForms
from tuitrain.ui.widgets.results.charts import (
    CalibrationPage,
    CurvesPage,
    ResidualsPage,
    ScatterPage,
)
from tuitrain.ui.widgets.results.classes import ClassesPage
from tuitrain.ui.widgets.results.confusion import ConfusionPage
from tuitrain.ui.widgets.results.heading import Heading
from tuitrain.ui.widgets.results.page import ResultsPage, Shown
from tuitrain.ui.widgets.results.reading import RecordedPage, SummaryPage, WorstPage
from tuitrain.view.results.pages import Page, page_at, page_bar, pages_of

_SIMPLE: dict[Page, Callable[[Shown], ResultsPage]] = {
    "summary": SummaryPage,
    "classes": ClassesPage,
    "calibration": CalibrationPage,
    "scatter": ScatterPage,
    "residuals": ResidualsPage,
    "worst": WorstPage,
    "samples": RecordedPage,
}


class Book(Vertical):
    """One page at a time; it closes with its screen."""

    def __init__(self, ask: Ask) -> None:
        """Have no pages yet; `ask` puts questions on samples to a process."""
        super().__init__()
        self._ask = ask
        self._bar = Heading()
        self._shown: Shown | None = None
        self._pages: tuple[Page, ...] = ()
        self._made: dict[Page, ResultsPage] = {}
        self._current: Page = "summary"

    def compose(self) -> ComposeResult:
        """Put the names above."""
        yield self._bar

    def show_results(self, results: Results) -> None:
        """Show other results, on the page that was shown where they have it."""
        self.close()
        for page in self._made.values():
            page.remove()
        self._made = {}
        rows = worst_rows(results.found, results.judged)
        forms = SampleForms(results.trained, self._tell, self._ask)
        self._shown = Shown(results, forms, tuple(row.number for row in rows))
        self._pages = pages_of(
            results.found.family,
            counted=results.found.counts is not None,
            sampled=bool(results.sampled),
        )
        self._show(self._current if self._current in self._pages else "summary")

    def close(self) -> None:
        """End what is still being looked up."""
        if self._shown is not None:
            self._shown.forms.close()

    def go(self, number: int) -> None:
        """Show a page by its place, where there is one."""
        if number < len(self._pages):
            self._show(self._pages[number])

    def turn(self, by: int) -> None:
        """Show the page after or before, from the last the first."""
        if self._pages:
            place = self._pages.index(self._current) + by
            self._show(self._pages[place % len(self._pages)])

    def step_back(self) -> bool:
        """Go from a part of the page to its first; return whether there was such a step."""
        page = self._made.get(self._current)
        if page is None or not page.has_focus_within or page.entry.has_focus:
            return False
        page.entry.focus()
        return True

    def _show(self, name: Page) -> None:
        if self._shown is None:
            return
        self._current = name
        if name not in self._made:
            self._made[name] = self._make(name, self._shown)
            self.mount(self._made[name])
        for each, page in self._made.items():
            page.display = each == name
        self._draw_bar()
        self.call_after_refresh(self._enter, self._made[name])

    def _enter(self, page: ResultsPage) -> None:
        if page.is_attached and page.display:
            page.entry.focus()

    def _make(self, name: Page, shown: Shown) -> ResultsPage:
        judged = shown.results.judged
        if judged is not None and name == "confusion":
            return ConfusionPage(shown, judged)
        if judged is not None and name == "curves":
            return CurvesPage(shown, judged)
        return _SIMPLE[name](shown)

    def _tell(self) -> None:
        """Pass on, from a thread, that more is known of samples."""
        self.call_later(self._forms_came)

    def _forms_came(self) -> None:
        for page in self._made.values():
            page.forms_came()

    def _draw_bar(self) -> None:
        if self._pages:
            width = self._bar.size.width or self.app.size.width
            self._bar.show_lines([page_bar(self._pages, self._current, width)])

    def on_resize(self, event: events.Resize) -> None:
        """Name as many pages as fit now."""
        del event
        self.call_after_refresh(self._draw_bar)

    def on_heading_clicked(self, event: Heading.Clicked) -> None:
        """Show the page whose name is clicked."""
        event.stop()
        page = page_at(self._pages, self._current, self._bar.size.width, event.x)
        if page is not None:
            self._show(page)
