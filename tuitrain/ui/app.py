"""The application: its parts, what it takes from the terminal and gives to it, its own keys.

Screens ask its parts to open each other and to give commands; none knows another.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.style import Style
from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter
from textual.screen import ModalScreen, Screen
from textual.theme import ThemeProvider
from textual.widgets import Input

from tuitrain.lang import said, tr
from tuitrain.remote.client import Clients
from tuitrain.remote.registry import Hosts
from tuitrain.supervisor.client import RunClient
from tuitrain.ui.background import BackgroundWork, in_background
from tuitrain.ui.clipboard import Copier
from tuitrain.ui.feeds.machine import MachineFeed
from tuitrain.ui.gate import Gate, await_parts, is_for_bindings
from tuitrain.ui.notices import DesktopNotifier
from tuitrain.ui.opener import Opener
from tuitrain.ui.palette import screen_commands
from tuitrain.ui.pictures.sender import PictureSender
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.run_commands import RunCommands
from tuitrain.ui.terminal import (
    AsciiFilter,
    ColourlessFilter,
    Palette,
    followed,
    key_words,
    narrowed,
    switch_mouse,
    write_to,
)
from tuitrain.ui.themes import OWN_THEMES, picture_colours, span_styles
from tuitrain.view.chart.figure import TerminalStyle

if TYPE_CHECKING:
    from tuitrain.ui.pictures.board import PictureBoard

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
        hosts: Hosts | None = None,
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
            hosts: whose runs are shown as well; the caller closes them.
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
        self.hosts = hosts or Hosts()
        self.clients = Clients(self.client, self.hosts)
        self.machine = machine or MachineFeed(root)
        self.span_styles: dict[str, Style] = {}
        self.preferences = preferences
        self.pictures = (
            PictureSender(pictures, self._write, self.call_after_refresh, self.set_timer)
            if pictures is not None
            else None
        )
        self.gate = Gate()
        self.work = BackgroundWork(self.tell, partial(self.call_later, _raise))
        self.key_in_hand = ""
        """The character of the key whose action runs: one action may take several keys."""
        self.commands = RunCommands(self.clients, self.work)
        self.opener = Opener(
            self.push_screen,
            lambda: self.screen,
            self.gate,
            self.work,
            self.hosts,
            data_dir=data_dir,
            why_none_starts=_WATCHING if watching else "",
        )
        # From any thread.
        write = partial(self.call_later, self._write)
        self.copier = Copier(write, preferences.copied_path, os.environ, self.work)
        self.has_mouse = preferences.mouse if mouse is None else mouse
        """Whether clicks and the wheel are for the interface."""
        self._first = first
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
            update = followed(update, self.pictures.painted)
        # Before it is written: who sees it may answer before this goes on.
        now = time.monotonic()
        super()._display(screen, update)
        if screen is self.screen and renderable is not None and not self._batch_count:
            self.gate.painted(screen, now)

    def on_mount(self) -> None:
        """Open home, and what the command line asked for."""
        from tuitrain.ui.screens.home.screen import HomeScreen

        self.theme = self.preferences.theme_among(self.available_themes)
        self.watch(self, "theme", self._use_theme)
        self.push_screen(HomeScreen())
        if self._first is not None:
            self._first(self)
        self.call_after_refresh(in_background, _read_ahead)
        self.call_after_refresh(self.machine.start)

    def on_unmount(self) -> None:
        """Read the machine no more, and leave no pictures to the terminal."""
        self.machine.close()
        if self.pictures is not None:
            self.pictures.clear()

    def _use_theme(self, name: str) -> None:
        self.span_styles = span_styles(self.available_themes[name], self.look.colour)
        self.preferences.remember_theme(name)
        for screen in self.screen_stack:
            screen.refresh(layout=True)
        if self.pictures is not None:
            from tuitrain.ui.widgets.chartpanel import redraw_charts

            self.pictures.board.paint = picture_colours(self.current_theme)
            redraw_charts(self.screen_stack)

    def _write(self, sequence: str) -> None:
        write_to(self._driver, sequence)

    async def on_event(self, event: events.Event) -> None:
        """Take in an event; what was typed or clicked for another screen is left out."""
        if not isinstance(event, events.InputEvent) or not self.screen_stack:
            await super().on_event(event)
            return
        if self.pictures is not None:
            self.pictures.board.touch()
        if isinstance(self.screen, ModalScreen):
            await await_parts(self.screen)
        meant = self.gate.as_meant(event, self.screen)
        if meant is not None:
            if isinstance(meant, events.Key):
                # Bindings are looked up below; keys come faster than screens see to them.
                self.key_in_hand = meant.character or ""
                if await is_for_bindings(meant, self.focused) and await self._bound(meant.key):
                    return
            await super().on_event(meant)

    async def _bound(self, key: str) -> bool:
        """Do what a key is bound to; say whether it is."""
        first = await self._check_bindings(key, priority=True)
        return first or await self._check_bindings(key)

    def tell(self, text: str, severity: str = "information") -> None:
        """Show a few words for some seconds; may be called from any thread.

        Args:
            text: in English, or already in the language that is spoken.
            severity: of Textual's notices.
        """
        # Markup off: what a run says of itself must stay text.
        self.notify(said(text), severity=severity, markup=False)  # type: ignore[arg-type]

    # --- keys -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave letters to who types them."""
        if action == "machine":
            return not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def action_machine(self) -> None:
        """Show the machine."""
        self.opener.open_machine()

    def action_mouse(self) -> None:
        """Let clicks be for the interface, or for the terminal; remembered."""
        self.has_mouse = not self.has_mouse
        self.preferences.remember_mouse(self.has_mouse)
        now = switch_mouse(self._driver, self.has_mouse)
        whose = "for the interface" if self.has_mouse else "for the terminal, which selects text"
        self.tell(f"the mouse is {whose}{'' if now else ', from the next start on'}")

    def action_command_palette(self) -> None:
        """Show all that can be done here, to be searched."""
        if not isinstance(self.screen, Palette):
            self.push_screen(
                Palette(placeholder=tr("Search for commands…"), id="--command-palette")
            )

    def search_themes(self) -> None:
        """Show all themes, to be searched."""
        self.push_screen(Palette([ThemeProvider], placeholder=tr("Search for themes…")))

    def action_help(self) -> None:
        """Show the keys of the screen in front."""
        from tuitrain.ui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Put every action of the screen in front into the command palette."""
        yield SystemCommand(tr("Theme"), tr("Change the colours"), self.action_change_theme)
        mouse = (
            tr("Leave the mouse to the terminal, to select text")
            if self.has_mouse
            else tr("Let clicks and the wheel be for the interface")
        )
        yield SystemCommand(tr("Mouse"), mouse, self.action_mouse)
        yield SystemCommand(
            tr("Quit"), tr("Leave the interface; runs keep running"), self.action_quit
        )
        yield from screen_commands(screen, self.run_action, self.get_key_display)


def _raise(error: Exception) -> None:
    """Let what nobody foresaw in a thread end the interface as any other does."""
    raise error


def _read_ahead() -> None:
    """Load what opening a run needs, while the user looks at the first screen."""
    import tuitrain.ui.screens.run  # noqa: F401
    from tuitrain.view.chart import canvas

    canvas.read_ahead()
