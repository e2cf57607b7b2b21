"""One run: a thread that follows it, and what keys do with what it shows."""

from textual import on
from textual.app import ComposeResult
from textual.events import Key

from tuitrain.lang import key_word, said
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.feeds.delivery import brought_to
from tuitrain.ui.feeds.overlays import Overlays
from tuitrain.ui.feeds.run import RunFollower
from tuitrain.ui.feeds.snapshot import RunSnapshot
from tuitrain.ui.notices import News
from tuitrain.ui.screens.curves.desk import ChartDesk
from tuitrain.ui.screens.curves.screen import CurveScreen
from tuitrain.ui.screens.run.desk import RunDesk
from tuitrain.ui.screens.run.keys import BINDINGS as RUN_KEYS
from tuitrain.ui.screens.run.keys import binding_of, name_of, refusal_of, why_not
from tuitrain.ui.screens.run.steering import Steering
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.keyline import KeyLine


class RunScreen(CurveScreen):
    """Watches and steers one run."""

    BINDINGS = RUN_KEYS

    def __init__(self, directory: RunDirectory) -> None:
        """Show the run in `directory`."""
        take = brought_to(self, self._take)
        self._directory = directory
        self._overlays = Overlays(take)
        self._desk = RunDesk(directory.id, self._overlays)
        super().__init__(self._desk)
        self._follower = RunFollower(directory, take, explained=True)
        self._steering = Steering(directory, self._desk, self._follower.wake)
        self._news = News()

    # --- life -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield self._desk
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to follow the run."""
        self._follower.start()

    def on_unmount(self) -> None:
        """Stop following."""
        self._follower.close()
        self._overlays.close()

    @property
    def words(self) -> tuple[str, ...]:
        """Names whose words the help explains."""
        return self._desk.snapshot.metric_names

    def _take(self, snapshot: RunSnapshot) -> None:
        """Show what was read."""
        if snapshot.id != self._directory.id:
            self._overlays.take(snapshot)
        else:
            self._desk.take(snapshot)
            if not snapshot.error:
                self.recall(snapshot.summary)
                new = self._news.take(snapshot)
                app_of(self).notifier.tell(app_of(self), self._directory.id, new)
        # What changes below another screen would repaint that one whole.
        if self._desk.is_in_sight:
            self._desk.draw()
            self.refresh_bindings()

    @on(ChartDesk.Arranged)
    def _ask(self) -> None:
        """Have read what the charts have room for."""
        self._follower.ask(self._desk.request)
        self._overlays.ask(self._desk.request)

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: commands need a supervisor that hears them."""
        name = name_of(f"{action}({parameters[0]!r})" if parameters else action)
        snapshot = self._desk.snapshot
        if refusal_of(name, snapshot.facts, self._directory):
            return None
        return None if why_not(name, snapshot) else True

    def on_key(self, event: Key) -> None:
        """Say why a key does nothing now."""
        binding = binding_of(event.key)
        if binding is None:
            return
        name, snapshot = name_of(binding.action), self._desk.snapshot
        if refusal := refusal_of(name, snapshot.facts, self._directory):
            app_of(self).tell(refusal, "warning")
        elif reason := why_not(name, snapshot):
            app_of(self).tell(f"{key_word(binding.description)}: {said(reason)}", "warning")

    def action_steer(self, what: str) -> None:
        """Give the run a command."""
        getattr(self._steering, what)(self._desk.snapshot)

    def action_write(self) -> None:
        """Ask for a kind of file and write the chart in front as that."""
        self._front.write([self._directory])

    def action_overlay(self) -> None:
        """Choose runs to draw over this one."""
        from tuitrain.ui.screens.choose import ChooseRuns

        def overlay(answer: list[RunDirectory] | None) -> None:
            if answer is not None:
                self._overlays.follow(answer, self._desk.request)
                self._desk.draw()

        asked = ChooseRuns(app_of(self).root, self._directory, self._overlays.ids)
        self.app.push_screen(asked, overlay)

    def action_open(self, what: str) -> None:
        """Show another screen of the run."""
        app_of(self).opener.open_of_run(what, self._directory)

    def action_leave(self) -> None:
        """Go back; take the cursor or the single chart away first."""
        if not self._front.step_back():
            self.dismiss()
