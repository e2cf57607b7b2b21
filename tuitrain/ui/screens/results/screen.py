"""What an evaluation of a run's checkpoint gives, page by page; a process of its own makes it.

Knows pages and keys; what a page shows is its own business.
"""

from functools import partial
from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import Screen

from tuitrain.lang import tr
from tuitrain.ui.feeds.delivery import Delivery
from tuitrain.ui.feeds.results import Choice, Evaluations, Refused, Results, Source, Told
from tuitrain.ui.screens.results.choose import ChooseWeights
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.results.book import Book
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.results.top import top_parts
from tuitrain.view.spans import wrap_plain

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp

_MOST_PAGES = 9
_NO_KEY_OF_ITS_OWN = [
    Binding(str(number), f"page({number})", "", show=False) for number in range(2, _MOST_PAGES + 1)
]


class ResultsScreen(Whole, Screen[None]):
    """The results of one choice of weights at a time."""

    DEFAULT_CSS = "ResultsScreen #note { height: auto; padding: 0 1; }"
    BINDINGS = [
        Binding("1", "page(1)", "page", show=False, id="results.page",
                tooltip="Show the first page; 2 to 9 show the others."),
        *_NO_KEY_OF_ITS_OWN,
        Binding("right_square_bracket", "turn(1)", "next page", id="results.next",
                key_display="]", tooltip="Show the next page."),
        Binding("left_square_bracket", "turn(-1)", "previous page", show=False,
                id="results.previous", key_display="[", tooltip="Show the page before."),
        Binding("e", "evaluate", "evaluate", id="results.evaluate",
                tooltip="Evaluate again, whatever is known."),
        Binding("c", "choose", "checkpoint", id="results.choose",
                tooltip="Choose another checkpoint, or averaged weights."),
        Binding("u", "uses", "use", id="results.uses",
                tooltip="Predict, explain, plot, report, export, demo or serve."),
        Binding("x", "cancel", "cancel", id="results.cancel",
                tooltip="End the evaluation that is being made."),
        Binding("q,escape", "back", "back", id="results.back",
                tooltip="Go back, from samples to their table first; an evaluation ends."),
    ]  # fmt: skip

    def __init__(self, source: Source) -> None:
        """Evaluate the best checkpoint of a run, else the last, or show what is known of it."""
        super().__init__()
        self._directory = source.directory
        self._evaluations = Evaluations(source, self._deliver)
        self._choice = Choice()
        self._results: Results | None = None
        self._note = ("", "")
        self._book = Book(source.ask)

    def compose(self) -> ComposeResult:
        """Put what is going on above the pages."""
        yield TopLine()
        yield Lines(id="note")
        with Vertical(id="body"):
            yield self._book
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to evaluate."""
        self._evaluate(self._choice)

    def on_unmount(self) -> None:
        """End what nobody waits for any more."""
        self._evaluations.end()
        self._book.close()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        del event
        self.call_after_refresh(self._show)

    def on_delivery(self, message: Delivery) -> None:
        """Take in what a thread brought."""
        message.take()

    def _deliver(self, told: Told) -> None:
        self.post_message(Delivery(partial(self._take, told)))

    def _evaluate(self, choice: Choice, *, again: bool = False) -> None:
        self._evaluations.start(choice, again=again)
        self._say(tr("starting"), "live")

    def _take(self, told: Told) -> None:
        if isinstance(told, Refused):
            self._say(told.reason, "bad")
        elif isinstance(told, Results):
            self._choice, self._results = told.choice, told
            self._say("", "")
            self._book.show_results(told)
        elif self._evaluations.waiting:
            self._say(told, "live")

    # --- what is shown --------------------------------------------------------------------------

    def _say(self, words: str, style: str) -> None:
        self._note = (words, style)
        self._show()
        self.refresh_bindings()

    def _show(self) -> None:
        words, style = self._note
        waiting = self._evaluations.waiting
        lines = wrap_plain(words, max(16, self.size.width - 2), style) if words else []
        self.query_one("#note", Lines).show_lines(lines)
        report = self._results.report if self._results is not None else None
        parts = top_parts(self._directory.id, report, waiting=waiting, width=self.size.width)
        self.query_one(TopLine).show_parts(*parts)

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now."""
        del parameters
        if action == "cancel":
            return self._evaluations.waiting
        if action in ("page", "turn"):
            return self._results is not None
        return True

    def action_page(self, number: int) -> None:
        """Show a page by its number."""
        self._book.go(number - 1)

    def action_turn(self, by: int) -> None:
        """Show the page after or before."""
        self._book.turn(by)

    def action_evaluate(self) -> None:
        """Evaluate again."""
        self._evaluate(self._choice, again=True)

    def action_choose(self) -> None:
        """Ask for other weights."""

        def take(choice: Choice | None) -> None:
            if choice is not None:
                self._choice = choice
                self._evaluate(choice)

        self.app.push_screen(ChooseWeights(self._directory, self._choice), take)

    def action_uses(self) -> None:
        """Show what can be done with the model."""
        cast("TuitrainApp", self.app).opener.open_uses(self._directory)

    def action_cancel(self) -> None:
        """End the evaluation."""
        self._evaluations.end()
        kept = "" if self._results is None else tr("; what is shown is the one before")
        self._say(tr("cancelled: e evaluates{kept}", kept=kept), "alert")

    def action_back(self) -> None:
        """Go back from samples, or leave."""
        if not self._book.step_back():
            self.dismiss()
