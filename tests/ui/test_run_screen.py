import math
import time
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.makers import keep_alive, new_run
from tests.ui.run_makers import (
    STEPS,
    ask,
    begin,
    end,
    one_metric,
    overfitting,
    steps,
    training,
    write,
)
from tests.ui.run_shown import body, show, titles, words
from tests.ui.screens import check_whole, screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain import messages as m
from tuitrain.messages import Pause
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter
from tuitrain.ui.screens.run.desk import RunDesk
from tuitrain.view.chart.figure import TerminalStyle

WHOLE = f"step {STEPS}/400"


# --- looks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20), (200, 60)])
def test_state_progress_curves_memory_and_keys_at_every_size(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"run-{size[0]}x{size[1]}")

    show(run, doing, size=size)


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_in_chinese_nothing_overlaps_or_is_cut(run: RunDirectory, size: tuple[int, int]) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"run-zh-{size[0]}x{size[1]}")
        check_whole(pilot.app)

    show(run, doing, size=size)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_what_the_curves_show_stands_above_them_without_a_key(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "overfits: val/loss best 0.1")
        await wait_for_golden(pilot, f"run-overfits-{size[0]}x{size[1]}")

    show(overfitting(tmp_path / "runs"), doing, size=size)


def test_plain_ascii_and_no_colour_lose_nothing_that_matters(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, "run-ascii-80x24")
        assert body(screen_text(pilot.app)).isascii()

    show(run, doing, look=TerminalStyle(ascii=True, colour=False))


def test_the_smallest_terminal_shows_one_chart_and_memory_on_one_line(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "GPU 0 18.2/141 GiB")
        assert titles(pilot) == ["loss"]
        await pilot.press("tab")
        await wait_for(pilot, lambda: titles(pilot) == ["accuracy"], "the next chart")
        await pilot.press("left_square_bracket")
        await wait_for(pilot, lambda: titles(pilot) == ["loss"], "the chart before")

    show(run, doing, size=(60, 20))


@pytest.mark.parametrize("size", [(20, 6), (10, 3), (1, 1), (300, 100)])
def test_no_size_is_a_crash(run: RunDirectory, size: tuple[int, int]) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        desk = pilot.app.screen.query_one(RunDesk)
        await wait_for(pilot, lambda: desk.snapshot.summary is not None, "the run")
        await pilot.resize_terminal(80, 24)
        await wait_for_text(pilot, WHOLE)

    show(run, doing, size=size)


def test_a_terminal_that_grows_and_shrinks_gets_what_fits_each_time(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.resize_terminal(160, 48)
        await wait_for_text(pilot, "samples_per_s ─")
        await pilot.resize_terminal(60, 20)
        await wait_for(pilot, lambda: titles(pilot) == ["loss"], "one chart")
        await pilot.resize_terminal(80, 24)
        await wait_for(pilot, lambda: titles(pilot) == ["loss", "accuracy"], "two charts")
        await wait_for_text(pilot, "0.94┤")
        for width, height in ((200, 60), (160, 48), (60, 20), (80, 24)):
            await pilot.resize_terminal(width, height)
            await wait_for_golden(pilot, f"run-{width}x{height}")

    show(run, doing)


def test_what_was_drawn_before_the_layout_is_drawn_again_after_it(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        screen: Any = pilot.app.screen
        screen._follower.close()
        screen.query_one("#side").styles.width = 30
        await wait_for_text(pilot, 'data.name "digits"')
        await wait_for_text(pilot, "train 0.1646 val 0.2339* ─ ─ GPU 0 H200 ─────────────────")

    show(run, doing)


# --- states ---------------------------------------------------------------------------------------


def test_a_run_without_points_says_so_and_what_it_is_doing(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "no points yet - lost: was queued")

    show(new_run(root, "early"), doing)


def test_a_run_of_one_point_shows_it(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "step 1/400")
        assert "*" in body(screen_text(pilot.app))
        await wait_for_text(pilot, "train 2.500")

    show(one_metric(root, "one", [2.5]), doing)


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("finished", "all epochs", ("demo  finished", "finished: all epochs")),
        ("stopped", "asked for", ("demo  stopped", "stopped: asked for")),
        (
            "failed",
            "CUDA out of memory",
            ("failed: CUDA out of memory  (R resumes)", "out of device memory: ", "what to do)"),
        ),
        ("paused", "released", ("paused: released  (R resumes)",)),
    ],
)
def test_a_run_that_ended_says_how_and_what_goes_on(
    root: Path, state: str, reason: str, words: tuple[str, ...]
) -> None:
    run = training(root)
    end(run, state, reason)

    async def doing(pilot: Pilot[Any]) -> None:
        for each in words:
            await wait_for_text(pilot, each)
        assert "space pause" not in screen_text(pilot.app)
        assert " left" not in screen_text(pilot.app).splitlines()[0]

    show(run, doing)


def test_a_run_whose_supervisor_died_is_lost_and_says_that_R_resumes(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "lost: was running when its supervisor disappeared")
        await wait_for_text(pilot, "R resume")

    show(training(root), doing, size=(120, 30))


def test_a_run_that_dies_while_it_is_watched_becomes_lost(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "demo  running")
        run.lock_path.unlink()
        await wait_for_text(pilot, "demo  lost")

    show(run, doing)


