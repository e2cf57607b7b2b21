import math
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tests.ui.apps import play
from tests.ui.makers import keep_alive, new_run
from tests.ui.run_makers import (
    STEPS,
    answer,
    ask,
    begin,
    end,
    one_metric,
    steps,
    supervising,
    training,
    write,
)
from tests.ui.screens import screen_text, wait_for, wait_for_golden, wait_for_text
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import CommandRow
from tuitrain.ui.widgets.chartpanel import ChartPanel
from tuitrain.view.figure import Look

Steps = Callable[[Pilot[Any]], Awaitable[None]]
WHOLE = f"step {STEPS}/400"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def run(root: Path) -> Iterator[RunDirectory]:
    """A run in the middle of training, with a live supervisor."""
    made = training(root)
    lock = keep_alive(made)
    yield made
    lock.release()


def show(run: RunDirectory, doing: Steps, **options: Any) -> Any:
    return play(run.path.parent, lambda app: app.open_run(run), doing, **options)


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
    await wait_for(pilot, lambda: found.extend(writer.take_commands(0.0)) or found, "a command")
    return found[0]


# --- looks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (60, 20), (200, 60)])
def test_state_progress_curves_memory_and_keys_at_every_size(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, f"run-{size[0]}x{size[1]}")

    show(run, doing, size=size)


