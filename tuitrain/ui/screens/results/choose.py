"""A question above the results: which weights to evaluate."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.results import Choice, choices
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span


class ChooseWeights(Whole, ModalScreen[Choice | None]):
    """The checkpoints that a run has by name."""

    DEFAULT_CSS = "ChooseWeights PickList { height: auto; max-height: 14; min-height: 1; }"
    BINDINGS = [
        Binding("q,escape", "leave", "cancel", id="weights.leave", tooltip="Change nothing."),
    ]

    def __init__(self, directory: RunDirectory, now: Choice) -> None:
        """Offer the weights of a run; `now` are those that are shown."""
        super().__init__()
        self._choices = {self._key(each): each for each in choices(directory)}
        self._now = now

    @staticmethod
    def _key(choice: Choice) -> str:
        return f"{choice.checkpoint}{' averaged' * choice.averaged}"

    def compose(self) -> ComposeResult:
        """Show the list."""
        with Vertical(classes="dialog"):
            yield Static(tr("Evaluate the weights of which checkpoint?"), markup=False)
            yield PickList()
            yield Static(tr("enter evaluate   esc cancel"), markup=False)

    def on_mount(self) -> None:
        """Put the cursor on what is shown."""
        rows = [Row(key, self._line(each)) for key, each in self._choices.items()]
        picker = self.query_one(PickList)
        picker.show_rows(rows, tr("the run has no checkpoint yet"))
        picker.styles.height = max(1, min(14, len(rows)))
        picker.go_to(self._key(self._now))
        picker.focus()

    def _line(self, choice: Choice) -> tuple[Span, ...]:
        averaged = tr("  averaged weights") if choice.averaged else ""
        return (Span(f" {sanitise(choice.checkpoint)}"), Span(averaged, "quiet"))

    def on_pick_list_chosen(self, event: PickList.Chosen) -> None:
        """Close with the choice."""
        self.dismiss(self._choices[event.key])

    def action_leave(self) -> None:
        """Close without one."""
        self.dismiss(None)
