"""Small questions above a screen: yes or no, and one line of text."""

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from tuitrain.errors import TuitrainError
from tuitrain.lang import said, tr
from tuitrain.ui.whole import Whole


class Confirm(Whole, ModalScreen[bool]):
    """A question with yes and no, of which no is marked: Enter alone does nothing to anything."""

    BINDINGS = [
        Binding("y", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape,q", "answer(False)", "no", id="confirm.no"),
        Binding("tab,shift+tab,left,right,up,down,h,j,k,l", "mark", "mark the other",
                show=False, id="confirm.mark"),
        Binding("enter", "take", "take what is marked", show=False, id="confirm.take"),
    ]  # fmt: skip

    def __init__(self, question: str, yes: str) -> None:
        """Ask `question`; `yes` says what will be done."""
        super().__init__()
        self._question = question
        self._yes = yes
        self._marked = False

    def compose(self) -> ComposeResult:
        """Show the question."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            yield Static(self._answers(), id="answers")

    def _answers(self) -> Text:
        """Return both answers, one of them marked."""
        answers = {True: f"y {self._yes}", False: f"n {tr('cancel')}"}
        line = Text()
        for answer, words in answers.items():
            marked = answer is self._marked
            line.append(f"{'>' if marked else ' '} {words}    ", "bold" if marked else "dim")
        line.append(tr("tab changes, enter takes"), "dim")
        return line

    def action_mark(self) -> None:
        """Mark the other answer."""
        self._marked = not self._marked
        self.query_one("#answers", Static).update(self._answers())

    def action_take(self) -> None:
        """Close with the marked answer."""
        self.dismiss(self._marked)

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)


class Ask(Whole, ModalScreen[str | None]):
    """A question with a line of text, checked before it is taken; Escape means none."""

    BINDINGS = [
        Binding("escape", "leave", "cancel", id="ask.leave"),
        Binding("tab", "complete", "complete", show=False, id="ask.complete"),
    ]

    def __init__(
        self,
        question: str,
        *,
        value: str = "",
        hint: str = "",
        check: Callable[[str], object] = lambda text: text,
        suggester: Suggester | None = None,
    ) -> None:
        """Ask `question`.

        Args:
            question: what is asked.
            value: what stands in the line at first.
            hint: more words below the question.
            check: raises TuitrainError for an answer that will not do.
            suggester: completes what is typed.
        """
        super().__init__()
        self._question = question
        self._value = value
        self._hint = hint
        self._check = check
        self._suggester = suggester

    def compose(self) -> ComposeResult:
        """Show the question and the line."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            yield Input(self._value, select_on_focus=True, suggester=self._suggester)
            yield Static(self._hint, markup=False, id="hint")
            yield Static("", markup=False, classes="error", id="fault")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say while typing what will not do."""
        self.query_one("#fault", Static).update(self._fault(event.value) if event.value else "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the text, if it will do."""
        fault = self._fault(event.value)
        self.query_one("#fault", Static).update(fault)
        if not fault:
            self.dismiss(event.value)

    def _fault(self, text: str) -> str:
        try:
            self._check(text)
        except TuitrainError as error:
            return said(str(error))
        return ""

    def action_complete(self) -> None:
        """Take the rest that is suggested, as shells do by the same key."""
        line = self.query_one(Input)
        line.action_end()
        line.action_cursor_right()

    def action_leave(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
