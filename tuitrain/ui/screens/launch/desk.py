"""Where a run is made: its settings, what they amount to, and its start.

Puts the parts together, and locks them while the run starts; knows no key and no other screen.
"""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from tuitrain.lang import said, tr
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.ui.feeds.delivery import pass_through
from tuitrain.ui.launch.command import run_command, untrusted
from tuitrain.ui.screens.launch.estimate import MakeStarter, RunEstimate
from tuitrain.ui.screens.launch.form import LaunchForm
from tuitrain.ui.screens.launch.start import StartPanel
from tuitrain.ui.shell import app_of
from tuitrain.ui.widgets.topline import TopLine
from tuitrain.view.format import sanitise
from tuitrain.view.spans import Span

_STACKED_BELOW = 76
_NARROW_BELOW = 100
"""Below this the hints give way to the values."""


class LaunchTop(TopLine):
    """What is launched, and how that stands."""

    def __init__(self, preset: str, config: Path | None) -> None:
        """Name a preset, and the run whose settings it has."""
        super().__init__()
        self._preset = preset
        self._config = config

    def say(self, text: str, style: str = "") -> None:
        """Say how things stand."""
        left = [Span(tr(" launch "), "quiet"), Span(sanitise(self._preset), "title")]
        if self._config is not None:
            run = sanitise(self._config.parent.name)
            left.append(Span(tr(" from run {name}", name=run), "quiet"))
        self.show_parts(tuple(left), (Span(sanitise(text), style), Span(" ")))


class LaunchDesk(Vertical):
    """The parts of the form for a new run."""

    DEFAULT_CSS = """
    LaunchDesk #columns { height: 1fr; }
    LaunchDesk #left { width: 3fr; height: 1fr; }
    LaunchDesk #right { width: 2fr; height: 1fr; }
    LaunchDesk #columns.stacked { layout: vertical; }
    LaunchDesk #columns.stacked #left { width: 1fr; height: 2fr; }
    LaunchDesk #columns.stacked #right { width: 1fr; height: 1fr; }
    """

    def __init__(
        self,
        preset: str,
        config: Path | None,
        checkpoint: Path | None,
        make_worker: MakeStarter,
    ) -> None:
        """Lay out the parts, whose arguments these are."""
        super().__init__()
        self.config = config
        """The config.toml of the run whose settings these are; None: a preset's."""
        self._typed_in: Widget | None = None
        self.top = LaunchTop(preset, config)
        self.form = LaunchForm(preset, config, checkpoint)
        self.estimate = RunEstimate(make_worker)
        self.start_panel = StartPanel()
        self._columns = Horizontal(self.form, self.estimate, id="columns")
        self.locked = False
        """Whether a run is being started with what stands here."""

    def compose(self) -> ComposeResult:
        """Lay the parts out."""
        yield self.top
        yield self._columns
        yield self.start_panel

    def on_mount(self) -> None:
        """Let Enter start the run."""
        self.top.say("")
        self.start_panel.button.focus()

    def fit(self, width: int) -> None:
        """Arrange the columns for the room there is."""
        self._columns.set_class(width < _STACKED_BELOW, "stacked")
        self.form.narrow(_STACKED_BELOW <= width < _NARROW_BELOW)

    def show(self) -> None:
        """Show everything in the room there is."""
        self.form.show()
        self.estimate.show()
        self.start_panel.show_command(self.command())

    # --- the settings ---------------------------------------------------------------------------

    @on(LaunchForm.Refused)
    def _refused(self) -> None:
        self.top.say(tr("can't be launched"), "bad")

    @on(LaunchForm.Begun)
    def _begun(self) -> None:
        opened = self.form.opened
        if opened is not None:
            if opened.typed:
                self.top.say(tr("out of memory before: settings that fit"), "alert")
            self._changed()

    @on(LaunchForm.Changed)
    def _edited(self) -> None:
        """Take back what was said of settings that are other ones now."""
        if self.start_panel.attempt is None and not self.form.trouble:
            self.top.say("")
        self._changed()

    def _changed(self) -> None:
        if self.form.opened is not None:
            self.estimate.know(self.form.opened, self.form.checked)
        self.start_panel.show_command(self.command())

    @on(RunEstimate.Reported)
    def _offer_devices(self) -> None:
        self.form.offer(self.estimate.report.devices)

    def command(self) -> list[str]:
        """Return the command that starts the same run; none while the settings are at fault."""
        opened, preset = self.form.opened, self.form.checked.preset
        if opened is None or preset is None or self.form.name_fault:
            return []
        app = app_of(self)
        return run_command(opened, preset, self.form.run_name, app.root, app.data_dir)

    # --- the start ------------------------------------------------------------------------------

    def start(self, wish: Wish | None = None) -> None:
        """Start the run with all that was typed, at once or when what it wishes for is free."""
        self._typed_in = self.screen.focused
        self._lock(True)
        pass_through(self._typed_in, lambda: self._start(wish))

    def _lock(self, locked: bool) -> None:
        """Let nobody change what is being started, or let them again."""
        self.locked = locked
        button = self.start_panel.button
        if locked:
            self.screen.set_focus(button)
        self.form.disabled = locked
        button.show_starting(locked)
        if not locked and self._typed_in is not None and self._typed_in.focusable:
            self.screen.set_focus(self._typed_in)
        self.screen.refresh_bindings()

    def _start(self, wish: Wish | None) -> None:
        form, starter = self.form, self.estimate.starter
        preset, opened = form.checked.preset, form.opened
        if preset is None or opened is None or starter is None or form.name_fault:
            self._lock(False)
            self.top.say(tr("can't start: see what is marked"), "bad")
            return
        if refused := untrusted(preset, self.config):
            self._fail(refused)
            return
        form.trouble = ""
        form.show()
        self.top.say(tr("starting"), "live")
        self.start_panel.begin(preset, starter, form.run_name, opened.path.parent, wish)

    @on(StartPanel.Reported)
    def _starting(self, event: StartPanel.Reported) -> None:
        self.top.say(event.words, "live")

    @on(StartPanel.Failed)
    def _failed(self, event: StartPanel.Failed) -> None:
        self._fail(event.reason)
        app_of(self).gate.let_hand_rest(self.screen)
        # The warm worker is spent: the next try gets another one.
        self.estimate.warm_up()

    def _fail(self, reason: str) -> None:
        self._lock(False)
        self.form.trouble = tr("not started: {reason}", reason=said(reason))
        self.form.show()
        self.top.say(tr("not started"), "bad")
