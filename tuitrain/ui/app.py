"""The application: screens and how one leads to another, themes, commands to runs.

Screens ask it to open each other and to give commands; none knows another.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from rich.console import RenderableType
from rich.style import Style
from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from tuitrain.errors import RunBusyError, TuitrainError, UsageError
from tuitrain.lang import key_word, said, tr
from tuitrain.messages import Continue, Profile, Request, kind_of
from tuitrain.remote.client import Clients
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.watched import refuse_remote, refuse_watched
from tuitrain.supervisor.client import RunClient
from tuitrain.ui.bulk import COMMAND_LIMIT_S
from tuitrain.ui.clipboard import copy_text
from tuitrain.ui.feeds.machine import MachineFeed
from tuitrain.ui.gate import HAND_S, Gate, await_parts
from tuitrain.ui.notices import DesktopNotifier
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.terminal import (
    AsciiFilter,
    ColourlessFilter,
    followed,
    key_words,
    narrowed,
    switch_mouse,
)
from tuitrain.ui.themes import OWN_THEMES, picture_colours, span_styles
from tuitrain.view.chart.figure import TerminalStyle

if TYPE_CHECKING:
    from tuitrain.ui.feeds.results import KeptResults
    from tuitrain.ui.pictures.board import PictureBoard

_ALWAYS = frozenset({"ctrl+c", "ctrl+q"})
"""Leaving works whatever is in sight."""

_WATCHING = (
    "watched only: this list is of other programs' logs; `tuitrain` without a command shows your "
    "own runs, and starts new ones"
)


class TuitrainApp(App[int]):
    """The interface over one folder of runs."""

    TITLE = "tuitrain"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [
        Binding(
            "question_mark", "help", "help", id="app.help", tooltip="Show the keys that work here."
        ),
        Binding(
            "ctrl+c",
            "quit",
            "quit",
            show=False,
            priority=True,
            id="app.quit",
            tooltip="Leave the interface; runs keep running.",
        ),
        Binding(
            "ctrl+q",
            "quit",
            "quit",
            show=False,
            id="app.quit_too",
            tooltip="Leave the interface; runs keep running.",
        ),
    ]

    def __init__(
        self,
        root: Path,
        *,
        look: TerminalStyle,
        preferences: Preferences,
        data_dir: Path | None = None,
        first: Callable[["TuitrainApp"], None] | None = None,
        notifier: DesktopNotifier | None = None,
        watching: bool = False,
        machine: MachineFeed | None = None,
        mouse: bool | None = None,
        pictures: "PictureBoard | None" = None,
    ) -> None:
        """Show the runs below `root`.

        Args:
            root: the folder of all runs.
            look: what the terminal can show.
            preferences: what is remembered between starts.
            data_dir: where data sets are kept, when not the default.
            first: opens a screen above home at the start.
            notifier: how new alerts are told beside the screens.
            watching: the runs are logs of other programs, among which none is started.
            machine: reads the machine; None: the one that this program runs on.
            mouse: whether clicks are for the interface; None: as is remembered.
            pictures: draws curves on a terminal that shows pictures; None: of braille.
        """
        super().__init__()
        self.notifier = notifier or DesktopNotifier()
        self.root = root
        self.look = look
        self.data_dir = data_dir
        self.client = RunClient(root, data_dir=data_dir)
        self.clients = Clients(self.client)
        self.machine = machine or MachineFeed(root)
        self.span_styles: dict[str, Style] = {}
        self.preferences = preferences
        self.pictures = pictures
        self._pictures_due = False
        self._first = first
        self._watching = watching
        self._mouse = preferences.mouse if mouse is None else mouse
        self._gate = Gate()
        self._given: WeakKeyDictionary[events.Key, Screen[Any]] = WeakKeyDictionary()
        self._ascii = AsciiFilter(enabled=look.ascii)
        self._colourless = ColourlessFilter(enabled=not look.colour)
        for theme in OWN_THEMES:
            self.register_theme(theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let nothing through that the terminal can't show or the user does not want."""
        own = (self._colourless, self._ascii)
        return [*super().get_line_filters(), *(each for each in own if each.enabled)]

    def get_key_display(self, binding: Binding) -> str:
        """Return what a key is called: in words where its picture can't be shown."""
        shown = super().get_key_display(binding)
        return key_words(shown) if self.look.ascii else shown

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        update = narrowed(renderable)
        if self.pictures is not None:
            update = followed(update, self._painted)
        super()._display(screen, update)
        if screen is self.screen and renderable is not None and not self._batch_count:
            self._gate.painted(screen, time.monotonic())

    def on_mount(self) -> None:
        """Open home, and what the command line asked for."""
        from tuitrain.ui.screens.home.screen import HomeScreen

        self.theme = self.preferences.theme_among(self.available_themes)
        self.watch(self, "theme", self._use_theme)
        self.push_screen(HomeScreen())
        if self._first is not None:
            self._first(self)
        self.call_after_refresh(_in_background, _read_ahead)
        self.call_after_refresh(self.machine.start)

    @property
    def has_mouse(self) -> bool:
        """Whether clicks and the wheel are for the interface."""
        return self._mouse

    def on_unmount(self) -> None:
        """Read the machine no more, and leave no pictures to the terminal."""
        self.machine.close()
        if self.pictures is not None:
            self._write(self.pictures.clear())

    def _use_theme(self, name: str) -> None:
        self.span_styles = span_styles(self.available_themes[name], self.look.colour)
        self.preferences.remember_theme(name)
        for screen in self.screen_stack:
            screen.refresh(layout=True)
        self._paint_pictures(name)

    # --- curves as pictures ---------------------------------------------------------------------

    def _paint_pictures(self, theme: str) -> None:
        if self.pictures is None:
            return
        from tuitrain.ui.widgets.chartpanel import ChartPanel

        self.pictures.paint = picture_colours(self.available_themes[theme])
        for screen in self.screen_stack:
            for panel in screen.query(ChartPanel):
                panel.draw_again()

    def _painted(self, regions: Sequence[Region], laid_out: bool) -> str:
        board = self.pictures
        if board is None:
            return ""
        if laid_out:
            self.show_pictures()
        return board.painted(regions, whole=laid_out)

    def show_pictures(self) -> None:
        """Have the terminal show what pictures show now, as soon as it may be sent."""
        if self.pictures is not None and not self._pictures_due:
            self._pictures_due = True
            self.call_after_refresh(self._send_pictures)

    def _send_pictures(self) -> None:
        self._pictures_due = False
        board = self.pictures
        if board is None:
            return
        self._write(board.changes())
        if board.is_behind:
            self._pictures_due = True
            self.set_timer(board.waits_s, self._send_pictures)

    def _write(self, sequence: str) -> None:
        if sequence and self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    # --- screens --------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Take in an event; what was typed or clicked for another screen is left out."""
        if not isinstance(event, events.InputEvent) or not self.screen_stack:
            await super().on_event(event)
            return
        if self.pictures is not None:
            self.pictures.touch()
        if isinstance(self.screen, ModalScreen):
            await await_parts(self.screen)
        meant = self._as_meant(event)
        if meant is not None:
            await super().on_event(meant)

    def _as_meant(self, event: events.InputEvent) -> events.InputEvent | None:
        """Return what the screen in front is to get; None where it was meant for another one."""
        front = self.screen
        if not isinstance(event, events.Key):
            return event if self._gate.lets_through(front, event.time) else None
        if event.key in _ALWAYS:
            return event
        # A key comes twice: from the terminal, and from whom it was given to and did not take it.
        given = self._given.setdefault(event, front)
        if given is front:
            return event if self._gate.lets_through(front, event.time) else None
        # The key before this one opened a question, or closed a screen.
        return self._as_meant(event.copy()) if isinstance(front, ModalScreen) else None

    def _open(self, screen: Screen[Any], pause_s: float = 0.0) -> None:
        """Put a screen in front; once more for what a key asked for before that was in sight."""
        if not self._gate.expects(self.screen):
            self._gate.expect(screen, pause_s)
            self.push_screen(screen)

    @property
    def is_opening(self) -> bool:
        """Whether a screen was opened that is not in sight yet: what is typed is not for it."""
        return self._gate.expects(self.screen)

    def let_hand_rest(self, screen: Screen[Any]) -> None:
        """Take no key for a moment: whoever types does not see yet what the screen takes now."""
        self._gate.hold(screen, time.monotonic() + HAND_S)

    def open_run(self, directory: RunDirectory, *, late: bool = False) -> None:
        """Show a run.

        Args:
            directory: the run.
            late: no key was pressed for it just now, so whoever types does not see it coming.
        """
        from tuitrain.ui.screens.run import RunScreen

        self._open(RunScreen(directory), HAND_S if late else 0.0)

    def open_launch(
        self, preset: str, *, config: Path | None = None, checkpoint: Path | None = None
    ) -> None:
        """Show the form for a new run: of a preset by name, or with an old run's settings.

        Args:
            preset: a preset's name or file.
            config: the config.toml of a run whose settings to begin with.
            checkpoint: a file whose weights to begin with.
        """
        from tuitrain.ui.screens.launch import LaunchScreen

        if self._watching:
            self.tell(_WATCHING, "warning")
            return
        if config is not None and not self._is_here(RunDirectory(config.parent)):
            return
        self._open(LaunchScreen(preset, config=config, checkpoint=checkpoint))

    def open_log(self, directory: RunDirectory) -> None:
        """Show what a run's worker wrote."""
        from tuitrain.ui.screens.log import LogScreen

        self._open(LogScreen(directory))

    def open_workspace(self, directories: Sequence[RunDirectory]) -> None:
        """Show several runs over one grid of charts."""
        from tuitrain.ui.screens.workspace.screen import WorkspaceScreen

        self._open(WorkspaceScreen(directories))

    def open_sweeps(self, sweep: str = "") -> None:
        """Show a sweep by its id, or the newest."""
        from tuitrain.ui.screens.sweeps.screen import SweepScreen

        self._open(SweepScreen(sweep))

    def open_settings(self, directory: RunDirectory) -> None:
        """Show all settings of a run."""
        from tuitrain.ui.screens.settings import SettingsScreen

        self._open(SettingsScreen(directory))

    def open_checkpoints(self, directory: RunDirectory) -> None:
        """Show a run's checkpoints."""
        from tuitrain.ui.screens.checkpoints import CheckpointsScreen

        self._open(CheckpointsScreen(directory))

    def open_time(self, directory: RunDirectory) -> None:
        """Show where a run's time goes."""
        from tuitrain.ui.screens.time import TimeScreen

        self._open(TimeScreen(directory))

    def open_memory(self, directory: RunDirectory) -> None:
        """Show what fills the memory of a run's devices."""
        from tuitrain.ui.screens.memory import MemoryScreen

        self._open(MemoryScreen(directory))

    def open_layers(self, directory: RunDirectory) -> None:
        """Show what was measured of a run's layers."""
        from tuitrain.ui.screens.layers import LayersScreen

        self._open(LayersScreen(directory))

    def open_machine(self, directory: RunDirectory | None = None) -> None:
        """Show what the GPUs and the host do; the run that one comes from stands out."""
        from tuitrain.ui.screens.machine import MachineScreen

        self._open(MachineScreen(directory.id if directory is not None else ""))

    def open_alerts(self, directory: RunDirectory) -> None:
        """Show what called for attention in a run."""
        from tuitrain.ui.screens.alerts import AlertsScreen

        self._open(AlertsScreen(directory))

    def open_profile(self, directory: RunDirectory, wanted: Profile | None = None) -> None:
        """Show a run's profiles; with `steps` order one of so many steps first."""
        from tuitrain.ui.screens.profile import ProfileScreen

        if not self._is_here(directory):
            return
        self._open(ProfileScreen(directory, wanted))

    @cached_property
    def kept_results(self) -> "KeptResults":
        """The evaluations of this session."""
        from tuitrain.ui.feeds.results import KeptResults

        return KeptResults()

    def open_results(self, directory: RunDirectory) -> None:
        """Show what an evaluation of a run's checkpoint gives, or without one its images."""
        from tuitrain.ui.feeds.results import Source, has_samples_alone
        from tuitrain.ui.screens.results.screen import ResultsScreen
        from tuitrain.ui.screens.samples import SamplesScreen

        if has_samples_alone(directory):
            self._open(SamplesScreen(directory))
        elif self._is_own(directory):
            source = Source(directory, self.kept_results, data_dir=self.data_dir)
            self._open(ResultsScreen(source))

    def open_uses(self, directory: RunDirectory) -> None:
        """Show what can be done with a run's model by a command."""
        from tuitrain.ui.screens.results.uses import UseMenu

        if self._is_own(directory):
            self._open(UseMenu(directory))

    def _is_here(self, directory: RunDirectory) -> bool:
        """Return whether a run's files are here; say why not what needs them can't be done."""
        try:
            refuse_remote(directory)
        except TuitrainError as error:
            self._tell_error(error)
            return False
        return True

    def _is_own(self, directory: RunDirectory) -> bool:
        """Return whether a run is of this program; say why not what needs that can't be done."""
        try:
            refuse_remote(directory)
            refuse_watched(directory)
        except TuitrainError as error:
            self._tell_error(error)
            return False
        return True

    def action_machine(self) -> None:
        """Show the machine."""
        self.open_machine()

    def action_mouse(self) -> None:
        """Let clicks be for the interface, or for the terminal; remembered."""
        self._mouse = not self._mouse
        self.preferences.remember_mouse(self._mouse)
        now = switch_mouse(self._driver, self._mouse)
        whose = "for the interface" if self._mouse else "for the terminal, which selects text"
        self.tell(f"the mouse is {whose}{'' if now else ', from the next start on'}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave letters to who types them."""
        if action == "machine":
            return not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def action_help(self) -> None:
        """Show the keys of the screen in front."""
        from tuitrain.ui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    async def action_quit(self) -> None:
        """Leave; runs go on."""
        self.exit(0)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Put every action of the screen in front into the command palette."""
        yield SystemCommand(tr("Theme"), tr("Change the colours"), self.action_change_theme)
        mouse = (
            tr("Leave the mouse to the terminal, to select text")
            if self._mouse
            else tr("Let clicks and the wheel be for the interface")
        )
        yield SystemCommand(tr("Mouse"), mouse, self.action_mouse)
        yield SystemCommand(
            tr("Quit"), tr("Leave the interface; runs keep running"), self.action_quit
        )
        seen: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and active.enabled and binding.action not in seen:
                seen.add(binding.action)
                yield SystemCommand(
                    key_word(binding.description).capitalize(),
                    tr(binding.tooltip) or f"{tr('key')} {self.get_key_display(binding)}",
                    lambda action=binding.action, node=active.node: self.run_action(action, node),
                )

    # --- commands to runs -----------------------------------------------------------------------

    def order(self, directory: RunDirectory, request: Request) -> None:
        """Give a live run a command; what becomes of it is shown when it is known."""
        _in_background(lambda: self._order(directory, request))

    def _order(self, directory: RunDirectory, request: Request) -> None:
        try:
            number = self.clients.of(directory).send(directory, request)
            self._await_answer(directory, number, request)
        except (TuitrainError, OSError) as error:
            self._tell_error(error)

    def _await_answer(self, directory: RunDirectory, number: int, request: Request) -> None:
        kind = kind_of(request)
        answer = self.clients.of(directory).wait_for_answer(
            directory,
            number,
            timeout_s=COMMAND_LIMIT_S,
            tell=lambda why: self.tell(f"{directory.id}: {kind} waits: {why}", "warning"),
        )
        done = answer.outcome == "done"
        self.tell(answer.text, "information" if done else "warning")

    def _tell_error(self, error: Exception) -> None:
        self.tell(str(error), "warning" if isinstance(error, RunBusyError) else "error")

    def resume_run(self, directory: RunDirectory, checkpoint: str = "") -> None:
        """Go on with a run: tell it when it lives, else start a supervisor for it.

        Args:
            directory: the run.
            checkpoint: a file of it to go back to, its path relative to the run; empty: the newest.
        """
        _in_background(lambda: self._resume(directory, checkpoint))

    def _resume(self, directory: RunDirectory, checkpoint: str) -> None:
        try:
            client = self.clients.of(directory)
            command = client.resume(directory, checkpoint=checkpoint)
            if command is not None:
                self._await_answer(directory, command, Continue())
                return
            self.tell(f"{directory.id}: resuming", "information")
            state = client.wait_for_start(directory)
        except (TuitrainError, OSError) as error:
            self._tell_error(error)
            return
        if state.state == "failed":
            self.tell(f"{directory.id} failed: {state.reason}", "error")

    def do_and_tell(self, work: Callable[[], str]) -> None:
        """Do what may take a while beside the screen, and show what it says of how it went."""

        def do() -> None:
            try:
                self.tell(work())
            except (TuitrainError, OSError) as error:
                self._tell_error(error)

        _in_background(do)

    def copy(self, text: str, what: str) -> None:
        """Copy a text, and say where it is then; `what` is what it is called."""
        _in_background(lambda: self._copy(text, what))

    def _copy(self, text: str, what: str) -> None:
        try:
            done = copy_text(text, self._send, self.preferences.copied_path, os.environ)
        except UsageError as error:
            self.tell(f"{what} {error}", "warning")
            return
        self.tell(f"{what} {done}")

    def _send(self, sequence: str) -> None:
        """Write to the terminal, from any thread; Textual's driver is its only writer."""
        self.call_later(self._write, sequence)

    def tell(self, text: str, severity: str = "information") -> None:
        """Show a few words for some seconds; may be called from any thread.

        Args:
            text: in English, or already in the language that is spoken.
            severity: of Textual's notices.
        """
        # Markup off: what a run says of itself must stay text.
        self.notify(said(text), severity=severity, markup=False)  # type: ignore[arg-type]


def _read_ahead() -> None:
    """Load what opening a run needs, while the user looks at the first screen."""
    import tuitrain.ui.screens.run  # noqa: F401
    from tuitrain.view.chart import canvas

    canvas.read_ahead()


def _in_background(work: Callable[[], None]) -> None:
    """Do what may take minutes; the interface can't end before Textual's own threads have."""
    threading.Thread(target=work, daemon=True).start()
