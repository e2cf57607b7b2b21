"""The interface over a folder of runs, driven by keys, for the tests of single screens."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.ui.machines import still_feed
from tuitrain.remote.registry import Hosts
from tuitrain.ui.app import TuitrainApp
from tuitrain.ui.feeds.machine import MachineFeed
from tuitrain.ui.preferences import Preferences
from tuitrain.view.chart.figure import TerminalStyle

Play = Callable[[Pilot[Any]], Awaitable[None]]


def play(
    root: Path,
    first: Callable[[TuitrainApp], None] | None,
    steps: Play,
    *,
    size: tuple[int, int] = (80, 24),
    look: TerminalStyle | None = None,
    notifications: bool = False,
    watching: bool = False,
    machine: MachineFeed | None = None,
    hosts: Hosts | None = None,
) -> TuitrainApp:
    """Open the interface with the screen that `first` opens, and do `steps` on it.

    Only with `notifications` do the few words show that pass by themselves. The machine is one
    that stands still.
    """
    preferences = Preferences(root.parent / "preferences.toml")
    app = TuitrainApp(
        root,
        look=look or TerminalStyle(),
        preferences=preferences,
        hosts=hosts,
        first=first,
        watching=watching,
        machine=machine or still_feed(root),
    )

    async def run() -> None:
        async with app.run_test(size=size, notifications=notifications) as pilot:
            await steps(pilot)

    asyncio.run(run())
    return app
