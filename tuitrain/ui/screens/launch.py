"""The launch screen: what is typed is checked, and the run is started, on top of `launch_view`.

Files are read and runs are started in threads; it knows nothing of what is drawn where.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual import on
from textual.events import Key
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import TextArea

from tuitrain.config.data_path import with_whole_path
from tuitrain.config.editing.draft import Draft
from tuitrain.config.editing.shortest import toml_value
from tuitrain.config.folders import data_directory
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.config.schema import Preset
from tuitrain.errors import TuitrainError, UsageError
from tuitrain.lang import said, tr
from tuitrain.runs.rows import StateRow
from tuitrain.supervisor.launch import own_code
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.ui.feeds.delivery import Delivery, pass_through
from tuitrain.ui.feeds.pace import Pace, read_paces
from tuitrain.ui.launch_form import RUN_NAME
from tuitrain.ui.launch_keys import KEYS
from tuitrain.ui.launching import Attempt, Starter
from tuitrain.ui.opening import Opened, open_settings
from tuitrain.ui.screens.launch_view import LaunchView
from tuitrain.ui.warm import WarmReport
from tuitrain.ui.widgets.fields import Field
from tuitrain.ui.widgets.startbutton import StartButton

MakeStarter = Callable[[Callable[[WarmReport], None], str, Path, tuple[str, ...]], Starter]

_WHILE_STARTING = frozenset({"enter", "escape"})
_READ = 2048
"""Samples of each part that figures are from, of a set that is read one at a time."""
_ASK_AFTER_S = 0.4
"""Nobody types faster for long: one estimate for a word, not one a letter."""


def make_prewarmed(
    deliver: Callable[[WarmReport], None], config: str, data_dir: Path, code: tuple[str, ...]
) -> Starter:
    """Return a worker that warms up."""
    from tuitrain.ui.prewarm import PrewarmedWorker

    return PrewarmedWorker(deliver, config, data_dir, code)


class LaunchScreen(LaunchView):
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
        super().__init__(preset, config)
        self._checkpoint = checkpoint
        self._make_worker = make_worker
        self._warm: Starter | None = None
        self._attempt: Attempt | None = None
        self._wish: Wish | None = None
        self._ask_timer: Timer | None = None
        self._asked = ""
        self._typed_in: Widget | None = None

    # Textual calls a handler of every class of a screen: these come on top of the view's own.

    def on_mount(self) -> None:
        """Read the preset."""
        self.run_worker(self._read, thread=True, group="read", exit_on_error=False)

    def on_unmount(self) -> None:
        """Let the warm worker end; a run that starts goes on."""
        if self._attempt is not None:
            self._attempt.given_up = True
        if self._warm is not None:
            self._warm.close()

    def on_delivery(self, message: Delivery) -> None:
        """Take in what a thread brought."""
        message.take()

    def _post(self, take: Callable[[], None]) -> None:
        self.post_message(Delivery(take))

    # --- what the form begins with --------------------------------------------------------------

    def _read(self) -> None:
        try:
            opened = open_settings(self._preset_name, self._config)
        except (TuitrainError, OSError) as error:
            self._post(partial(self._refuse, str(error)))
            return
        self._post(partial(self._take_opened, opened))
        try:
            name = parse_preset(opened.text, str(opened.path)).name
        except TuitrainError:
            # Its faults are on the screen already.
            return
        self._post(partial(self._take_paces, read_paces(self.tuitrain.root, name)))

    def _refuse(self, reason: str) -> None:
        self._trouble = [reason]
        self._say(tr("can't be launched"), "bad")
        self._show()

    def _take_opened(self, opened: Opened) -> None:
        self._opened = opened
        self._draft = Draft(opened.resolved, opened.typed)
        if opened.typed:
            self._say(tr("out of memory before: settings that fit"), "alert")
        if self._checkpoint is not None:
            weights = toml_value(str(self._checkpoint))
            self._draft = self._draft.type_over("train.weights_from", weights)
        self._check()
        if self._checked.preset is None:
            self._edit_text()
        self._warm_up()

    def _take_paces(self, paces: list[Pace]) -> None:
        self._paces = paces
        self._show()

    # --- the warm worker ------------------------------------------------------------------------

    def _warm_up(self) -> None:
        """Let a worker get ready while the form is open."""
        preset, opened = self._checked.preset, self._opened
        if preset is None or opened is None or self._warm is not None:
            return
        folders = (str(opened.path.parent), str(Path.cwd())) if own_code(preset) else ()
        self._asked = self._checked.text
        self._warm = self._make_worker(
            lambda report: self._post(partial(self._take_report, report)),
            self._located(opened, preset),
            data_directory(self.tuitrain.data_dir).absolute(),
            folders,
        )
        self._warm.start()

    def _take_report(self, report: WarmReport) -> None:
        self._report = report
        self._offer_devices()
        self._show()

    def _ask_soon(self) -> None:
        """Ask what the settings would take, once nobody types for a moment."""
        if self._ask_timer is not None:
            self._ask_timer.stop()
        self._ask_timer = self.set_timer(_ASK_AFTER_S, self._ask)

    def _ask(self) -> None:
        text, preset, opened = self._checked.text, self._checked.preset, self._opened
        if self._warm and preset is not None and opened is not None and text != self._asked:
            self._asked = text
            self._warm.ask(self._located(opened, preset))

    def _located(self, opened: Opened, preset: Preset) -> str:
        """Return the settings as text, with the whole path of data that lie beside the preset."""
        folders = [opened.path.parent, Path.cwd(), data_directory(self.tuitrain.data_dir)]
        try:
            located = with_whole_path(preset, folders)
        except UsageError:  # the start says so, and so does what the worker answers
            located = preset
        return self._checked.text if located is preset else to_toml(located)

    # --- editing --------------------------------------------------------------------------------

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.field.heard()
        self._forget_refusal()
        if event.key == RUN_NAME:
            self._run_name = event.value.strip()
            self._show()
            return
        self._draft = self._draft.type_over(event.key, event.value)
        self._check()

    def _forget_refusal(self) -> None:
        """Take back what was said of settings that are other ones now."""
        if self._attempt is None and not self._trouble:
            self._say("")

    @on(TextArea.Changed)
    def _text_changed(self, event: TextArea.Changed) -> None:
        if self._in_text and event.text_area.text != self._checked.text:
            self._forget_refusal()
            self._draft = Draft(event.text_area.text)
            self._check()

    def _check(self) -> None:
        """Hold the settings against the schema, and ask what they would take."""
        self._checked = self._draft.check()
        self._show()
        if self._checked.preset is not None:
            self._warm_up()
            self._ask_soon()

    def action_toggle_text(self) -> None:
        """Change between the form and all settings as text."""
        if self._in_text:
            self._draft = Draft(self._checked.text)
            self._show_form()
        elif self._opened is not None:
            self._edit_text()

    def _edit_text(self) -> None:
        self._draft = Draft(self._checked.text)
        self._show_text()

    # --- starting -------------------------------------------------------------------------------

    @on(StartButton.Pressed)
    def _pressed(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Start the run; pressed again while it starts, show it as it is."""
        if not self.locked:
            self._lock()
            pass_through(self._typed_in, self._start)
        elif self._attempt is not None:
            self._open_run(self._attempt)

    def action_enqueue(self) -> None:
        """Put the run into the queue of the box."""
        if not self.locked:
            self._wish = Wish()
            self.action_start()

    def _lock(self) -> None:
        """Let nobody change what is being started; what is typed on goes nowhere."""
        self._typed_in = self.focused
        self.show_locked(True)
        self.refresh_bindings()

    def _unlock(self) -> None:
        self.show_locked(False)
        if self._typed_in is not None and self._typed_in.focusable:
            self.set_focus(self._typed_in)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Say which keys work now: while a run starts, those that show it or leave."""
        del parameters
        return not self.locked or action in ("start", "leave")

    def on_key(self, event: Key) -> None:
        """Swallow what is typed on while the run starts: it was meant for the form."""
        if self.locked and event.key not in _WHILE_STARTING:
            event.stop()

    def _start(self) -> None:
        preset, opened, starter = self._checked.preset, self._opened, self._warm
        wish, self._wish = self._wish, None
        if preset is None or opened is None or starter is None or self._name_fault():
            self._unlock()
            self._say(tr("can't start: see what is marked"), "bad")
            return
        refused = self._untrusted(preset)
        if refused:
            self._fail(refused)
            return
        attempt = Attempt(
            self.tuitrain.client,
            preset,
            starter,
            lambda state: self._post(partial(self._starting, state)),
            name=self._run_name or None,
            preset_folder=opened.path.parent,
            wish=wish,
        )
        self._begin(attempt)

    def _untrusted(self, preset: Preset) -> str:
        """Return why a run's settings may not be started here: they name code of who knows whom."""
        if self._config is None or not own_code(preset):
            return ""
        return tr(
            "this run's settings name code outside tuitrain ({preset}); if you trust "
            "it, start it with: tuitrain run {config}",
            preset=", ".join(own_code(preset)),
            config=self._config,
        )

    def _begin(self, attempt: Attempt) -> None:
        self._trouble = []
        self._attempt = attempt
        self._say(tr("starting"), "live")
        self._show()
        self.run_worker(partial(self._launch, attempt), thread=True, group="launch")

    def _launch(self, attempt: Attempt) -> None:
        try:
            attempt.run()
        except (TuitrainError, OSError) as error:
            self._post(partial(self._failed, attempt, str(error)))
            return
        if not attempt.given_up:
            self._post(partial(self._started_up, attempt))

    def _starting(self, state: StateRow) -> None:
        reason = f": {said(state.reason)}" if state.reason else ""
        self._say(f"{tr(state.state)}{reason}", "live")

    def _failed(self, attempt: Attempt, reason: str) -> None:
        if attempt is self._attempt:
            self._attempt = None
            self._fail(reason)
            self.tuitrain.gate.let_hand_rest(self)
            # The warm worker is spent: the next try gets another one.
            if self._warm is not None:
                self._warm.close()
            self._warm, self._report = None, WarmReport()
            self._warm_up()

    def _fail(self, reason: str) -> None:
        self._unlock()
        self._trouble = [tr("not started: {reason}", reason=said(reason))]
        self._say(tr("not started"), "bad")
        self._show()

    def _started_up(self, attempt: Attempt) -> None:
        """Show the run once it runs; a help or palette above the form is left alone first."""
        attempt.runs = True
        if self.is_active:
            self._open_run(attempt, late=True)

    def on_screen_resume(self) -> None:
        """Show a run that came to run while something lay above the form."""
        if self._attempt is not None and self._attempt.runs:
            self._open_run(self._attempt, late=True)

    def _open_run(self, attempt: Attempt, *, late: bool = False) -> None:
        if attempt.directory is None or not self.is_active:
            return
        attempt.given_up = True
        self.app.pop_screen()
        self.tuitrain.opener.open_run(attempt.directory, late=late)

    # --- other keys -----------------------------------------------------------------------------

    def action_inspect(self) -> None:
        """Show what the model and the data are."""
        preset, opened = self._checked.preset, self._opened
        if preset is None or opened is None:
            self._say(tr("can't be looked at: see what is marked"), "bad")
            return
        refused = self._untrusted(preset)
        if refused:
            self._say(tr("names code outside tuitrain"), "bad")
            return
        # Imported here: the form opens without it.
        from tuitrain.supervisor.inspection import Question
        from tuitrain.ui.screens.inspect import InspectScreen

        data, folder = data_directory(self.tuitrain.data_dir), opened.path.parent
        try:
            model = Question.of("model", preset, data, folder)
            figures = Question.of("data", preset, data, folder, samples=0, read=_READ)
        except UsageError as error:
            self._say(str(error), "bad")
            return
        self.app.push_screen(InspectScreen([model, figures]))

    def action_copy(self) -> None:
        """Copy the command."""
        import shlex

        words = self._command()
        if words:
            self.tuitrain.copier.copy(shlex.join(words), tr("the command:"))

    def action_leave(self) -> None:
        """Go back; a run that was started goes on."""
        self.app.pop_screen()
