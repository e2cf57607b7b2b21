"""Home's right side: the table of runs, and what is done to all that are chosen in it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical

from tuitrain.lang import key_word, tr
from tuitrain.messages import Pause, Request, Stop
from tuitrain.remote.client import RemoteClient
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.summary import RunSummary
from tuitrain.ui.bulk import COMMAND_LIMIT_S, BulkCommand, Said
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.screens.dialogs import Confirm
from tuitrain.ui.screens.home.keys import RunKeys
from tuitrain.ui.screens.home.labels import RunLabels
from tuitrain.ui.screens.home.preview import RunPreview
from tuitrain.ui.screens.home.removal import Removal
from tuitrain.ui.shell import app_of
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import sanitise
from tuitrain.view.runlist.chosen import ACTS, eligible, question
from tuitrain.view.runrows import ACTIVE


class RunsSide(Vertical):
    """The table, and keys that work on all marked runs, or on the one under the cursor."""

    BINDINGS = [
        Binding("R", "resume", "resume", id="home.resume",
                tooltip="Resume the chosen runs from their last checkpoints"),
        Binding("x", "remove", "remove", id="home.remove",
                tooltip="Move the chosen runs to the trash, where they are kept for 7 days; "
                "asks first"),
        Binding("u", "undo", "undo", id="home.undo",
                tooltip="Bring back what was removed last"),
        Binding("p", "pause", "pause", id="home.pause",
                tooltip="Pause the chosen runs at their next step; asks first where they "
                "are several"),
        Binding("s", "stop", "stop", id="home.stop",
                tooltip="Save a checkpoint and end the chosen runs; asks first"),
    ]  # fmt: skip

    def __init__(
        self,
        clock: Callable[[], float],
        look: Callable[[], TerminalStyle],
        preferences: Callable[[], Preferences],
    ) -> None:
        """Show no runs yet; the arguments are the table's."""
        super().__init__(id="runs-side")
        self.labels = RunLabels(RunKeys(clock, look, preferences))
        self.table = self.labels.table
        self.preview = RunPreview(look)
        self._removal = Removal()

    def compose(self) -> ComposeResult:
        """Lay the side out."""
        yield self.labels
        yield self.preview

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do nothing to runs where there are none, or another screen is about to cover them."""
        del parameters
        return not app_of(self).opener.is_opening and (action == "undo" or self.table.has_chosen)

    # --- commands -------------------------------------------------------------------------------

    def action_resume(self) -> None:
        """Resume the chosen runs that can be."""
        self._ask_to("resume")

    def action_pause(self) -> None:
        """Pause the chosen runs that run."""
        self._ask_to("pause")

    def action_stop(self) -> None:
        """Stop the chosen runs that run."""
        self._ask_to("stop")

    def _ask_to(self, act: str) -> None:
        chosen = self.table.chosen
        runs = eligible(act, chosen)
        if not runs:
            if chosen:
                app_of(self).tell(f"{_names(chosen)}: {tr(ACTS[act].none)}", "warning")
        elif len(runs) > 1 or act == "stop":
            asked = Confirm(question(act, runs, len(chosen)), key_word(act))
            self.app.push_screen(asked, partial(self._act, act, runs))
        else:
            self._act(act, runs, True)

    def _act(self, act: str, runs: Sequence[RunSummary], wanted: bool | None) -> None:
        requests: dict[str, Callable[[], Request]] = {"pause": Pause, "stop": Stop}
        if not wanted:
            return
        if len(runs) > 1:
            bulk = BulkCommand(app_of(self).clients, act, requests.get(act))
            app_of(self).work.do(lambda: partial(self._tell_of, bulk.give(runs, COMMAND_LIMIT_S)))
            return
        directory = RunDirectory(Path(runs[0].path))
        if act == "resume":
            app_of(self).commands.resume(directory)
        else:
            app_of(self).commands.order(directory, requests[act]())

    # --- removal --------------------------------------------------------------------------------

    def action_remove(self) -> None:
        """Ask, then move the chosen runs to the trash."""
        chosen = self.table.chosen
        live = [run for run in chosen if run.state in ACTIVE and run.state != "paused"]
        if live:
            one = len(live) == 1
            text = "{runs} is live: stop it first" if one else "{runs} are live: stop it first"
            app_of(self).tell(tr(text, runs=_names(live)), "warning")
        elif chosen:
            asked = Confirm(question("remove", chosen, len(chosen)), key_word("remove"))
            self.app.push_screen(asked, partial(self._remove, chosen))

    def _remove(self, runs: Sequence[RunSummary], wanted: bool | None) -> None:
        if wanted:
            self.table.marks.clear()
            elsewhere = RemoteClient(app_of(self).hosts)
            app_of(self).work.do(lambda: self._tell(self._removal.remove(runs, elsewhere)))

    def action_undo(self) -> None:
        """Bring back what was removed last."""
        app_of(self).work.do(lambda: self._tell(self._removal.undo(app_of(self).root)))

    def _tell_of(self, answers: Callable[[], Said]) -> None:
        self._tell(answers())

    def _tell(self, said: Said) -> None:
        """Say what became of it, and show the list as it is now."""
        text, done = said
        app_of(self).tell(text, "information" if done else "error")
        self.post_message(RunLabels.Changed())


def _names(runs: Sequence[RunSummary]) -> str:
    return sanitise(runs[0].id) if len(runs) == 1 else tr("{n} runs", n=len(runs))
