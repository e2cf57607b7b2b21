import math
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import falling, new_run, train
from tests.ui.screens import screen_text, wait_for_golden, wait_for_text
from tuitrain.runs.directory import RunDirectory
from tuitrain.view.chart.figure import TerminalStyle


def trained(root: Path, name: str, factor: float, **options: Any) -> RunDirectory:
    run = new_run(root, name)
    settings = f'[optimizer]\nname = "adamw"\nlr = {factor / 1000}\n'
    run.config_path.write_text(run.config_path.read_text() + settings)
    losses = [loss * factor for loss in falling(60)]
    train(run, losses, total_steps=60, accuracy=0.9 + factor / 100, **options)
    return run


def show(root: Path, runs: list[RunDirectory], steps: Any, **options: Any) -> None:
    play(root, lambda app: app.open_compare(runs), steps, **options)


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)])
def test_curves_figures_and_settings_stand_side_by_side(root: Path, size: tuple[int, int]) -> None:
    runs = [trained(root, "alpha", 1.0), trained(root, "beta", 2.0)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "metric 2/3")
        await pilot.press("right", "right")
        await wait_for_text(pilot, "metric 1/3")
        await wait_for_text(pilot, "⠉")
        await wait_for_golden(pilot, f"compare-{size[0]}x{size[1]}")

    show(root, runs, steps, size=size)


def test_without_colour_or_unicode_the_curves_are_told_apart_by_marker_and_name(root: Path) -> None:
    runs = [trained(root, "alpha", 1.0), trained(root, "beta", 2.0)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "metric 2/3")
        await pilot.press("right", "right")
        await wait_for_text(pilot, "metric 1/3")
        text = screen_text(pilot.app)
        chart = text.splitlines()[1:11]
        assert all(character.isascii() for character in "".join(chart))
        assert any("*" in line for line in chart) and any("+" in line for line in chart)
        assert "* alpha" in text and "+ beta" in text

    show(root, runs, steps, look=TerminalStyle(ascii=True, colour=False))


def test_a_click_on_a_metric_draws_it(root: Path) -> None:
    runs = [trained(root, "alpha", 1.0), trained(root, "beta", 2.0)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "metric 2/3")
        rows = screen_text(pilot.app).splitlines()
        row = next(y for y, line in enumerate(rows) if line.startswith("  train/loss"))
        await pilot.click(offset=(5, row))
        await wait_for_text(pilot, "metric 1/3")

    show(root, runs, steps)


def test_axis_scale_and_smoothing_are_changed_by_keys(root: Path) -> None:
    runs = [trained(root, "alpha", 1.0), trained(root, "beta", 2.0)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "metric 2/3  step")
        await pilot.press("y")
        await wait_for_text(pilot, "log  step")
        await pilot.press("m", "m")
        await wait_for_text(pilot, "smooth 0.6")
        await pilot.press("x")
        await wait_for_text(pilot, "epoch")
        await pilot.press("x")
        await wait_for_text(pilot, "time")
        await pilot.press("z")
        await pilot.pause()
        assert "settings that differ" not in screen_text(pilot.app)
        assert "best (* of all runs)" not in screen_text(pilot.app)
        await pilot.press("left")
        await wait_for_text(pilot, "metric 1/3")

    show(root, runs, steps)


def test_runs_without_points_and_damaged_ones_have_a_look_of_their_own(root: Path) -> None:
    whole, empty, damaged = (
        trained(root, "alpha", 1.0),
        new_run(root, "empty"),
        new_run(root, "bad"),
    )
    damaged.database_path.write_bytes(b"x" * 4096)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "is damaged")
        await wait_for_text(pilot, "no points yet")
        await wait_for_text(pilot, "best (* of all runs)")

    show(root, [whole, empty, damaged], steps, size=(160, 48))


def test_nothing_but_runs_without_points_is_no_crash(root: Path) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "no points yet")
        await pilot.press("left", "y", "m", "x", "z")
        await wait_for_text(pilot, "compare 2 runs")

    show(root, [new_run(root, "one"), new_run(root, "two")], steps)


def test_values_that_are_not_finite_are_shown(root: Path) -> None:
    broken = new_run(root, "broken")
    train(broken, [1.0, math.nan, math.inf], total_steps=3)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "1.000 @1, inf")

    show(root, [broken, trained(root, "alpha", 2.0)], steps, size=(100, 40))


def test_more_than_eight_runs_are_not_overlaid_and_that_is_said(root: Path) -> None:
    runs = [trained(root, f"run{number}", 1.0) for number in range(9)]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "compare 8 of 9 runs")

    show(root, runs, steps)
