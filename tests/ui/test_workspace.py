"""Many runs over one grid of charts."""

import math
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import falling, new_run, train
from tests.ui.screens import (
    check_whole,
    screen_text,
    told,
    wait_for,
    wait_for_golden,
    wait_for_text,
)
from tuitrain.runs.directory import RunDirectory
from tuitrain.ui.screens.workspace.screen import MOST_RUNS
from tuitrain.view.chart.figure import TerminalStyle


def trained(root: Path, name: str, factor: float, *, seed: int = 0, **options: Any) -> RunDirectory:
    run = new_run(root, name)
    settings = f'seed = {seed}\n[optimizer]\nname = "adamw"\nlr = {factor / 1000}\n'
    text = run.config_path.read_text().replace("epochs = 10\n", f"epochs = 10\n{settings}")
    run.config_path.write_text(text)
    losses = [loss * factor + seed / 20 for loss in falling(60)]
    train(run, losses, total_steps=60, accuracy=0.9 + factor / 100, **options)
    return run


@pytest.fixture
def pair(root: Path) -> list[RunDirectory]:
    return [trained(root, "alpha", 1.0), trained(root, "beta", 2.0)]


@pytest.fixture
def seeds(root: Path) -> list[RunDirectory]:
    small = [trained(root, f"small-s{seed}", 1.0, seed=seed) for seed in (1, 2, 3)]
    return [*small, trained(root, "large", 2.0)]


def show(root: Path, runs: list[RunDirectory], steps: Any, **options: Any) -> None:
    play(root, lambda app: app.opener.open_workspace(runs), steps, **options)


