"""The filter over home's runs, and below it what is wrong with it or how it may go on."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tuitrain.lang import said, tr
from tuitrain.ui.screens.home.listing.listed import ListedRuns
from tuitrain.ui.widgets.filterline import FilterLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span

_SAID_COMPLETIONS = 12
"""Completions that are told; more than these do not fit a line anyway."""


class RunSearch(Vertical):
    """A line to type in, and a line that answers."""

    DEFAULT_CSS = "RunSearch { height: auto; }"

    def __init__(self, listed: ListedRuns) -> None:
        """Filter the runs that are listed."""
        super().__init__(id="search")
        self._listed = listed

    def compose(self) -> ComposeResult:
        """Lay the lines out."""
        yield FilterLine(
            id="runs-filter",
            placeholder=tr("filter: lr>=1e-3 model~resnet state=failed -tag:old moons"),
            completions=self._complete,
        )
        yield Lines(id="said")

    def _complete(self, text: str) -> Sequence[str]:
        return self._listed.known.keys.completions(text)

    @property
    def line(self) -> FilterLine:
        """Where the filter is typed."""
        return self.query_one(FilterLine)

    @property
    def is_open(self) -> bool:
        """Whether a filter is typed or stands there."""
        return self.line.has_class("open")

    def show(self) -> None:
        """Answer what is typed now."""
        said, words = self.query_one("#said", Lines), self._words()
        said.display = bool(words.text)
        if words.text:
            said.show_lines([(Span(" "), words)])

    def _words(self) -> Span:
        listed, typed = self._listed, self.line.value
        if listed.typed.fault:
            return Span(said(sanitise(listed.typed.fault.removeprefix("filter "))), "alert")
        if listed.left:
            every = len(listed.known.runs)
            return Span(tr("reading {n:,} of {all:,} runs", n=listed.left, all=every), "quiet")
        if not self.line.has_focus or not typed:
            return Span("")
        offered = self._complete(typed)[:_SAID_COMPLETIONS]
        ways = [sanitise(text.removeprefix(typed.rpartition(" ")[0]).strip()) for text in offered]
        if ways in ([], [typed.rpartition(" ")[2]]):
            return Span("")
        return Span(f"tab: {'  '.join(ways)}", "quiet")
