"""`tuitrain` and `tuitrain attach`: the interface in the terminal.

Knows how it is started and left, not what it shows.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from tuitrain import lang
from tuitrain.cli import output
from tuitrain.cli.options import RunArgument, RunsDir
from tuitrain.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from tuitrain.config.user import UserConfig
    from tuitrain.remote.registry import Hosts
    from tuitrain.ui.app import TuitrainApp
    from tuitrain.ui.pictures.board import PictureBoard
    from tuitrain.ui.preferences import Preferences
    from tuitrain.view.chart.figure import TerminalStyle

Ascii = Annotated[
    bool, typer.Option("--ascii", help="Draw with ASCII alone, whatever the terminal can show.")
]

NoMouse = Annotated[
    bool,
    typer.Option("--no-mouse", help="Leave the mouse to the terminal, so that it selects text."),
]

AskedPictures = Annotated[
    Literal["auto", "kitty", "sixel", "off"] | None,
    typer.Option(
        "--graphics",
        help="How to draw curves: as pictures where the terminal has them (auto), by kitty's "
        "protocol, as sixels, or of braille (off); remembered.",
        show_default="as last time, at first off",
    ),
]


_QUIET_S = 0.2
"""So long leaving waits without a word; what is asked for takes milliseconds."""
_PATIENCE_S = 20.0
"""So long with one: a host that does not answer is given up after less."""


class Left(SystemExit):
    """The interface was left; the process is to end by `leave`."""


def leave(left: Left) -> NoReturn:
    """End the process, with its exit code, and without what an interpreter does at its end.

    Threads that read go on to the last. An interpreter that ends would unwind each through whatever
    extension it is in, and C++ and Rust abort the process at that.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(left.code if isinstance(left.code, int) else EXIT_FAILED)


def attach(
    run: RunArgument,
    runs_dir: RunsDir = None,
    ascii: Ascii = False,
    no_mouse: NoMouse = False,
    graphics: AskedPictures = None,
) -> None:
    """Watch and control a run in the interface."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run

    root = runs_root(runs_dir)
    directory = find_run(root, run)
    open_interface(
        root, ascii=ascii, no_mouse=no_mouse, graphics=graphics,
        first=lambda app: app.opener.open_run(directory),
    )  # fmt: skip


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(attach)


def open_interface(
    root: Path,
    *,
    ascii: bool = False,
    no_mouse: bool = False,
    graphics: AskedPictures = None,
    data_dir: Path | None = None,
    hosts: "Hosts | None" = None,
    first: "Callable[[TuitrainApp], None] | None" = None,
    watching: bool = False,
) -> NoReturn:
    """Show the interface until it is left.

    Raises:
        UsageError: there is no terminal that can show it, or the user's configuration is at fault.
        Left: it was left; carries the exit code.
    """
    import asyncio

    from tuitrain.ui.terminal import TerminalGuard, check_terminal, needs_ascii

    check_terminal()
    from tuitrain.config.folders import config_directory
    from tuitrain.ui.app import TuitrainApp
    from tuitrain.ui.notices import DesktopNotifier
    from tuitrain.ui.preferences import Preferences
    from tuitrain.view.chart.figure import TerminalStyle

    config = _user_config()
    notifier = DesktopNotifier(config.notify if config is not None else None)
    guard = TerminalGuard()
    guard.end_at_signals()
    look = TerminalStyle(ascii=ascii or needs_ascii(), colour=not os.environ.get("NO_COLOR"))
    fault = speak(config, ascii=look.ascii)
    preferences = Preferences(config_directory() / "interface.toml")
    pictures = _pictures(look, preferences, graphics)
    app = TuitrainApp(
        root,
        look=look,
        preferences=preferences,
        data_dir=data_dir,
        hosts=hosts,
        first=partial(_begin, fault, first),
        notifier=notifier,
        watching=watching,
        mouse=False if no_mouse else None,
        pictures=pictures,
    )
    # A loop of our own: asyncio's way to run one ends with waiting for all that threads read.
    app.run(mouse=app.has_mouse, loop=asyncio.new_event_loop())
    done = _finish(app)
    # Textual returns as if all were well after an error in a handler.
    raise Left(app.return_code or (0 if done else EXIT_FAILED))


def _finish(app: "TuitrainApp") -> bool:
    """Return whether all is done that the user asked for, once it is or takes too long."""
    if app.work.wait(_QUIET_S):
        return True
    output.say("what you asked for last is still being done; Ctrl-C leaves it undone")
    if app.work.wait(_PATIENCE_S):
        return True
    output.say(f"tuitrain: what you asked for last was not done within {_PATIENCE_S:.0f} s")
    return False


def speak(config: "UserConfig | None" = None, *, ascii: bool) -> str:
    """Choose the language; return why it is not the one that was asked for.

    Args:
        config: the user's; None: it is read, where there is one.
        ascii: nothing but ASCII can be shown.

    Raises:
        UsageError: the configuration is at fault.
    """
    config = config or _user_config()
    choice = lang.choose(config.interface.language if config is not None else "")
    if ascii and choice.name != lang.ENGLISH:
        return "in English: what it is shown on, or --ascii, has ASCII characters alone"
    lang.speak(choice.name)
    return f"{choice.fault}; this is in English" if choice.fault else ""


def _begin(fault: str, first: "Callable[[TuitrainApp], None] | None", app: "TuitrainApp") -> None:
    """Open what the command line asked for, and say what of it can't be."""
    if first is not None:
        first(app)
    if fault:
        app.tell(fault, "warning")


def _pictures(
    look: "TerminalStyle", preferences: "Preferences", asked: AskedPictures
) -> "PictureBoard | None":
    """Return what draws curves as pictures; None where they are text.

    Raises:
        UsageError: pictures were asked for now, and can't be shown.
    """
    wanted = preferences.graphics if asked is None else asked
    if wanted == "off":
        preferences.remember_graphics("off")
        return None
    from tuitrain.ui.pictures.asking import Shown, choose
    from tuitrain.ui.pictures.board import PictureBoard
    from tuitrain.ui.themes import OWN_THEMES, picture_colours

    plain = look.ascii or not look.colour
    shown = (
        Shown(None, why_not="without colours or with ASCII alone there are no pictures")
        if plain
        else choose(wanted, os.environ, sys.stdin.fileno(), sys.stderr.fileno())
    )
    if asked is not None and asked != "auto" and shown.kind is None:
        raise UsageError(f"--graphics {asked}: {shown.why_not}")
    if asked is not None:
        preferences.remember_graphics(asked)
        if shown.kind is None:
            output.say(f"curves are drawn of braille: {shown.why_not}")
    if shown.kind is None:
        return None
    # Where it shows pictures it has all colours, of which one tells a picture from another.
    os.environ["COLORTERM"] = "truecolor"
    return PictureBoard(shown.kind, shown.cell, picture_colours(OWN_THEMES[0]))


def _user_config() -> "UserConfig | None":
    """Return the user's configuration; None where there is none.

    Raises:
        UsageError: it is at fault.
    """
    from tuitrain.config.folders import has_user_config

    if not has_user_config():
        # What checks it takes a tenth of the time to the first screen.
        return None
    from tuitrain.config.user import load_user_config

    return load_user_config()
