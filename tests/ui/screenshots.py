"""Makes pictures of the screens, from real runs.

    python -m tests.ui.screenshots                  those of the README and of the help, as SVG
    python -m tests.ui.screenshots --every FOLDER   every screen in every look, to be looked at
    python -m tests.ui.screenshots --runs FOLDER    keep the runs there, or take those of last time

Trains presets, profiles one of them, opens each screen in Textual's headless driver and saves it.
Every look is dark, light, for the colour-blind, in the 16 colours of old terminals, and in ASCII
without colours; those are PNG too where there is a Chromium to draw them.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.pilot import Pilot

from tests.ui.screens import screen_text, wait_for, wait_for_text
from tuitrain.runs.listing import find_run
from tuitrain.ui import app as app_module
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.themes import COLOUR_BLIND, DARK, LIGHT
from tuitrain.view.chart.figure import TerminalStyle

FOLDER = Path(__file__).parent / "screenshots"
SIZE = (120, 34)
_SHOWN = ("home", "launch", "run", "workspace", "checkpoints", "memory", "time", "profile",
          "results")  # fmt: skip
"""In the README and in the help."""
_ON_PAGE = ("home", "launch", "run", "memory", "time")
"""In the README, for pages that are dark and for those that are light."""
_SETTLE_S = 3.0
_UNTIL = {"launch": "an epoch", "results": "INTERVAL", "classes": "INTERVAL"}
"""What stands there once a worker has warmed up, or a process has evaluated."""
_KEYS = {
    "results": ("3", "tab"),
    "classes": ("2",),
    "help": ("question_mark",),
    "cursor": ("i",),
    "zoomed": ("z",),
    "question": ("slash",),
    "differences": ("d",),
    "flame": ("f",),
}
"""Pressed once all is there."""
_XTERM = (
    "#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5",
    "#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff",
)  # fmt: skip
_RUNS = {
    "mlp-20-epochs": ("digits-mlp", "train.epochs=20"),
    "cnn-seed-1": ("digits-cnn", "train.seed=1"),
}
_PIXELS = (1480, 880)
Opened = Callable[[TuitrainApp], None]


@dataclass(frozen=True)
class Look:
    """How a terminal shows a screen."""

    theme: str = DARK.name
    style: TerminalStyle = field(default_factory=TerminalStyle)
    sixteen: bool = False


LOOKS: Mapping[str, Look] = {
    "dark": Look(),
    "light": Look(LIGHT.name),
    "colour-blind": Look(COLOUR_BLIND.name),
    "16-colours": Look(sixteen=True),
    "ascii": Look(style=TerminalStyle(ascii=True, colour=False)),
}


class _Sixteen(LineFilter):
    """Takes the nearest of 16 colours, as what writes to an old terminal does."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            Segment(text, _in_sixteen(style) if style else style, control)
            for text, style, control in segments
        ]


def _in_sixteen(style: Style) -> Style:
    return style + Style(color=_nearest(style.color), bgcolor=_nearest(style.bgcolor))


def _nearest(colour: RichColor | None) -> RichColor | None:
    """Return the nearest of 16 colours, as xterm has them; others have other tones of the same."""
    number = None if colour is None else colour.downgrade(ColorSystem.STANDARD).number
    return None if number is None else RichColor.parse(_XTERM[number])


class _ShownApp(TuitrainApp):
    """The interface on a terminal of few colours, or on one of many."""

    # Else it would be looked for beside this file.
    CSS_PATH = Path(app_module.__file__).with_name("app.tcss")
    sixteen = False

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *([_Sixteen()] if self.sixteen else [])]


