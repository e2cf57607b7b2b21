"""A run on its screen, and what is seen there, for the tests of that screen."""

from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.screens import screen_text, wait_for
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import CommandRow
from tuitrain.ui.widgets.chartpanel import ChartPanel

Steps = Callable[[Pilot[Any]], Awaitable[None]]


def show(run: RunDirectory, doing: Steps, **options: Any) -> Any:
    return play(run.path.parent, lambda app: app.opener.open_run(run), doing, **options)


def words(pilot: Pilot[Any]) -> str:
    return " ".join(screen_text(pilot.app).split())


def charts(pilot: Pilot[Any]) -> list[str]:
    """Return the first rows of the charts that are seen."""
    panels = [panel for panel in pilot.app.screen.query(ChartPanel) if panel.display]
    return ["".join(span.text for span in panel.lines[0]) for panel in panels if panel.lines]


def titles(pilot: Pilot[Any]) -> list[str]:
    return [row.split()[1] for row in charts(pilot)]


def body(text: str) -> str:
    """Return what stands between the top line and the key line."""
    return "\n".join(text.splitlines()[1:-1])


async def take(pilot: Pilot[Any], writer: Any) -> CommandRow:
    """Wait for a command, as the run's supervisor does."""
    found: list[CommandRow] = []
    await wait_for(pilot, lambda: found.extend(writer.commands.take(0.0)) or found, "a command")
    return found[0]
