"""The screen of a sweep: trials, the best, where they lie, and what is wanted of its driver."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.ui.apps import play
from tests.ui.makers import falling, new_run, train
from tests.ui.screens import screen_text, told, wait_for, wait_for_golden, wait_for_text
from tuitrain.file_lock import FileLock
from tuitrain.sweeps.directory import (
    SweepDirectory,
    change_control,
    create_sweep,
    read_control,
)
from tuitrain.sweeps.table import SweepTable, TrialRow, read_table, write_table
from tuitrain.ui.screens.run import RunScreen
from tuitrain.ui.screens.sweeps.screen import SweepScreen
from tuitrain.view.chart.figure import TerminalStyle

KEYS = ("optimizer.lr", "model.hidden")
STATES = ("complete", "complete", "running", "pruned", "failed", "complete")


@pytest.fixture
def sweep(tmp_path: Path) -> SweepDirectory:
    run = new_run(tmp_path / "runs", "first")
    train(run, falling(60))
    directory = create_sweep(tmp_path / "runs", "rates", {"sweep.toml": ""}, 0.0)
    rows = []
    for number, state in enumerate(STATES):
        value = None if state == "failed" else 0.5 - 0.07 * (number % 4)
        curve = () if value is None else tuple(value + 0.4 / n for n in range(1, 13))
        point = {KEYS[0]: 10.0 ** (number - 5), KEYS[1]: [64] if number % 2 else [256, 128]}
        reason = "the loss is not finite" if state == "failed" else ""
        run_id = run.id if number == 5 else f"run-{number}"
        rows.append(TrialRow(number, state, run_id, point, value, 12.0, curve, reason))
    write_table(directory, SweepTable("val/loss", "min", 20, 2, "running", KEYS, tuple(rows)))
    return directory


def show(sweep: SweepDirectory, steps: Any, **options: Any) -> None:
    play(sweep.path.parent.parent, lambda app: app.push_screen(SweepScreen()), steps, **options)


@pytest.mark.parametrize(
    ("size", "look", "name"),
    [
        ((80, 24), TerminalStyle(), "80x24"),
        ((60, 20), TerminalStyle(ascii=True, colour=False), "60x20-ascii"),
    ],
)
def test_the_screen_is_as_it_was(
    sweep: SweepDirectory, size: tuple[int, int], look: TerminalStyle, name: str
) -> None:
    async def steps(pilot: Any) -> None:
        await wait_for_text(pilot, "val/loss")
        await wait_for_golden(pilot, f"sweep-{name}")

    with FileLock(sweep.lock_path):
        show(sweep, steps, size=size, look=look)


def test_keys_say_what_is_wanted_and_enter_opens_the_run(sweep: SweepDirectory) -> None:
    async def steps(pilot: Any) -> None:
        await wait_for_text(pilot, "val/loss")
        await pilot.press("plus")
        await wait_for(pilot, lambda: read_control(sweep).parallel == 3, "three at a time")
        await pilot.press("space")
        await wait_for(pilot, lambda: read_control(sweep).paused, "paused")
        await wait_for(pilot, lambda: " paused" in screen_text(pilot.app), "paused is shown")
        await pilot.press("space")
        await wait_for(pilot, lambda: not read_control(sweep).paused, "goes on")
        await pilot.press("down", "enter")
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, RunScreen), "the run's screen")

    with FileLock(sweep.lock_path):
        show(sweep, steps)


def test_marked_trials_are_seen_together(sweep: SweepDirectory) -> None:
    other = new_run(sweep.path.parent.parent, "second")
    train(other, falling(60))
    table = read_table(sweep)
    assert table is not None
    rows = (*table.rows, replace(table.rows[0], number=6, run=other.id, value=0.01))
    write_table(sweep, replace(table, rows=rows))

    async def steps(pilot: Any) -> None:
        await wait_for_text(pilot, "val/loss")
        await pilot.press("d")
        await wait_for_text(pilot, "workspace 2 runs")
        await pilot.press("q")
        await wait_for_text(pilot, "d compare")
        await pilot.press("m", "m")
        await wait_for(pilot, lambda: screen_text(pilot.app).count("\n*") == 2, "two marks")
        await pilot.press("home", "d")
        await wait_for_text(pilot, "workspace 1 run")

    show(sweep, steps)


def test_a_sweep_without_a_driver_is_lost_and_says_how_it_goes_on(sweep: SweepDirectory) -> None:
    change_control(sweep, paused=False)

    async def steps(pilot: Any) -> None:
        await wait_for_text(pilot, " lost")
        await pilot.press("space")
        await wait_for(pilot, lambda: f"sweep resume {sweep.id}" in told(pilot.app), "advice")

    show(sweep, steps)


def test_the_newest_is_shown_first_and_others_are_a_key_away(sweep: SweepDirectory) -> None:
    newer = create_sweep(sweep.path.parent.parent, "later", {"sweep.toml": ""}, 0.0)
    newer.sweep_path.touch()

    async def steps(pilot: Any) -> None:
        await wait_for_text(pilot, "not put anything down yet")
        await pilot.press("left_square_bracket")
        await wait_for_text(pilot, "2 of 2")
        assert sweep.id in screen_text(pilot.app)

    show(sweep, steps)


def test_without_sweeps_the_screen_says_how_one_is_started(tmp_path: Path) -> None:
    async def steps(pilot: Any) -> None:
        await pilot.press("w")
        await wait_for_text(pilot, "no sweeps yet: `tuitrain sweep PRESET --sweep FILE`")
        assert " sweeps`)" in screen_text(pilot.app)

    play(tmp_path / "runs", None, steps)
