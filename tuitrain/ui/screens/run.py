"""The run screen: what its keys do, on top of what `run_view` shows.

It asks the app to give commands; what becomes of them is read off the record like all else.
"""

from collections.abc import Sequence

from textual.events import Key

from tuitrain.analysis.ranks import rank_memory
from tuitrain.config.settings import validate_setting
from tuitrain.lang import key_word, said, tr
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
from tuitrain.ui.charting import request_for
from tuitrain.ui.screens.dialogs import Ask, Confirm
from tuitrain.ui.screens.run_keys import BINDINGS as RUN_KEYS
from tuitrain.ui.screens.run_keys import binding_of, refusal_of, why_not
from tuitrain.ui.screens.run_view import RunView


class RunScreen(RunView):
    """Watches and steers one run."""

    BINDINGS = RUN_KEYS

    # --- keys: steering -------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: commands need a supervisor that hears them."""
        whole = f"{action}({parameters[0]!r})" if parameters else action
        if refusal_of(whole, self._snapshot.facts, self._directory.id):
            return None
        return None if why_not(action, self._snapshot) else True

    def on_key(self, event: Key) -> None:
        """Say why a key does nothing now."""
        binding = binding_of(event.key)
        if binding is None:
            return
        facts, run_id = self._snapshot.facts, self._directory.id
        if refusal := refusal_of(binding.action, facts, run_id):
            self.tuitrain.tell(refusal, "warning")
        elif reason := why_not(binding.action, self._snapshot):
            self.tuitrain.tell(f"{key_word(binding.description)}: {said(reason)}", "warning")

    def _order(self, request: Request) -> None:
        self.tuitrain.commands.order(self._directory, request)
        self._follower.wake()

    def action_pause(self) -> None:
        """Hold, or go on."""
        state = self._snapshot.state
        self._order(Continue() if state is not None and state.state == "paused" else Pause())

    def action_release(self) -> None:
        """Hold and give all GPU memory back."""
        self._order(Pause(release=True))

    def action_resume(self) -> None:
        """Go on with a run that ended or was released."""
        self.tuitrain.commands.resume(self._directory)

    def action_stop(self) -> None:
        """Ask, then end the run."""

        def stop(answer: bool | None) -> None:
            if answer:
                self._order(Stop())

        what = tr("It saves a checkpoint and can be resumed.")
        if self._snapshot.facts.script is not None:
            what = tr("The script ends as by Ctrl-C, or by its framework's own means.")
        question = tr("Stop {run}? {what}", run=self._directory.id, what=what)
        self.app.push_screen(Confirm(question, tr("stop it")), stop)

    def action_checkpoint(self) -> None:
        """Save a checkpoint."""
        self._order(SaveCheckpoint())

    def action_evaluate(self) -> None:
        """Evaluate."""
        self._order(Evaluate())

    def action_rate(self) -> None:
        """Ask for a learning rate and set it."""
        row = self._snapshot.metrics.get("lr")
        shown = f"{row.last:.6g}" if row else ""

        def change(answer: str | None) -> None:
            value = validate_setting("optimizer.lr", answer) if answer else None
            # What was shown is rounded, and the schedule may have moved the rate since.
            if shown and value == float(shown):
                self.tuitrain.tell(tr("the learning rate is left as it is"))
            elif value is not None:
                self._order(ChangeSetting(0, "optimizer.lr", value))

        self.app.push_screen(
            Ask(
                tr("Learning rate from the next step on"),
                value=shown,
                hint=tr("The schedule continues from this value in proportion."),
                check=lambda text: validate_setting("optimizer.lr", text),
            ),
            change,
        )

    def action_profile(self) -> None:
        """Ask how many steps to profile; of a run that has ended show the profiles it has."""
        from tuitrain.ui.screens.profile.screen import ask_steps, check_wanted

        if not self._snapshot.live:
            self.tuitrain.opener.open_profile(self._directory)
            return

        def take(answer: str | None) -> None:
            if answer is not None:
                self.tuitrain.opener.open_profile(self._directory, check_wanted(answer))

        self.app.push_screen(ask_steps(len(rank_memory(self._snapshot.split))), take)

    # --- keys: curves ---------------------------------------------------------------------------

    def action_write(self) -> None:
        """Ask for a kind of file and write the chart in front as that."""
        self._front.write([self._directory])

    # --- keys: other screens --------------------------------------------------------------------

    def action_overlay(self) -> None:
        """Choose runs to draw over this one."""
        from tuitrain.ui.screens.choose import ChooseRuns

        def overlay(answer: list[RunDirectory] | None) -> None:
            if answer is not None:
                self._overlay(answer)

        self.app.push_screen(
            ChooseRuns(self.tuitrain.root, self._directory, self._overlays.ids), overlay
        )

    def _overlay(self, directories: Sequence[RunDirectory]) -> None:
        self._overlays.follow(directories, request_for(self._choices, self._chart_width()))
        self._draw()

    def action_open(self, what: str) -> None:
        """Show another screen of the run."""
        self.tuitrain.opener.open_of_run(what, self._directory)

    def action_leave(self) -> None:
        """Go back; take the cursor or the single chart away first."""
        if not self._front.step_back():
            self.dismiss()
