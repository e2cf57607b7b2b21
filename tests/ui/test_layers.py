from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.layer_makers import measured
from tests.ui.makers import falling, new_run, train
from tests.ui.run_makers import supervising
from tests.ui.run_shown import take
from tests.ui.screens import screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.screens.run import RunScreen
from tuitrain.view.chart.figure import TerminalStyle

Steps = Callable[[Pilot[Any]], Awaitable[None]]


def show(run: RunDirectory, doing: Steps, **options: Any) -> None:
    play(run.path.parent, lambda app: app.opener.open_of_run("layers", run), doing, **options)


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (160, 48)])
def test_layers_with_their_curves_at_every_size(run: RunDirectory, size: tuple[int, int]) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"layers-{size[0]}x{size[1]}")

    show(measured(run), doing, size=size)


def test_plain_ascii_and_no_colour(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "features.0")
        assert screen_text(pilot.app).isascii()

    show(measured(run), doing, look=TerminalStyle(ascii=True, colour=False))


def test_from_a_run_its_layers_are_a_key_away_and_make_no_curves(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "loss")
        assert "layer/" not in screen_text(pilot.app)
        await pilot.press("N")
        await wait_for_text(pilot, "layers: every 8 steps, last at step 160")
        await pilot.press("q")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen))

    measured(run)
    play(run.path.parent, lambda app: app.opener.open_run(run), doing)


def test_a_live_run_is_asked_to_measure_and_wrong_steps_are_refused(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "Nothing is measured yet: n sets")
        await pilot.press("n")
        await wait_for_text(pilot, "Measure the layers every so many steps")
        await pilot.press("ctrl+u", *"-3", "enter")
        await wait_for_text(pilot, "must be")
        await pilot.press("ctrl+u", *"25", "enter")
        with supervising(run) as writer:
            command = await take(pilot, writer)
        assert command.kind == "set"
        assert command.arguments == {"key": "train.layers_every", "value": 25}

    show(run, doing)


def test_an_ended_run_without_measures_says_how_to_have_them(root: Path) -> None:
    made = new_run(root, "over")
    train(made, falling(5))

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "Nothing was measured")
        await pilot.press("n")
        await pilot.pause()
        assert "Measure the layers" not in screen_text(pilot.app)

    show(made, doing)
