"""An evaluation while it is made, and its pages: what is going on stands above them.

Knows no key and no other screen.
"""

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tuitrain.lang import said, tr
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.results import Choice, Evaluations, Refused, Results, Source, Told
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.results.book import Book
from tuitrain.view.spans import wrap_plain


class EvaluationPages(Vertical):
    """Shows the results of one choice of weights at a time; ends with its screen."""

    DEFAULT_CSS = "EvaluationPages #note { height: auto; padding: 0 1; }"

    class Changed(Message):
        """It waits for other things than before, or has other results."""

    def __init__(self, source: Source) -> None:
        """Evaluate nothing of the run yet."""
        super().__init__(id="body")
        self._evaluations = Evaluations(source, brought_to(self, self._take))
        self._note = Lines(id="note")
        self._said = ("", "")
        self.book = Book(source.ask)
        self.choice = Choice()
        self.results: Results | None = None

    def compose(self) -> ComposeResult:
        """Put what is going on above the pages."""
        yield self._note
        yield self.book

    def on_mount(self) -> None:
        """Begin to evaluate."""
        self.evaluate(self.choice)

    def on_unmount(self) -> None:
        """End what nobody waits for any more."""
        self._evaluations.end()
        self.book.close()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        del event
        self._show()

    @property
    def waiting(self) -> bool:
        """Whether an evaluation is being made."""
        return self._evaluations.waiting

    def evaluate(self, choice: Choice, *, again: bool = False) -> None:
        """Evaluate other weights, or the same `again`, whatever is known."""
        self.choice = choice
        self._evaluations.start(choice, again=again)
        self._say(tr("starting"), "live")

    def cancel(self) -> None:
        """End the evaluation."""
        self._evaluations.end()
        kept = "" if self.results is None else tr("; what is shown is the one before")
        self._say(tr("cancelled: e evaluates{kept}", kept=kept), "alert")

    def _take(self, told: Told) -> None:
        if isinstance(told, Refused):
            self._say(told.reason, "bad")
        elif isinstance(told, Results):
            self.choice, self.results = told.choice, told
            self._say("", "")
            self.book.show_results(told)
        elif self.waiting:
            self._say(told, "live")

    def _say(self, words: str, style: str) -> None:
        self._said = (words, style)
        self._show()
        self.post_message(self.Changed())

    def _show(self) -> None:
        words, style = self._said
        lines = wrap_plain(said(words), max(16, self.size.width - 2), style) if words else []
        self._note.show_lines(lines)
