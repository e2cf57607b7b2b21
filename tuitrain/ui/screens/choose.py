"""A question above a screen: which other runs to take."""

from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from tuitrain.lang import tr
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.feeds.run import ListFollower
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.units import age
from tuitrain.view.format import metric_value, sanitise
from tuitrain.view.spans import Span


class ChooseRuns(Whole, ModalScreen[list[RunDirectory] | None]):
    """Runs to mark with space and to take with Enter; Escape changes nothing."""

    BINDINGS = [
        Binding("space", "mark", "mark", id="choose.mark", tooltip="Mark or unmark this run."),
        Binding("enter", "take", "overlay", id="choose.take", priority=True,
                tooltip="Overlay the marked runs, or this one if none is marked."),
        Binding("escape,q", "leave", "cancel", id="choose.leave", tooltip="Change nothing."),
    ]  # fmt: skip

    CSS = "ChooseRuns PickList { height: 12; }"

    class Listed(Message):
        """The list was read."""

        def __init__(self, runs: tuple[RunSummary, ...]) -> None:
            super().__init__()
            self.runs = runs

    def __init__(self, root: Path, besides: RunDirectory, marked: set[str]) -> None:
        """Offer the runs below `root` other than `besides`; `marked` are the ids taken now."""
        super().__init__()
        self._besides = besides
        self._marked = marked
        self._was_marked = frozenset(marked)
        self._runs: tuple[RunSummary, ...] = ()
        self._follower = ListFollower(root, self._deliver)

    def compose(self) -> ComposeResult:
        """Show the list."""
        with Vertical(classes="dialog"):
            yield Static(tr("Runs to overlay on this one"), markup=False)
            yield PickList()
            yield Static(tr("space mark   enter overlay   esc cancel"), markup=False)

    def on_mount(self) -> None:
        """Begin to read the list."""
        self._follower.start()
        self.query_one(PickList).focus()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._follower.close()

    def _deliver(self, runs: tuple[RunSummary, ...]) -> None:
        self.post_message(self.Listed(runs))

    def on_choose_runs_listed(self, message: Listed) -> None:
        """Show what was read."""
        self._runs = tuple(run for run in message.runs if run.id != self._besides.id)
        self._show()

    def _show(self) -> None:
        now = max((run.created for run in self._runs), default=0.0)
        rows = [self._row(run, now) for run in self._runs]
        self.query_one(PickList).show_rows(
            rows, empty=tr("there are no other runs: all of this folder stand here")
        )

    def _row(self, run: RunSummary, now: float) -> Row:
        mark = "[x]" if run.id in self._marked else "[ ]"
        best = f"{run.best_metric} {metric_value(run.best_value)}" if run.best_metric else ""
        words = f"{mark} {sanitise(run.name):24.24} {run.state:9} {sanitise(best):22.22}"
        return Row(run.id, (Span(words), Span(age(now - run.created), "quiet")))

    def on_pick_list_chosen(self) -> None:
        """Take what was clicked twice; Enter comes here no more than to any list."""
        self.action_take()

    def on_pick_list_marked(self) -> None:
        """Mark what was clicked for that."""
        self.action_mark()

    def action_mark(self) -> None:
        """Mark or unmark."""
        key = self.query_one(PickList).key
        if key:
            self._marked ^= {key}
            self._show()

    def action_take(self) -> None:
        """Close with the marked runs."""
        key = self.query_one(PickList).key
        ids = self._marked or ({key} if key and not self._was_marked else set())
        paths = {run.id: run.path for run in self._runs}
        self.dismiss([RunDirectory(Path(paths[run_id])) for run_id in ids if run_id in paths])

    def action_leave(self) -> None:
        """Close without a change."""
        self.dismiss(None)