def test_a_command_under_way_says_what_it_waits_for(run: RunDirectory) -> None:
    ask(run, Pause())

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "pausing: waits for the end of this step and its checkpoint")
        assert screen_text(pilot.app).startswith(" demo  pausing")

    show(run, doing)


def test_a_damaged_database_is_named_in_place_with_what_is_left(root: Path) -> None:
    run = training(root)
    run.database_path.write_bytes(b"x" * 8192)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "is damaged")
        await pilot.press(
            "y", "m", "x", "z", "i", "plus", "left", "0", "tab", "right_square_bracket"
        )
        await wait_for_text(pilot, "is damaged")

    show(run, doing, size=(160, 48))


def test_a_database_that_is_damaged_while_it_is_watched_does_not_end_the_screen(
    run: RunDirectory,
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        run.database_path.write_bytes(b"x" * 8192)
        await wait_for_text(pilot, "is damaged")
        assert "train 0.1646" in screen_text(pilot.app), "the curves seen before stay"

    show(run, doing, size=(160, 48))


def test_a_run_of_a_newer_version_says_that_tuitrain_is_too_old(root: Path) -> None:
    import sqlite3
    from contextlib import closing

    run = training(root)
    with closing(sqlite3.connect(run.database_path)) as connection:
        connection.execute("PRAGMA user_version=99")

    async def doing(pilot: Pilot[Any]) -> None:
        # Where lines break depends on how long the folder's name is.
        await wait_for(pilot, lambda: "has version 99" in words(pilot), "the version")
        assert "update tuitrain" in words(pilot)

    show(run, doing)


def test_values_that_are_not_finite_are_gaps_with_a_mark(root: Path) -> None:
    losses = [1.0, 0.9, math.nan, 0.8, math.inf, -math.inf, 0.7]

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "3 not finite")
        assert "!" in body(screen_text(pilot.app))
        await pilot.press("y")
        await wait_for_text(pilot, "loss (log)")
        await pilot.press("m")
        await wait_for_text(pilot, "3 not finite")

    show(one_metric(root, "broken", losses), doing)


def test_a_loss_that_is_never_finite_still_has_its_place(root: Path) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "train nan")
        await pilot.press("y", "m", "m", "x", "i", "plus")
        await wait_for_text(pilot, "smooth 0.6")

    show(one_metric(root, "never", [math.nan] * 5), doing)


def test_hundreds_of_metrics_are_paged_and_filtered(root: Path) -> None:
    run = new_run(root, "many")
    begin(run)
    write(run, steps(1, {f"layer{n:03}/norm{n:03}": [1.0, 2.0] for n in range(200)}), sequence=3)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: titles(pilot) == ["norm000", "norm001"], "the first two")
        await pilot.press("right_square_bracket")
        await wait_for(pilot, lambda: titles(pilot) == ["norm002", "norm003"], "the next two")
        await pilot.press("left_square_bracket", "left_square_bracket")
        await wait_for(pilot, lambda: titles(pilot) == ["norm198", "norm199"], "the last two")
        await pilot.press("slash", *"norm.*77", "enter")
        await wait_for(pilot, lambda: titles(pilot) == ["norm077", "norm177"], "what matches")
        await wait_for_text(pilot, "filter: norm.*77")

    show(run, doing)


def test_a_filter_that_matches_nothing_says_so_and_is_taken_back_by_an_empty_one(
    run: RunDirectory,
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.press("slash", *"nothing(", "enter")
        await wait_for_text(pilot, "no metric matches the filter")
        await pilot.press("slash", "backspace", "enter")
        await wait_for(pilot, lambda: titles(pilot) == ["loss", "accuracy"], "all again")

    show(run, doing)


def test_long_and_hostile_names_stay_in_their_place(root: Path) -> None:
    name = "n" * 64
    run = new_run(root, name)
    begin(run)
    hostile = "evil\x1b]0;x\x07" + "m" * 100
    write(run, steps(1, {hostile: [1.0, 2.0], "日本語の損失": [1.0, 3.0]}), sequence=3)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "evil\\x1b]0;x\\x07")
        text = screen_text(pilot.app)
        assert "\x1b" not in text and "\x07" not in text
        assert "  0%  ran for " in text.splitlines()[0]
        await wait_for_text(pilot, "日本語の損失")

    show(run, doing)


@pytest.mark.parametrize("what", ["validating", "saving"])
def test_what_takes_long_between_two_steps_is_in_the_top_line(root: Path, what: Any) -> None:
    made, now = new_run(root, "long"), time.time()

    def step(number: int, at: float) -> m.StepsTaken:
        points = (m.MetricPoints("train/loss", number, (0.1,)),)
        return m.StepsTaken(at, number, number, number / 20, number * 0.1, points)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: what in screen_text(pilot.app).splitlines()[0], what)
        write(made, step(2, now), sequence=5)
        await wait_for(pilot, lambda: "running" in screen_text(pilot.app).splitlines()[0], "over")

    with RunWriter(made) as writer:
        writer.begin_attempt(now - 60)
    prepared = m.TrainingPrepared(now - 59, 0, 400, 20, 12_345, "cpu", m.Environment())
    begun = m.ActivityBegun(now - 5, 1, what)
    write(made, m.WorkerStarted(now - 60, 77), prepared, step(1, now - 20), begun)
    lock = keep_alive(made)
    show(made, doing)
    lock.release()
