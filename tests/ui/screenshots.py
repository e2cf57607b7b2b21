"""Makes the README's screenshots anew, from real runs: `python tests/ui/screenshots.py`.

Trains presets in a temporary folder, profiles one of them, opens each screen in Textual's headless
driver and saves it as SVG beside this file.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from tuitrain.runs.listing import find_run
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.themes import DEFAULT_THEME, LIGHT
from tuitrain.view.chart.figure import TerminalStyle

FOLDER = Path(__file__).parent / "screenshots"
SIZE = (120, 34)
_ON_PAGE = ("home", "launch", "run", "memory", "time")
"""In the README, for pages that are dark and for those that are light."""
_SETTLE_S = 3.0
_WAIT_S = {"launch": 8.0, "results": 30.0}
"""For a worker that warms up, and for a process that evaluates."""
_KEYS = {"results": ("3", "tab")}
"""Pressed once all is there."""


def main() -> None:
    """Train, open, save."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "runs"
        for preset, change in (("digits-mlp", "train.epochs=20"), ("digits-cnn", "train.seed=1")):
            _call("run", preset, root, "--set", change)
        runs = [find_run(root, name) for name in ("digits-cnn", "digits-mlp")]
        _call("run", "digits-cnn", root, "--set", "train.epochs=2000", "--detach", "--name", "long")
        _call("profile", "long", root, "--steps", "20")
        _call("stop", "long", root)
        profiled = find_run(root, "long")
        screens: dict[str, Callable[[TuitrainApp], None]] = {
            "home": lambda _app: None,
            "launch": lambda app: app.opener.open_launch("digits-cnn"),
            "run": lambda app: app.opener.open_run(runs[0]),
            "workspace": lambda app: app.opener.open_workspace(runs),
            "checkpoints": lambda app: app.opener.open_of_run("checkpoints", runs[0]),
            "memory": lambda app: app.opener.open_of_run("memory", profiled),
            "time": lambda app: app.opener.open_of_run("time", profiled),
            "profile": lambda app: app.opener.open_profile(profiled),
            "results": lambda app: app.opener.open_results(runs[1]),
        }
        for name, opened in screens.items():
            asyncio.run(_save(name, root, opened))
            if name in _ON_PAGE:
                asyncio.run(_save(name, root, opened, LIGHT.name))


def _call(command: str, what: str, root: Path, *options: str) -> None:
    words = [sys.executable, "-m", "tuitrain", command, what, *options, "--runs-dir", str(root)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


async def _save(
    name: str, root: Path, opened: Callable[[TuitrainApp], None], theme: str = DEFAULT_THEME
) -> None:
    preferences = Preferences(root.parent / "interface.toml")
    preferences.remember_theme(theme)
    app = TuitrainApp(root, look=TerminalStyle(), preferences=preferences, first=opened)
    async with app.run_test(size=SIZE) as pilot:
        await _settle(pilot, _WAIT_S.get(name, _SETTLE_S))
        for key in _KEYS.get(name, ()):
            await pilot.press(key)
            await _settle(pilot, _WAIT_S[name] / 2)
        ending = "-light" if theme == LIGHT.name else ""
        (FOLDER / f"{name}{ending}.svg").write_text(
            app.export_screenshot(title=f"tuitrain: {name}")
        )


async def _settle(pilot: Pilot[int], for_s: float) -> None:
    """Let threads read and the screen follow; a picture has no condition to wait for."""
    for _ in range(round(for_s / 0.1)):
        await pilot.pause(0.1)


if __name__ == "__main__":
    main()