def test_plain_ascii_and_no_colour_lose_nothing_that_matters(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_golden(pilot, "run-ascii-80x24")
        assert body(screen_text(pilot.app)).isascii()

    show(run, doing, look=Look(ascii=True, colour=False))


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
        await wait_for(pilot, lambda: pilot.app.screen._snapshot.summary is not None, "the run")
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
        assert "train 2.500" in screen_text(pilot.app)

    show(one_metric(root, "one", [2.5]), doing)


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("finished", "all epochs", ("demo  finished", "finished: all epochs")),
        ("stopped", "asked for", ("demo  stopped", "stopped: asked for")),
        ("failed", "CUDA out of memory", ("failed: CUDA out of memory  (R resumes)",)),
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
        assert "R resume" in screen_text(pilot.app)

    show(training(root), doing, size=(120, 30))


def test_a_run_that_dies_while_it_is_watched_becomes_lost(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "demo  running")
        run.lock_path.unlink()
        await wait_for_text(pilot, "demo  lost")

    show(run, doing)


def test_a_command_under_way_says_what_it_waits_for(run: RunDirectory) -> None:
    ask(run, "pause")

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
        await pilot.press("y", "m", "x", "i", "plus")
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
        assert text.splitlines()[0].endswith("0%")
        await wait_for_text(pilot, "日本語の損失")

    show(run, doing)


# --- keys that see --------------------------------------------------------------------------------


def test_log_axis_and_smoothing_are_named_in_the_titles(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.press("y")
        await wait_for_text(pilot, "loss (log)")
        await pilot.press("m")
        await wait_for_text(pilot, "loss (log, smooth 0.6)")
        await pilot.press("y", "m")
        await wait_for_text(pilot, "loss (smooth 0.9)")
        await pilot.press("m", "m")
        await wait_for(pilot, lambda: "smooth 0" not in screen_text(pilot.app), "no smoothing")

    show(run, doing)


def test_the_axis_becomes_epochs_then_time_then_steps(run: RunDirectory) -> None:
    def axis(pilot: Pilot[Any]) -> str:
        return screen_text(pilot.app).splitlines()[9]

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: axis(pilot).split()[:3] == ["50", "100", "150"], "steps")
        await pilot.press("x")
        await wait_for(pilot, lambda: axis(pilot).split()[:3] == ["1", "2", "3"], "epochs")
        await pilot.press("x")
        await wait_for(pilot, lambda: "s" in axis(pilot).split()[0], "time")
        await pilot.press("x")
        await wait_for(pilot, lambda: axis(pilot).split()[:3] == ["50", "100", "150"], "steps")

    show(run, doing)


def test_one_chart_fills_the_screen_and_all_come_back(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: titles(pilot) == ["loss", "accuracy"], "two charts")
        await pilot.press("tab", "z")
        await wait_for(pilot, lambda: titles(pilot) == ["accuracy"], "the focused one")
        await pilot.press("escape")
        await wait_for(pilot, lambda: titles(pilot) == ["loss", "accuracy"], "both")
        assert type(pilot.app.screen).__name__ == "RunScreen", "the first Escape only went back"

    show(run, doing)


def test_zoom_pan_and_whole_run(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        screen: Any = pilot.app.screen
        await pilot.press("plus")
        await wait_for(pilot, lambda: screen._choices.window is not None, "a window")
        near_end = screen._choices.window
        assert near_end.last == STEPS and near_end.span < 0.7 * STEPS
        await pilot.press("left")
        assert screen._choices.window.last < STEPS
        await pilot.press(*["left"] * 8)
        assert screen._choices.window.first == 1
        await pilot.press(*["right"] * 10)
        assert screen._choices.window.last >= STEPS
        await wait_for(
            pilot, lambda: screen._snapshot.series["train/loss"].first_step > 1, "a part"
        )
        await pilot.press("minus")
        assert screen._choices.window is None
        await pilot.press("plus", "plus", "0")
        assert screen._choices.window is None
        await wait_for(pilot, lambda: screen._snapshot.series["train/loss"].first_step == 1, "all")

    show(run, doing)


def test_the_cursor_reads_out_every_curve_and_arrows_move_it(run: RunDirectory) -> None:
    def values(pilot: Pilot[Any]) -> tuple[str, ...]:
        return tuple(charts(pilot)[0].split()[-5:-1])

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "val 0.2339*")
        await pilot.press("i")
        await wait_for(pilot, lambda: "0.2339" not in charts(pilot)[0], "values at the cursor")
        middle = values(pilot)
        await pilot.press(*["right"] * 32)
        await wait_for(pilot, lambda: "0.1646" in charts(pilot)[0], "values at the end")
        assert values(pilot) != middle
        await pilot.press("escape")
        await wait_for_text(pilot, "val 0.2339*")

    show(run, doing)


def test_the_mouse_wheel_zooms_and_a_click_reads_out(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        screen: Any = pilot.app.screen
        await pilot._post_mouse_events([MouseScrollUp], widget="#chart0", offset=(30, 4), button=0)
        await wait_for(pilot, lambda: screen._choices.window is not None, "a window")
        await pilot.click("#chart0", offset=(30, 4))
        await wait_for(pilot, lambda: screen._choices.cursor is not None, "the cursor")

    show(run, doing)


def test_points_that_come_appear_while_it_is_watched(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        write(run, steps(STEPS + 1, {"train/loss": [0.125] * 20}), sequence=400)
        await wait_for_text(pilot, f"step {STEPS + 20}/400")
        await wait_for_text(pilot, "train 0.1250")

    show(run, doing)


# --- keys that steer ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "kind", "arguments"),
    [
        (["space"], "pause", {}),
        (["P"], "pause", {"release": True}),
        (["c"], "checkpoint", {}),
        (["e"], "evaluate", {}),
        (["s", "y"], "stop", {}),
        (["l", *"2e-4", "enter"], "set", {"key": "optimizer.lr", "value": 2e-4}),
    ],
)
def test_keys_become_commands_and_their_outcome_is_told(
    run: RunDirectory, keys: list[str], kind: str, arguments: dict[str, Any]
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        await pilot.press(*keys)
        with supervising(run) as writer:
            command = await take(pilot, writer)
            answer(writer, command, "obeyed from step 161 on")
        assert (command.kind, command.arguments) == (kind, arguments)
        await wait_for_text(pilot, "obeyed from step 161 on")

    show(run, doing, notifications=True)


def test_space_continues_a_run_that_is_paused(run: RunDirectory) -> None:
    from tuitrain import messages as m

    write(run, m.TrainingPaused(1_795_000_000.0, STEPS, "asked for"), sequence=400)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "paused: asked for  (space goes on)")
        await pilot.press("space")
        with supervising(run) as writer:
            command = await take(pilot, writer)
            answer(writer, command, "goes on")
        assert command.kind == "resume"

    show(run, doing)


def test_stop_and_rate_do_nothing_when_the_question_is_left(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        await pilot.press("s")
        await wait_for_text(pilot, "It saves a checkpoint and can")
        await pilot.press("n", "l")
        await wait_for_text(pilot, "Learning rate from the next step on")
        await pilot.press("escape")
        await pilot.pause()
        with RunReader(run) as reader:
            assert reader.commands() == []

    show(run, doing)


@pytest.mark.parametrize("answer_given", ["fast", "-1", "nan", "1e999"])
def test_a_learning_rate_that_will_not_do_is_refused_while_typing(
    run: RunDirectory, answer_given: str
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        await pilot.press("l", *answer_given)
        await wait_for_text(pilot, "optimizer.lr")
        await pilot.press("enter")
        await pilot.pause()
        assert "Learning rate from the next step on" in screen_text(pilot.app)

    show(run, doing)


def test_a_run_that_is_not_live_takes_no_commands(root: Path) -> None:
    run = training(root)
    end(run, "finished", "all epochs")

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "finished: all epochs")
        await pilot.press("space", "s", "l", "c", "e", "P", "R")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "RunScreen"
        with RunReader(run) as reader:
            assert reader.commands() == []

    show(run, doing)


# --- keys that lead elsewhere ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("L", "LogScreen"),
        ("C", "CheckpointsScreen"),
        ("question_mark", "HelpScreen"),
        ("q", "Home"),
    ],
)
def test_keys_lead_to_other_screens(run: RunDirectory, key: str, screen: str) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        await pilot.press(key)
        await wait_for(
            pilot, lambda: type(pilot.app.screen).__name__.startswith(screen), f"{screen} in front"
        )

    show(run, doing)


def test_other_runs_are_overlaid_with_their_name_and_taken_away_again(
    run: RunDirectory, root: Path
) -> None:
    one_metric(root, "older", [3.0 - 0.01 * n for n in range(100)])

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        await pilot.press("o")
        await wait_for_text(pilot, "older")
        await pilot.press("space", "enter")
        await wait_for_text(pilot, "older train")
        await pilot.press("o")
        await wait_for_text(pilot, "older")
        await pilot.press("space", "enter")
        await wait_for(pilot, lambda: "older train" not in screen_text(pilot.app), "gone")

    show(run, doing)


def test_every_key_of_the_run_screen_says_what_it_does() -> None:
    from tuitrain.ui.screens.run import RunScreen

    for binding in RunScreen.BINDINGS:
        assert binding.id and binding.description, binding
        assert binding.tooltip.endswith("."), binding
