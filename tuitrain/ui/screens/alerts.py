"""The alerts of a run and what its curves show: a list, and all about the one under the cursor.

It shows what its follower delivers; what raises alerts is the supervisor's.
"""

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container

from tuitrain.analysis.diagnosis.diagnosis import Diagnosis
from tuitrain.failures.explain import Failure
from tuitrain.lang import term, tr
from tuitrain.messages import TakeStacks
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import AlertRow
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.screens.following import FollowingScreen
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.alerts import alert_details, alert_line, count_words
from tuitrain.view.format import sanitise
from tuitrain.view.run.diagnosis import diagnosis_details, diagnosis_line
from tuitrain.view.run.failure import failure_details, failure_line
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_NONE = term(
    " no alerts: what goes wrong in the run stands here, and what its curves show "
    "(`tuitrain help alerts` lists all kinds)"
)
_BESIDE = 160
"""From this width on the details stand beside the list, which needs about 80 cells of it."""


class AlertsScreen(FollowingScreen[RunSnapshot]):
    """A list above or beside the details."""

    DEFAULT_CSS = """
    AlertsScreen #note { height: auto; }
    AlertsScreen #parts { layout: vertical; height: 1fr; }
    AlertsScreen #parts.beside { layout: horizontal; }
    AlertsScreen PickList { height: 2fr; min-height: 3; }
    AlertsScreen Reader { height: 3fr; border-top: solid $panel-lighten-2; }
    AlertsScreen Reader:focus { border-top: solid $accent; }
    AlertsScreen .beside PickList { height: 1fr; width: 1fr; }
    AlertsScreen .beside Reader { height: 1fr; width: 1fr; margin-left: 1; }
    """
    _follower: RunFollower

    BINDINGS = [
        Binding("t", "stacks", "take stacks", id="alerts.stacks",
                tooltip="Record where every thread of the worker and its loaders is."),
        Binding("tab", "other", "list or details", show=False, id="alerts.other",
                tooltip="Go to the details, or back to the list; Enter goes there too."),
        Binding("q,escape", "back", "back", id="alerts.back",
                tooltip="Go back to the list, or leave."),
    ]  # fmt: skip

    def __init__(self, directory: RunDirectory) -> None:
        """Show the alerts of the run in `directory`."""
        super().__init__(directory)
        self._rows: dict[str, AlertRow | Diagnosis | Failure] = {}
        self._follower = RunFollower(
            directory, self.deliver, Request(metrics=(), times=False), explained=True
        )

    def compose(self) -> ComposeResult:
        """Lay out list and details; the width decides how they stand."""
        yield TopLine()
        yield Lines(id="note")
        with Container(id="parts"):
            yield PickList()
            yield Reader(id="details")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(PickList).focus()

    def on_resize(self, event: events.Resize) -> None:
        """Put the details beside the list where there is room."""
        self.query_one("#parts").set_class(event.size.width >= _BESIDE, "beside")
        self.call_after_refresh(self._show_details)

    # --- what is shown --------------------------------------------------------------------------

    def show_snapshot(self, snapshot: RunSnapshot) -> None:
        """Show what was read."""
        # Alerts are never removed, so a place in the record's order is a key; the newest is first.
        numbered = [(str(number), row) for number, row in enumerate(snapshot.alerts, start=1)]
        # Why it failed and what the curves show stand above what was raised at some time.
        self._rows = {
            **{each.kind: each for each in snapshot.failures},
            **{each.kind: each for each in snapshot.diagnoses},
            **dict(reversed(numbered)),
        }
        fault = wrap_plain(snapshot.error, self.size.width, "bad") if snapshot.error else []
        self.query_one("#note", Lines).show_lines(fault)
        self.query_one(PickList).show_rows(
            [Row(key, _line(row)) for key, row in self._rows.items()],
            empty="" if snapshot.error else tr(_NONE),
        )
        self._show_details()
        self._show_top(snapshot)

    def _show_top(self, snapshot: RunSnapshot) -> None:
        state = snapshot.summary.state if snapshot.summary else ""
        words = f"{count_words(snapshot.alerts)} "
        name = Span(f" {sanitise(self._directory.id)}", "title")
        left = (name, Span(f"  {tr(state)}", "live" if snapshot.live else ""))
        self.query_one(TopLine).show_parts(left, (Span(words, "quiet"),))

    def on_pick_list_moved(self) -> None:
        """Show all about another alert, from its beginning."""
        self._show_details()
        self.query_one(Reader).scroll_to(y=0, animate=False)

    def _show_details(self) -> None:
        reader = self.query_one(Reader)
        row = self._rows.get(self.query_one(PickList).key)
        reader.show_lines(_details(row, max(20, reader.size.width)) if row else [])

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: only a live run has stacks."""
        del parameters
        if action == "stacks":
            return self._snapshot is not None and self._snapshot.live
        return True

    def on_pick_list_chosen(self) -> None:
        """Go to the details."""
        self.query_one(Reader).focus()

    def action_other(self) -> None:
        """Go from the list to the details, or back."""
        reader = self.query_one(Reader)
        (self.query_one(PickList) if reader.has_focus else reader).focus()

    def action_stacks(self) -> None:
        """Have the stacks recorded; they come into the list like any alert."""
        app_of(self).commands.order(self._directory, TakeStacks())
        self._follower.wake()

    def action_back(self) -> None:
        """Leave the details, then the screen."""
        if self.query_one(Reader).has_focus:
            self.query_one(PickList).focus()
        else:
            self.dismiss()


def _line(row: AlertRow | Diagnosis | Failure) -> SpanLine:
    match row:
        case Diagnosis():
            return diagnosis_line(row)
        case Failure():
            return failure_line(row)
    return alert_line(row)


def _details(row: AlertRow | Diagnosis | Failure, width: int) -> list[SpanLine]:
    match row:
        case Diagnosis():
            return diagnosis_details(row, width)
        case Failure():
            return failure_details(row, width)
    return alert_details(row, width)
