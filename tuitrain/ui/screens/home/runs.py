"""Home's right side: the table of runs, and what is done to all that are chosen in it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message

from tuitrain.errors import TuitrainError
from tuitrain.messages import Pause, Request, Stop
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.labels import check_tag, load_labels, save_labels
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.screens.home.keys import RunKeys
from tuitrain.ui.screens.home.preview import RunPreview
from tuitrain.ui.screens.home.removal import Removal
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import sanitise
from tuitrain.view.runlist.chosen import ACTS, eligible, question, tag_changes
from tuitrain.view.runrows import ACTIVE

if TYPE_CHECKING:
    from tuitrain.ui.app import TuitrainApp


class RunsSide(Vertical):
    """The table, and keys that work on all marked runs, or on the one under the cursor."""

    BINDINGS = [
        Binding(
            "R",
            "act('resume')",
            "resume",
            id="home.resume",
            tooltip="Resume the chosen runs from their last checkpoints",
        ),
        Binding(
            "x",
            "remove",
            "remove",
            id="home.remove",
            tooltip="Move the chosen runs to the trash, where they are kept for 7 days; asks first",
        ),
        Binding("u", "undo", "undo", id="home.undo", tooltip="Bring back what was removed last"),
        Binding(
            "t",
            "tag",
            "tag",
            id="home.tag",
            tooltip="Tag the chosen runs: words to add, and with - before them to remove",
        ),
        Binding("N", "note", "note", id="home.note", tooltip="Write a note on the chosen runs"),
        Binding(
            "p",
            "act('pause')",
            "pause",
            id="home.pause",
            tooltip="Pause the chosen runs at their next step; asks first where they are several",
        ),
        Binding(
            "s",
            "act('stop')",
            "stop",
            id="home.stop",
            tooltip="Save a checkpoint and end the chosen runs; asks first",
        ),
    ]

    class Changed(Message):
        """Runs came or went: the list is to be read again at once."""

    def __init__(
        self,
        clock: Callable[[], float],
        look: Callable[[], TerminalStyle],
        preferences: Callable[[], Preferences],
    ) -> None:
        """Show no runs yet; the arguments are the table's."""
        super().__init__(id="runs-side")
        self.keys = RunKeys(clock, look, preferences)
        self.table = self.keys.table
        self.preview = RunPreview(look)
        self._removal = Removal()

    def compose(self) -> ComposeResult:
        """Lay the side out."""
        yield self.keys
        yield self.preview

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do nothing to runs while another screen is about to cover them."""
        del action, parameters
        return not self._tui.is_opening

    @property
    def _tui(self) -> "TuitrainApp":
        return cast("TuitrainApp", self.app)

    def _in_background(self, work: Callable[[], None]) -> None:
        self.run_worker(work, thread=True, group="runs")

    # --- commands -------------------------------------------------------------------------------

    def action_act(self, act: str) -> None:
        """Pause, stop or resume the chosen runs that can be."""
        chosen = self.table.chosen
        runs = eligible(act, chosen)
        if not runs:
            if chosen:
                self._tui.tell(f"{_names(chosen)}: {ACTS[act].none}", "warning")
        elif len(runs) > 1 or act == "stop":
            asked = Confirm(question(act, runs, len(chosen)), act)
            self.app.push_screen(asked, partial(self._act, act, runs))
        else:
            self._act(act, runs, True)

    def _act(self, act: str, runs: Sequence[RunSummary], wanted: bool | None) -> None:
        requests: dict[str, Callable[[], Request]] = {"pause": Pause, "stop": Stop}
        for run in runs if wanted else ():
            directory = RunDirectory(Path(run.path))
            if act == "resume":
                self._tui.resume_run(directory)
            else:
                self._tui.order(directory, requests[act]())

    # --- labels ---------------------------------------------------------------------------------

    def action_tag(self) -> None:
        """Ask for tags to add and to remove."""
        runs = self.table.chosen
        if runs:
            have = sorted({tag for run in runs for tag in self._labels(run)})
            hint = f"words to add, -word takes one away; now: {' '.join(have) or 'none'}"
            asked = Ask(f"Tags of {_names(runs)}", hint=hint, check=_check_tags)
            self.app.push_screen(asked, partial(self._tag, runs))

    def _labels(self, run: RunSummary) -> tuple[str, ...]:
        return self.table.listed.values[run.path].labels.tags

    def _tag(self, runs: Sequence[RunSummary], text: str | None) -> None:
        if text:
            add, remove = tag_changes(text)
            self._in_background(partial(self._label, runs, add, remove, None))

    def action_note(self) -> None:
        """Ask for a note."""
        runs = self.table.chosen
        if runs:
            now = self.table.listed.values[runs[0].path].labels.note
            asked = Ask(f"Note on {_names(runs)}", value=now, hint="empty: none")
            self.app.push_screen(asked, partial(self._note, runs))

    def _note(self, runs: Sequence[RunSummary], text: str | None) -> None:
        if text is not None:
            self._in_background(partial(self._label, runs, (), (), text))

    def _label(
        self,
        runs: Sequence[RunSummary],
        add: Sequence[str],
        remove: Sequence[str],
        note: str | None,
    ) -> None:
        try:
            for run in runs:
                directory = RunDirectory(Path(run.path))
                labels = load_labels(directory).tagged(add, remove)
                save_labels(directory, labels if note is None else replace(labels, note=note))
        except (TuitrainError, OSError) as error:
            self._tui.tell(str(error), "error")
        self.post_message(self.Changed())

    # --- removal --------------------------------------------------------------------------------

    def action_remove(self) -> None:
        """Ask, then move the chosen runs to the trash."""
        chosen = self.table.chosen
        live = [run for run in chosen if run.state in ACTIVE and run.state != "paused"]
        if live:
            what = "is" if len(live) == 1 else "are"
            self._tui.tell(f"{_names(live)} {what} live: stop it first", "warning")
        elif chosen:
            asked = Confirm(question("remove", chosen, len(chosen)), "remove")
            self.app.push_screen(asked, partial(self._remove, chosen))

    def _remove(self, runs: Sequence[RunSummary], wanted: bool | None) -> None:
        if wanted:
            self.table.marks.clear()
            self._in_background(lambda: self._tell(self._removal.remove(runs)))

    def action_undo(self) -> None:
        """Bring back what was removed last."""
        self._in_background(lambda: self._tell(self._removal.undo(self._tui.root)))

    def _tell(self, said: tuple[str, bool]) -> None:
        """Say what became of a removal, and show the list as it is now."""
        text, done = said
        self._tui.tell(text, "information" if done else "error")
        self.post_message(self.Changed())


def _names(runs: Sequence[RunSummary]) -> str:
    return sanitise(runs[0].id) if len(runs) == 1 else f"{len(runs)} runs"


def _check_tags(text: str) -> None:
    add, remove = tag_changes(text)
    for tag in (*add, *remove):
        check_tag(tag)
