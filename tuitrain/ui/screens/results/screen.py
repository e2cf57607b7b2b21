"""What an evaluation of a run's checkpoint gives, page by page; a process of its own makes it.

Knows pages and keys; what a page shows is its own business.
"""

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from tuitrain.ui.feeds.results import Choice, Source
from tuitrain.ui.screens.results.choose import ChooseWeights
from tuitrain.ui.screens.results.evaluation import EvaluationPages
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.results.top import top_parts

_MOST_PAGES = 9
_NO_KEY_OF_ITS_OWN = [
    Binding(str(number), f"page({number})", "", show=False) for number in range(2, _MOST_PAGES + 1)
]


class ResultsScreen(Whole, Screen[None]):
    """The results of one choice of weights at a time."""

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
        self._pages = EvaluationPages(source)

    def compose(self) -> ComposeResult:
        """Put what is evaluated above the pages."""
        yield TopLine()
        yield self._pages
        yield KeyLine()

    @on(EvaluationPages.Changed)
    @on(events.Resize)
    def _show_top(self) -> None:
        """Say what is shown, and which keys work now."""
        results, width = self._pages.results, self.size.width
        report = results.report if results is not None else None
        parts = top_parts(self._directory.id, report, waiting=self._pages.waiting, width=width)
        self.query_one(TopLine).show_parts(*parts)
        self.refresh_bindings()

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now."""
        del parameters
        if action == "cancel":
            return self._pages.waiting
        if action in ("page", "turn"):
            return self._pages.results is not None
        return True

    def action_page(self, number: int) -> None:
        """Show a page by its number."""
        self._pages.book.go(number - 1)

    def action_turn(self, by: int) -> None:
        """Show the page after or before."""
        self._pages.book.turn(by)

    def action_evaluate(self) -> None:
        """Evaluate again."""
        self._pages.evaluate(self._pages.choice, again=True)

    def action_choose(self) -> None:
        """Ask for other weights."""

        def take(choice: Choice | None) -> None:
            if choice is not None:
                self._pages.evaluate(choice)

        self.app.push_screen(ChooseWeights(self._directory, self._pages.choice), take)

    def action_uses(self) -> None:
        """Show what can be done with the model."""
        app_of(self).opener.open_uses(self._directory)

    def action_cancel(self) -> None:
        """End the evaluation."""
        self._pages.cancel()

    def action_back(self) -> None:
        """Go back from samples, or leave."""
        if not self._pages.book.step_back():
            self.dismiss()
