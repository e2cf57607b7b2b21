"""A preset's model and data before it trains, in a reader: asked of a process of its own.

Knows how answers are waited for and shown; nothing of the form above which it lies.
"""

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuitrain.errors import TuitrainError
from tuitrain.lang import said, tr
from tuitrain.supervisor.inspection import Question
from tuitrain.ui.feeds.child import Ask, AskedChild, ask_child
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.reader import Reader
from tuitrain.view.inspect.data import data_lines
from tuitrain.view.inspect.model import model_lines
from tuitrain.view.spans import Span, SpanLine, wrap_plain


class InspectScreen(Whole, ModalScreen[None]):
    """The answers to questions about one preset, below each other."""

    DEFAULT_CSS = """
    InspectScreen #inspect { width: 100%; height: 100%; border: round $accent; background: $surface; padding: 0 1; }
    InspectScreen #inspect Lines { dock: bottom; height: 1; }
    """  # noqa: E501
    BINDINGS = [
        Binding("q,escape", "back", "close", id="inspect.back",
                tooltip="Go back to the form; what is still being looked up ends."),
    ]  # fmt: skip

    def __init__(self, questions: Sequence[Question], ask: Ask = ask_child) -> None:
        """Ask questions of the kinds `model` and `data`, one after the other."""
        super().__init__()
        self._questions = questions
        self._ask = ask
        self._answers: list[tuple[str, dict[str, Any]]] = []
        self._status = "starting"
        self._trouble = ""
        self._child = AskedChild()

    def compose(self) -> ComposeResult:
        """Show what is known so far."""
        with Vertical(id="inspect"):
            yield Reader()
            yield Lines()

    def on_mount(self) -> None:
        """Begin to ask."""
        self.query_one(Reader).focus()
        self.run_worker(self._ask_all, thread=True, group="inspect", exit_on_error=False)

    def on_unmount(self) -> None:
        """End the process that nobody waits for any more."""
        self._child.close()

    def on_resize(self) -> None:
        """Lay the lines out again."""
        self.call_after_refresh(self._show)

    # --- in the thread ----------------------------------------------------------------------------

    def _ask_all(self) -> None:
        for question in self._questions:
            if self._child.closed:
                return
            try:
                answer = self._ask(question, self._tell, self._child.begun)
            except (TuitrainError, OSError) as error:
                self.call_later(self._refuse, str(error))
                return
            self.call_later(self._take, question.kind, answer)

    def _tell(self, text: str) -> None:
        self.call_later(self._say, text)

    # --- what is shown ----------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._status = text
        self._show()

    def _refuse(self, reason: str) -> None:
        self._trouble, self._status = said(reason), ""
        self._show()

    def _take(self, kind: str, answer: dict[str, Any]) -> None:
        self._answers.append((kind, answer))
        self._status = "" if len(self._answers) == len(self._questions) else self._status
        self._show()

    def _show(self) -> None:
        reader = self.query_one(Reader)
        reader.show_lines(self._lines(max(20, reader.size.width)))
        keys = [Span("up/down", "key"), Span(f" {tr('scroll')}  ", "quiet"), Span("q", "key")]
        waiting = f"  {said(self._status)} ..." if self._status else ""
        line = (*keys, Span(tr(" close"), "quiet"), Span(waiting, "live"))
        self.query_one(Lines).show_lines([line])

    def _lines(self, width: int) -> list[SpanLine]:
        look = app_of(self).look
        lines: list[SpanLine] = []
        for kind, answer in self._answers:
            draw = model_lines if kind == "model" else data_lines
            lines += [*draw(answer, width, look), ()]
        return [*lines, *wrap_plain(self._trouble, width, "bad")] if self._trouble else lines

    def action_back(self) -> None:
        """Close."""
        self.dismiss()