async def ready(pilot: Pilot[Any], text: str = "train/loss last") -> None:
    await wait_for_text(pilot, text)
    await wait_for_text(pilot, "⠉")


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20)])
def test_charts_stand_above_a_legend_that_says_what_differs(
    root: Path, pair: list[RunDirectory], size: tuple[int, int]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        text = screen_text(pilot.app)
        assert "workspace 2 runs" in text and "0.001" in text and "0.002" in text
        await wait_for_golden(pilot, f"workspace-{size[0]}x{size[1]}")

    show(root, pair, steps, size=size)


@pytest.mark.usefixtures("chinese")
def test_in_chinese_the_cursor_and_the_own_axis_of_a_chart_are_said_in_their_places(
    root: Path, pair: list[RunDirectory]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot, "train/loss 最新")
        await pilot.press("X", *"power", "enter")
        await wait_for_text(pilot, "横轴 对数步")
        await pilot.press("i")
        await wait_for_golden(pilot, "workspace-zh-80x24")
        check_whole(pilot.app)

    show(root, pair, steps)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_runs_that_differ_in_their_seed_are_a_mean_with_a_band_which_is_said(
    root: Path, seeds: list[RunDirectory], size: tuple[int, int]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await wait_for_text(pilot, "mean, min..max of seeds")
        await wait_for_text(pilot, "small x3")
        await wait_for_golden(pilot, f"workspace-seeds-{size[0]}x{size[1]}")
        await pilot.press("b")
        await wait_for_text(pilot, "mean, std of seeds")
        await wait_for_text(pilot, "+-0.0500")
        await pilot.press("b")
        await wait_for_text(pilot, "each run")
        assert "small-s2" in screen_text(pilot.app) and "seed" in screen_text(pilot.app)

    show(root, seeds, steps, size=size)


def test_the_cursor_says_the_value_of_every_run(root: Path, pair: list[RunDirectory]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("i", "home")
        await wait_for_text(pilot, "train/loss at 1")
        text = screen_text(pilot.app)
        assert "2.350" in text and "4.700" in text
        await pilot.press("1", "0", "right")
        await wait_for(pilot, lambda: "at 1\n" not in screen_text(pilot.app))
        await pilot.press("end")
        await wait_for_text(pilot, "train/loss at 60")
        await pilot.press("escape")
        await wait_for_text(pilot, "train/loss last")

    show(root, pair, steps)


def test_the_window_zooms_and_pans_over_all_charts(root: Path, pair: list[RunDirectory]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        screen: Any = pilot.app.screen
        await pilot.press("plus")
        await wait_for_text(pilot, "0: all]")
        read = screen._shown.runs.snapshot
        await wait_for(pilot, lambda: read(pair[0].id).series["train/loss"].first_step > 20)
        last = screen._curves.choices.window.last
        await pilot.press("left")
        assert screen._curves.choices.window.last < last
        await pilot.press("0")
        await wait_for(pilot, lambda: "0: all]" not in screen_text(pilot.app))

    show(root, pair, steps)


def test_charts_are_changed_as_on_the_run_screen(root: Path, pair: list[RunDirectory]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        for keys, text in (
            (["y"], "train/loss (log)"), (["m", "m"], "(log, smooth 0.6)"), (["x"], "epoch"),
            (["x"], "time"), (["Y"], "all values"),
        ):  # fmt: skip
            await pilot.press(*keys)
            await wait_for_text(pilot, text)
        await pilot.press("Y", "escape", "y", "m", "m", "m", "f")
        await wait_for_text(pilot, "train/loss (pinned)")
        await pilot.press("greater_than_sign")
        await wait_for(pilot, lambda: "charts: 3x3" in told(pilot.app), "more charts")
        await pilot.press("h")
        await wait_for(pilot, lambda: "train/loss" not in screen_text(pilot.app), "it is hidden")
        await pilot.press("H", "slash", *"val/l", "enter")
        await wait_for_text(pilot, "filter val/l")
        await wait_for(pilot, lambda: "train/loss" not in screen_text(pilot.app), "a filter")

    show(root, pair, steps, size=(120, 40), notifications=True)


def test_runs_are_hidden_singled_out_and_put_on_top(root: Path, pair: list[RunDirectory]) -> None:
    def drawn(pilot: Pilot[Any]) -> list[tuple[str, bool]]:
        screen: Any = pilot.app.screen
        return [(line.label, line.faint) for line in screen._curves.grid.chart_in_front.lines]

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("space")
        await wait_for_text(pilot, "1 hidden")
        assert drawn(pilot) == [("beta", False)]
        await pilot.press("space", "o")
        assert drawn(pilot) == [("alpha", False), ("beta", True)]
        await pilot.press("j")
        await wait_for(pilot, lambda: drawn(pilot) == [("beta", False), ("alpha", True)])
        await pilot.press("o", "p")
        assert drawn(pilot) == [("beta", False), ("alpha", False)]
        await wait_for_text(pilot, "+^beta")
        await pilot.press("p", "k", "enter")
        await wait_for(pilot, lambda: type(pilot.app.screen).__name__ == "RunScreen")

    show(root, pair, steps)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_tables_say_what_differs_and_the_charts_come_back(
    root: Path, pair: list[RunDirectory], size: tuple[int, int]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("d")
        await wait_for_text(pilot, "settings that differ")
        await wait_for_golden(pilot, f"workspace-differences-{size[0]}x{size[1]}")
        await pilot.press("escape")
        await ready(pilot)

    show(root, pair, steps, size=size)


def test_without_colour_or_unicode_the_curves_are_told_apart_by_marker_and_name(
    root: Path, pair: list[RunDirectory]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "train/loss last")
        await wait_for_text(pilot, "+ beta ")

        def curves() -> str:
            return "".join(screen_text(pilot.app).splitlines()[2:10])

        # Names are there before the curves, which are read for the first time.
        await wait_for(pilot, lambda: {"*", "+"} <= set(curves()), "both curves")
        assert screen_text(pilot.app).isascii()

    show(root, pair, steps, look=TerminalStyle(ascii=True, colour=False))


def test_runs_without_points_and_damaged_ones_have_their_line(root: Path) -> None:
    whole, empty, damaged = (
        trained(root, "alpha", 1.0), new_run(root, "empty"), new_run(root, "bad"),
    )  # fmt: skip
    damaged.database_path.write_bytes(b"x" * 4096)

    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await wait_for_text(pilot, "damaged")
        await pilot.press("d")
        await wait_for_text(pilot, "is damaged")
        await wait_for_text(pilot, "no points yet")

    show(root, [whole, empty, damaged], steps, size=(160, 48))


def test_nothing_but_runs_without_points_is_no_crash(root: Path) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "no points yet")
        await pilot.press("left", "y", "m", "x", "z", "i", "plus", "space", "o", "p", "b", "w", "t")
        await pilot.press("d", "d")
        await wait_for_text(pilot, "workspace 2 runs")

    show(root, [new_run(root, "one"), new_run(root, "two")], steps)


def test_values_that_are_not_finite_are_shown(root: Path) -> None:
    broken = new_run(root, "broken")
    train(broken, [1.0, math.nan, math.inf], total_steps=3)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "2 not finite")
        await pilot.press("d")
        await wait_for_text(pilot, "1.000 @1, inf")

    show(root, [broken, trained(root, "alpha", 2.0)], steps, size=(100, 40))


def test_more_runs_than_can_be_shown_are_told(root: Path) -> None:
    first = trained(root, "run", 1.0)
    runs = [first, *(RunDirectory(root / f"20260101-0000-x{n}-abc") for n in range(MOST_RUNS))]

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, f"workspace {MOST_RUNS} of {MOST_RUNS + 1} runs")

    show(root, runs, steps)


def test_the_chart_in_front_is_written_with_all_runs_and_its_values_are_copied(
    root: Path, pair: list[RunDirectory]
) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await ready(pilot)
        await pilot.press("w")
        await wait_for_text(pilot, "Write the chart of train/loss as")
        await pilot.press(*["backspace"] * 3, *"csv", "enter")
        await wait_for(pilot, lambda: "written:" in told(pilot.app))
        (written,) = pair[0].exports.iterdir()
        assert "alpha" in written.read_text() and "beta" in written.read_text()
        await pilot.press("i", "t")
        await wait_for(pilot, lambda: "value" in told(pilot.app))

    show(root, pair, steps, notifications=True)
