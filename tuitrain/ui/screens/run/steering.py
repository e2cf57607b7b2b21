"""What the keys of a run tell it; questions come first where a command needs an answer.

Asks the app to give commands; what becomes of them is read off the record like all else.
"""

from collections.abc import Callable

from textual.widget import Widget

from tuitrain.analysis.ranks import rank_memory
from tuitrain.config.settings import validate_setting
from tuitrain.lang import tr
from tuitrain.messages import (
    ChangeSetting,
    Continue,
    Evaluate,
    Pause,
    Request,
    SaveCheckpoint,
    Stop,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.shell import app_of


class Steering:
    """Commands to one run; each is handed what was read of it last."""

    def __init__(self, directory: RunDirectory, shown: Widget, given: Callable[[], None]) -> None:
        """Tell the run in `directory`.

        Args:
            directory: the run.
            shown: part of the app that gives the commands.
            given: called after each.
        """
        self._directory = directory
        self._shown = shown
        self._given = given

    def _order(self, request: Request) -> None:
        app_of(self._shown).commands.order(self._directory, request)
        self._given()

    def pause(self, run: RunSnapshot) -> None:
        """Hold, or go on."""
        state = run.state
        self._order(Continue() if state is not None and state.state == "paused" else Pause())

    def release(self, _run: RunSnapshot) -> None:
        """Hold and give all GPU memory back."""
        self._order(Pause(release=True))

    def resume(self, _run: RunSnapshot) -> None:
        """Go on with a run that ended or was released."""
        app_of(self._shown).commands.resume(self._directory)

    def stop(self, run: RunSnapshot) -> None:
        """Ask, then end the run."""

        def stop(answer: bool | None) -> None:
            if answer:
                self._order(Stop())

        what = tr("It saves a checkpoint and can be resumed.")
        if run.facts.script is not None:
            what = tr("The script ends as by Ctrl-C, or by its framework's own means.")
        question = tr("Stop {run}? {what}", run=self._directory.id, what=what)
        app_of(self._shown).push_screen(Confirm(question, tr("stop it")), stop)

    def checkpoint(self, _run: RunSnapshot) -> None:
        """Save a checkpoint."""
        self._order(SaveCheckpoint())

    def evaluate(self, _run: RunSnapshot) -> None:
        """Evaluate."""
        self._order(Evaluate())

    def rate(self, run: RunSnapshot) -> None:
        """Ask for a learning rate and set it."""
        row = run.metrics.get("lr")
        shown = f"{row.last:.6g}" if row else ""

        def change(answer: str | None) -> None:
            value = validate_setting("optimizer.lr", answer) if answer else None
            # What was shown is rounded, and the schedule may have moved the rate since.
            if shown and value == float(shown):
                app_of(self._shown).tell(tr("the learning rate is left as it is"))
            elif value is not None:
                self._order(ChangeSetting(0, "optimizer.lr", value))

        app_of(self._shown).push_screen(
            Ask(
                tr("Learning rate from the next step on"),
                value=shown,
                hint=tr("The schedule continues from this value in proportion."),
                check=lambda text: validate_setting("optimizer.lr", text),
            ),
            change,
        )

    def profile(self, run: RunSnapshot) -> None:
        """Ask how many steps to profile; of a run that has ended show the profiles it has."""
        # Imported here: the run screen opens without it.
        from tuitrain.ui.screens.profile.screen import ask_steps, check_wanted

        if not run.live:
            app_of(self._shown).opener.open_profile(self._directory)
            return

        def take(answer: str | None) -> None:
            if answer is not None:
                app_of(self._shown).opener.open_profile(self._directory, check_wanted(answer))

        app_of(self._shown).push_screen(ask_steps(len(rank_memory(run.split))), take)
