"""What a screen shows as text, and waiting until it shows something."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.events import Key
from textual.pilot import Pilot

from tuitrain.view.format import display_width

GOLDEN = Path(__file__).parent / "golden"
_MOST_PAUSES = 2000
_PAUSE_S = 0.02
_SETTLED_LOOKS = 100


def screen_text(app: App[Any]) -> str:
    """Return what stands on the terminal, a line a row, without colours."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def type_at_once(app: App[Any], *keys: str) -> None:
    """Type as over a slow line: all in one packet."""
    for key in keys:
        typed = Key(key, key if len(key) == 1 else None)
        typed.set_sender(app)
        app.post_message(typed)


def told(app: App[Any]) -> str:
    """Return what the app told in toasts; the pilot does not draw them."""
    return "\n".join(notification.message for notification in app._notifications)


async def wait_for(pilot: Pilot[Any], condition: Callable[[], object], what: str = "") -> None:
    """Let the app work until a condition holds."""
    for _ in range(_MOST_PAUSES):
        await pilot.pause(_PAUSE_S)
        if condition():
            return
    raise AssertionError(f"never came: {what}\n{screen_text(pilot.app)}")


async def wait_for_text(pilot: Pilot[Any], text: str) -> None:
    """Let the app work until a text stands on the screen."""
    await wait_for(pilot, lambda: text in screen_text(pilot.app), repr(text))


def check_whole(app: App[Any]) -> None:
    """Check that each row fills the terminal to the cell: no wide character lost a half."""
    widths = [
        sum(display_width(segment.text) for segment in strip)
        for strip in app.screen._compositor.render_strips()
    ]
    assert set(widths) == {app.size.width}


def check_golden(name: str, text: str) -> None:
    """Compare with tests/ui/golden/NAME.txt; TUITRAIN_UPDATE_GOLDEN=1 writes it anew."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("TUITRAIN_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8"), f"{path} differs"


async def wait_for_golden(pilot: Pilot[Any], name: str) -> None:
    """Let the app work until the screen is as in tests/ui/golden/NAME.txt."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("TUITRAIN_UPDATE_GOLDEN"):
        await _settle(pilot)
    else:
        wanted = path.read_text(encoding="utf-8")
        for _ in range(_MOST_PAUSES):
            await pilot.pause(_PAUSE_S)
            if screen_text(pilot.app) + "\n" == wanted:
                return
    check_golden(name, screen_text(pilot.app))


async def _settle(pilot: Pilot[Any]) -> None:
    seen, since = "", 0
    while since < _SETTLED_LOOKS:
        await pilot.pause(_PAUSE_S)
        text = screen_text(pilot.app)
        seen, since = text, since + 1 if text == seen else 0
