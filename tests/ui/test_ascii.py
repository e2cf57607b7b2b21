"""Every screen where only ASCII can be shown: nothing is drawn that has no reading there."""

import asyncio
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.segment import Segment
from textual.binding import Binding
from textual.color import Color
from textual.filter import LineFilter
from textual.pilot import Pilot

from tests.traces.traces import cuda_events
from tests.ui.machines import still_feed
from tests.ui.screens import screen_text, wait_for
from tests.ui.test_profile import add_profile
from tests.ui.test_switching import open_each
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.preferences import Preferences
from tuitrain.ui.terminal import AsciiFilter
from tuitrain.view.chart.figure import TerminalStyle

PICTURES_OF_KEYS = set("⏎⌫␣⇥↑↓←→⌃⇧")
"""Their replacements are of the same width, and nobody reads `<` as Enter."""
_LOOKS = 5


class Unfiltered(TuitrainApp):
    """Draws for ASCII, without the last step that replaces what is left."""

    CSS_PATH = Path(inspect.getfile(TuitrainApp)).with_name("app.tcss")

    def get_line_filters(self) -> Sequence[LineFilter]:
        return []


def unreadable(text: str) -> set[str]:
    """Return what would become a question mark, and what would be a key nobody knows."""
    return {odd for odd in text if not odd.isascii() and (odd in PICTURES_OF_KEYS or is_lost(odd))}


def is_lost(character: str) -> bool:
    [plain] = AsciiFilter(enabled=True).apply([Segment(character)], Color(0, 0, 0))
    return "?" in plain.text


async def settled(pilot: Pilot[Any]) -> str:
    """Return what stands on the screen once it has stood there for some looks."""
    seen: list[str] = []

    def at_rest() -> bool:
        seen.append(screen_text(pilot.app))
        return len(seen) >= _LOOKS and len(set(seen[-_LOOKS:])) == 1

    await wait_for(pilot, at_rest, "rest")
    return seen[-1]


def test_every_screen_its_help_and_its_palette_can_be_read_in_ascii(run: RunDirectory) -> None:
    add_profile(run, "p1", cuda_events())
    app = Unfiltered(
        run.path.parent,
        look=TerminalStyle(ascii=True),
        preferences=Preferences(run.path.parent.parent / "preferences.toml"),
        machine=still_feed(run.path.parent),
    )
    found: dict[str, set[str]] = {}

    async def look(pilot: Pilot[Any], name: str) -> None:
        text = await settled(pilot)
        if odd := unreadable(text):
            found[name] = odd

    async def walk() -> None:
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await look(pilot, "home")
            for screen in open_each(app, run):
                name = type(screen).__name__
                await wait_for(pilot, lambda screen=screen: screen.is_mounted, name)
                await look(pilot, name)
                app.action_help()
                await look(pilot, f"help of {name}")
                if app.screen is not screen:
                    app.pop_screen()
                app.action_command_palette()
                await wait_for(pilot, lambda: app.screen.query("SearchIcon"), "the palette")
                await look(pilot, f"palette of {name}")
                app.pop_screen()
                app.tell("some words")
                app.pop_screen()

    asyncio.run(walk())
    assert found == {}


def test_keys_are_named_in_words_where_their_pictures_can_not_be_shown(root: Path) -> None:
    app = TuitrainApp(
        root, look=TerminalStyle(ascii=True), preferences=Preferences(root / "none.toml")
    )
    keys = ("enter", "up", "down", "left", "right", "tab", "space", "backspace", "ctrl+s", "escape")
    shown = [app.get_key_display(Binding(key, "nothing")) for key in keys]
    assert shown == [*keys[:8], "^s", "esc"]