def main() -> None:
    """Train, open, save."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--every", type=Path, metavar="FOLDER")
    asked.add_argument("--runs", type=Path, metavar="FOLDER")
    asked.add_argument("--only", nargs="+", metavar="SCREEN", default=())
    asked.add_argument("--looks", nargs="+", choices=LOOKS, default=LOOKS)
    options = asked.parse_args()
    with _folder(options.runs) as folder:
        root = folder / "runs"
        if not root.exists():
            _train(root)
        # Where runs are unless said otherwise: no command that is shown names this folder.
        os.environ["TUITRAIN_RUNS"] = str(root)
        screens = _screens(root)
        wanted = options.only or (screens if options.every else _SHOWN)
        for name in wanted:
            if options.every:
                for look in options.looks:
                    path = options.every / f"{name}-{look}.svg"
                    _picture(asyncio.run(_save(path, name, root, screens[name], LOOKS[look])))
                continue
            asyncio.run(_save(FOLDER / f"{name}.svg", name, root, screens[name], Look()))
            if name in _ON_PAGE:
                light = FOLDER / f"{name}-light.svg"
                asyncio.run(_save(light, name, root, screens[name], LOOKS["light"]))


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch)


def _train(root: Path) -> None:
    for name, (preset, change) in _RUNS.items():
        _call("run", preset, root, "--set", change, "--name", name)
    _call("run", "digits-cnn", root, "--set", "train.epochs=2000", "--detach", "--name", "long")
    _call("layers", "long", root, "--every", "20")
    _call("profile", "long", root, "--steps", "20")
    _call("stop", "long", root)
    # Last: two runs on one machine make each other slow.
    rates = "optimizer.lr=1e-4,1e-3,1e-2"
    _call("run", "digits-mlp", root, "--set", rates, "--set", "train.epochs=4", "--detach")


def _screens(root: Path) -> dict[str, Opened]:
    mlp, cnn, long = (find_run(root, name) for name in (*_RUNS, "long"))
    both = [cnn, mlp]
    return {
        "home": lambda _app: None,
        "launch": lambda app: app.opener.open_launch("digits-cnn"),
        "run": lambda app: app.opener.open_run(cnn),
        "cursor": lambda app: app.opener.open_run(cnn),
        "zoomed": lambda app: app.opener.open_run(cnn),
        "question": lambda app: app.opener.open_run(cnn),
        "help": lambda app: app.opener.open_run(cnn),
        "workspace": lambda app: app.opener.open_workspace(both),
        "differences": lambda app: app.opener.open_workspace(both),
        "checkpoints": lambda app: app.opener.open_of_run("checkpoints", cnn),
        "memory": lambda app: app.opener.open_of_run("memory", long),
        "time": lambda app: app.opener.open_of_run("time", cnn),
        "layers": lambda app: app.opener.open_of_run("layers", long),
        "profile": lambda app: app.opener.open_profile(long),
        "flame": lambda app: app.opener.open_profile(long),
        "results": lambda app: app.opener.open_results(mlp),
        "classes": lambda app: app.opener.open_results(mlp),
        "uses": lambda app: app.opener.open_uses(mlp),
        "settings": lambda app: app.opener.open_of_run("settings", cnn),
        "alerts": lambda app: app.opener.open_of_run("alerts", long),
        "log": lambda app: app.opener.open_of_run("log", cnn),
        "machine": lambda app: app.opener.open_machine(cnn),
        "sweep": lambda app: app.opener.open_sweeps(),
    }


def _call(command: str, what: str, root: Path, *options: str) -> None:
    words = [sys.executable, "-m", "tuitrain", command, what, *options, "--runs-dir", str(root)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


async def _save(path: Path, name: str, root: Path, opened: Opened, look: Look) -> Path:
    preferences = Preferences(root.parent / "interface.toml")
    preferences.remember_theme(look.theme)
    app = _ShownApp(root, look=look.style, preferences=preferences, first=opened)
    app.sixteen = look.sixteen
    async with app.run_test(size=SIZE) as pilot:
        await wait_for_text(pilot, _UNTIL.get(name, ""))
        await _settle(pilot, _SETTLE_S)
        for key in _KEYS.get(name, ()):
            await pilot.press(key)
            await _settle(pilot, _SETTLE_S)
        await wait_for(pilot, lambda: "being read" not in screen_text(app), "a sample")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(app.export_screenshot(title=f"tuitrain: {name}"), encoding="utf-8")
    return path


async def _settle(pilot: Pilot[int], for_s: float) -> None:
    """Let threads read and the screen follow."""
    for _ in range(round(for_s / 0.1)):
        await pilot.pause(0.1)


def _picture(path: Path) -> None:
    """Draw an SVG file as PNG beside it, where there is what can."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return
    width, height = _PIXELS
    command = [
        chromium, "--headless", "--no-sandbox", "--hide-scrollbars",
        f"--window-size={width},{height}",
        f"--screenshot={path.with_suffix('.png')}", path.resolve().as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
