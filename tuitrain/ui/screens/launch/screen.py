"""The launch screen: its keys, and the screens that they lead to.

Knows nothing of what is drawn where.
"""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.events import Key, Resize, ScreenResume
from textual.screen import Screen

from tuitrain.config.editing.draft import Checked
from tuitrain.config.folders import data_directory
from tuitrain.errors import UsageError
from tuitrain.lang import tr
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.ui.launch.command import untrusted
from tuitrain.ui.screens.launch.desk import LaunchDesk
from tuitrain.ui.screens.launch.estimate import MakeStarter, make_prewarmed
from tuitrain.ui.screens.launch.keys import KEYS
from tuitrain.ui.screens.launch.start import StartPanel
from tuitrain.ui.shell import app_of
from tuitrain.ui.whole import Whole
from tuitrain.ui.widgets.keyline import KeyLine
from tuitrain.ui.widgets.startbutton import StartButton

_WHILE_STARTING = frozenset({"enter", "escape"})
_READ = 2048
"""Samples of each part that figures are from, of a set that is read one at a time."""


class LaunchScreen(Whole, Screen[None]):
    """The form for a new run."""

    BINDINGS = KEYS

    def __init__(
        self,
        preset: str,
        *,
        config: Path | None = None,
        checkpoint: Path | None = None,
        make_worker: MakeStarter = make_prewarmed,
    ) -> None:
        """Open the form.

        Args:
            preset: a preset's name or file.
            config: the config.toml of a run whose settings to begin with.
            checkpoint: a file whose weights to begin with.
            make_worker: makes the worker that warms up.
        """
        super().__init__()
        self._desk = LaunchDesk(preset, config, checkpoint, make_worker)

    def compose(self) -> ComposeResult:
        """Have the parts above the keys."""
        yield self._desk
        yield KeyLine()

    def on_resize(self, event: Resize) -> None:
        """Arrange the parts for the room there is."""
        self._desk.fit(event.size.width)
        self.call_after_refresh(self._desk.show)

    @property
    def checked(self) -> Checked:
        """What the form amounts to now."""
        return self._desk.form.checked

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: while a run starts, those that show it or leave."""
        del parameters
        return not self._desk.locked or action in ("start", "leave")

    def on_key(self, event: Key) -> None:
        """Swallow what is typed on while the run starts: it was meant for the form."""
        if self._desk.locked and event.key not in _WHILE_STARTING:
            event.stop()

    @on(StartButton.Pressed)
    def action_start(self) -> None:
        """Start the run; pressed again while it starts, show it as it is."""
        if self._desk.locked:
            self._open_run()
        else:
            self._desk.start()

    def action_enqueue(self) -> None:
        """Put the run into the queue of the box."""
        if not self._desk.locked:
            self._desk.start(Wish())

    def action_toggle_text(self) -> None:
        """Change between the form and all settings as text."""
        self._desk.form.toggle_text()

    def action_copy(self) -> None:
        """Copy the command."""
        import shlex

        words = self._desk.command()
        if words:
            app_of(self).copier.copy(shlex.join(words), tr("the command:"))

    def action_leave(self) -> None:
        """Go back; a run that was started goes on."""
        self.app.pop_screen()

    # --- other screens --------------------------------------------------------------------------

    @on(StartPanel.Started)
    @on(ScreenResume)
    def _show_started(self) -> None:
        """Show a run that came to run; a help or palette above the form is left alone first."""
        attempt = self._desk.start_panel.attempt
        if attempt is not None and attempt.runs:
            self._open_run(late=True)

    def _open_run(self, *, late: bool = False) -> None:
        attempt = self._desk.start_panel.attempt
        if attempt is None or attempt.directory is None or not self.is_active:
            return
        attempt.given_up = True
        self.app.pop_screen()
        app_of(self).opener.open_run(attempt.directory, late=late)

    def action_inspect(self) -> None:
        """Show what the model and the data are."""
        form, top = self._desk.form, self._desk.top
        preset, opened = form.checked.preset, form.opened
        if preset is None or opened is None:
            top.say(tr("can't be looked at: see what is marked"), "bad")
            return
        if untrusted(preset, self._desk.config):
            top.say(tr("names code outside tuitrain"), "bad")
            return
        # Imported here: the form opens without it.
        from tuitrain.supervisor.inspection import Question
        from tuitrain.ui.screens.inspect import InspectScreen

        data = data_directory(app_of(self).data_dir)
        folder = opened.path.parent
        try:
            model = Question.of("model", preset, data, folder)
            figures = Question.of("data", preset, data, folder, samples=0, read=_READ)
        except UsageError as error:
            top.say(str(error), "bad")
            return
        self.app.push_screen(InspectScreen([model, figures]))
