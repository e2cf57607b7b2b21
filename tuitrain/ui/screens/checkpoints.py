"""The checkpoints of a run: resume from one, begin a new run with one, name it, delete it.

Asks before what can't be undone; files are touched in a thread, by
`tuitrain.runs.upkeep.checkpoints`.
"""

import time
from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.binding import Binding

from tuitrain.lang import term, tr
from tuitrain.messages import SaveCheckpoint
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.metrics import monitor_of
from tuitrain.runs.rows import CheckpointRow
from tuitrain.runs.upkeep.checkpoints import (
    check_checkpoint_name,
    delete_checkpoint,
    name_checkpoint,
)
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.screens.following import FollowingScreen
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.lines import Lines
from tuitrain.ui.widgets.picklist import PickList, Row
from tuitrain.ui.widgets.reader import Reader
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.run.checkpoints import (
    checkpoint_details,
    checkpoint_table,
    file_name,
    newest_first,
)
from tuitrain.view.spans import Span, wrap_plain

_NONE = term(" no checkpoints: none was saved, or none was kept (`tuitrain presets reference`)")
_NONE_YET = term(" no checkpoints: none was saved yet; c on the run's screen saves one now")


class CheckpointsScreen(FollowingScreen[RunSnapshot]):
    """A list, and all about the checkpoint under the cursor."""

    DEFAULT_CSS = """
    CheckpointsScreen #note { height: auto; }
    CheckpointsScreen PickList { height: 1fr; min-height: 3; }
    CheckpointsScreen #details { height: 11; border-top: solid $panel-lighten-2; }
    CheckpointsScreen #details:focus { border-top: solid $accent; }
    """
    _follower: RunFollower

    BINDINGS = [
        Binding("R", "resume", "resume from it", id="checkpoints.resume",
                tooltip="Resume training from this checkpoint; Enter does the same."),
        Binding("e", "begin", "new run from it", id="checkpoints.begin",
                tooltip="Begin a new run with these weights and changed settings."),
        Binding("m", "name", "name", id="checkpoints.name",
                tooltip="Give the checkpoint a name; a named one is kept for good."),
        Binding("x", "delete", "delete", id="checkpoints.delete",
                tooltip="Delete the checkpoint; asks first."),
        Binding("q,escape", "back", "back", id="checkpoints.back",
                tooltip="Go back."),
    ]  # fmt: skip

    def __init__(self, directory: RunDirectory, clock: Callable[[], float] = time.time) -> None:
        """Show the checkpoints of the run in `directory`.

        Args:
            directory: the run.
            clock: seconds since the epoch, for ages.
        """
        super().__init__(directory)
        self._clock = clock
        self._rows: dict[str, CheckpointRow] = {}
        self._follower = RunFollower(directory, self.deliver, Request(metrics=()))

    def compose(self) -> ComposeResult:
        """Show the list above the details."""
        yield TopLine()
        yield Lines(id="note")
        yield PickList()
        yield Reader(id="details")
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(PickList).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is done with a checkpoint where there is one."""
        del parameters
        return action not in ("resume", "begin", "name", "delete") or bool(self._rows)

    # --- what is shown --------------------------------------------------------------------------

    def show_snapshot(self, snapshot: RunSnapshot) -> None:
        """Show what was read."""
        rows = newest_first(snapshot.checkpoints)
        self._rows = {row.path: row for row in rows}
        head, *lines = checkpoint_table(rows, monitor_of(snapshot.config)[0], self._clock())
        fault = wrap_plain(snapshot.error, self.size.width, "bad") if snapshot.error else []
        self.query_one("#note", Lines).show_lines([*fault, *([head] if rows else [])])
        keys = [row.path for row in rows]
        self.query_one(PickList).show_rows(
            [Row(key, line) for key, line in zip(keys, lines, strict=True)],
            empty="" if snapshot.error else tr(_NONE_YET if snapshot.live else _NONE),
        )
        self._show_details()
        self._show_top(snapshot)

    def _show_top(self, snapshot: RunSnapshot) -> None:
        state = snapshot.summary.state if snapshot.summary else ""
        name = sanitise(self._directory.id)
        number = len(self._rows)
        words = tr("{n} checkpoint " if number == 1 else "{n} checkpoints ", n=number)
        left = (Span(f" {name}", "title"), Span(f"  {tr(state)}", "live" if snapshot.live else ""))
        self.query_one(TopLine).show_parts(left, (Span(words, "quiet"),))

    def on_pick_list_moved(self) -> None:
        """Show all about another checkpoint."""
        self._show_details()

    def _show_details(self) -> None:
        row = self._picked()
        lines = checkpoint_details(row, self._clock()) if row else []
        self.query_one(Reader).show_lines(lines)

    def _picked(self) -> CheckpointRow | None:
        return self._rows.get(self.query_one(PickList).key)

    # --- keys -----------------------------------------------------------------------------------

    def on_pick_list_chosen(self) -> None:
        """Resume from the checkpoint."""
        self.action_resume()

    def action_resume(self) -> None:
        """Resume from the checkpoint; from another than the newest only after a question."""
        row, snapshot = self._picked(), self._snapshot
        if row is None or snapshot is None or snapshot.summary is None:
            return
        if snapshot.live:
            self._refuse(tr("resume from a checkpoint"))
            return
        step = snapshot.summary.step
        resume = partial(app_of(self).commands.resume, self._directory, row.path)
        if row.step >= step and not row.superseded:
            resume()
            return
        question = tr(
            "Resume from step {step}? The run stands at step {now}: curves after "
            "step {step} are removed, and what is trained from there takes their "
            "place.",
            step=row.step,
            now=step,
        )
        self.app.push_screen(
            Confirm(question, tr("resume from it")), lambda yes: resume() if yes else None
        )

    def action_begin(self) -> None:
        """Open the form for a new run with these weights and this run's settings."""
        row, snapshot = self._picked(), self._snapshot
        if row is not None and snapshot is not None and snapshot.summary is not None:
            app_of(self).opener.open_launch(
                snapshot.summary.preset,
                config=self._directory.config_path,
                checkpoint=self._directory.path / row.path,
            )

    def action_name(self) -> None:
        """Ask for a name; a live run saves the checkpoint that gets it."""
        row, snapshot = self._picked(), self._snapshot
        if snapshot is None or (row is None and not snapshot.live):
            return
        path = "" if snapshot.live or row is None else row.path
        question = (
            tr("A name for {path}:", path=file_name(path))
            if path
            else tr("The run is live: a checkpoint of its current step is saved. Its name?")
        )
        hint = tr("A named checkpoint is kept for good.")
        self.app.push_screen(
            Ask(question, hint=hint, check=check_checkpoint_name), partial(self._give_name, path)
        )

    def _give_name(self, path: str, name: str | None) -> None:
        """Name a checkpoint by its path, or one that is saved for it where that is empty."""
        if name and path:
            self._change(lambda: name_checkpoint(self._directory, path, name))
        elif name:
            app_of(self).commands.order(self._directory, SaveCheckpoint(name=name))

    def action_delete(self) -> None:
        """Delete the checkpoint, after a question; the only one after a second."""
        row, snapshot = self._picked(), self._snapshot
        if row is None or snapshot is None:
            return
        if snapshot.live:
            self._refuse(tr("delete a checkpoint"))
            return
        names = f" ({', '.join(row.names)})" if row.names else ""
        question = tr(
            "Delete {path}{names} for good?", path=file_name(row.path), names=sanitise(names)
        )
        self.app.push_screen(
            Confirm(question, tr("delete it")), lambda yes: self._sure(row) if yes else None
        )

    def _sure(self, row: CheckpointRow) -> None:
        delete = partial(self._change, lambda: delete_checkpoint(self._directory, row.path))
        if len(self._rows) > 1:
            delete()
            return
        question = tr(
            "It is the only checkpoint of this run: without it the run can't be "
            "resumed and its weights are gone. Delete it all the same?"
        )
        self.app.push_screen(
            Confirm(question, tr("delete the only one")),
            lambda yes: delete() if yes else None,
        )

    def _change(self, job: Callable[[], None]) -> None:
        """Change files in a thread; what goes wrong is told."""

        def change() -> None:
            try:
                job()
            finally:
                self._follower.wake()

        app_of(self).work.do(change)

    def _refuse(self, what: str) -> None:
        words = "{id} is live: pause and release it, or stop it, to {what}."
        app_of(self).tell(tr(words, id=self._directory.id, what=what), "warning")
