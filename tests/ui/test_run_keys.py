"""The keys of the run screen."""

import signal
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tests.runs.holding import holder_of
from tests.ui.makers import keep_alive, new_run
from tests.ui.run_makers import (
    STEPS,
    answer,
    begin,
    end,
    one_metric,
    steps,
    supervising,
    training,
    write,
)
from tests.ui.run_shown import charts, show, take, titles, words
from tests.ui.screens import screen_text, told, wait_for, wait_for_text
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.ui.screens.memory import MemoryScreen
from tuitrain.ui.widgets.chartpanel import ChartPanel

WHOLE = f"step {STEPS}/400"


# --- keys that see --------------------------------------------------------------------------------


def test_log_axis_and_smoothing_are_named_in_the_titles(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.press("y")
        await wait_for_text(pilot, "loss (log)")
        await pilot.press("m")
        await wait_for_text(pilot, "loss (log, raw)")
        await pilot.press("m")
        await wait_for_text(pilot, "loss (log, smooth 0.6)")
        await pilot.press("y", "m")
        await wait_for_text(pilot, "loss (smooth 0.9)")
        await pilot.press("m", "m")
        await wait_for(pilot, lambda: "smooth 0" not in screen_text(pilot.app), "no smoothing")

    show(run, doing)


def test_the_axis_becomes_epochs_then_time_then_powers_then_steps(run: RunDirectory) -> None:
    def axis(pilot: Pilot[Any]) -> str:
        return screen_text(pilot.app).splitlines()[9]

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: axis(pilot).split()[:3] == ["50", "100", "150"], "steps")
        await pilot.press("x")
        await wait_for(pilot, lambda: axis(pilot).split()[:3] == ["1", "2", "3"], "epochs")
        await pilot.press("x")
        await wait_for(pilot, lambda: "s" in axis(pilot).split()[0], "time")
        await pilot.press("x")
        await wait_for(pilot, lambda: axis(pilot).split()[:3] == ["1", "3", "10"], "powers of ten")
        await pilot.press("x")
        await wait_for(pilot, lambda: axis(pilot).split()[:3] == ["50", "100", "150"], "steps")
        await pilot.press("X")
        await wait_for_text(pilot, "Along x of loss")
        await pilot.press(*"accuracy", "enter")
        await wait_for_text(pilot, "it may be one of")
        await pilot.press(*["backspace"] * 8, *"lr", "enter")
        await wait_for_text(pilot, "loss (by lr at the nearest step)")

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
        await wait_for(pilot, lambda: screen._curves.choices.window is not None, "a window")
        near_end = screen._curves.choices.window
        assert near_end.last == STEPS and near_end.span < 0.7 * STEPS
        await pilot.press("left")
        assert screen._curves.choices.window.last < STEPS
        await pilot.press(*["left"] * 8)
        assert screen._curves.choices.window.first == 1
        await pilot.press(*["right"] * 10)
        assert screen._curves.choices.window.last >= STEPS
        await wait_for(
            pilot, lambda: screen._desk.snapshot.series["train/loss"].first_step > 1, "a part"
        )
        await pilot.press("minus")
        assert screen._curves.choices.window is None
        await pilot.press("plus", "plus", "0")
        assert screen._curves.choices.window is None
        desk = screen._desk
        await wait_for(pilot, lambda: desk.snapshot.series["train/loss"].first_step == 1, "all")

    show(run, doing)


def test_the_cursor_reads_out_every_curve_and_arrows_move_it(run: RunDirectory) -> None:
    def values(pilot: Pilot[Any]) -> tuple[str, ...]:
        return tuple(charts(pilot)[0].split()[-5:-1])

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "val 0.2339*")
        await pilot.press("i")
        await wait_for(pilot, lambda: "0.2339" not in charts(pilot)[0], "values at the cursor")
        middle = values(pilot)
        await wait_for_text(pilot, "cursor: step 96  epoch 4.80  9.6 s of training")
        await pilot.press(*["right"] * 32)
        await wait_for(pilot, lambda: "0.1646" in charts(pilot)[0], "values at the end")
        assert values(pilot) != middle
        for key, step in (("home", 1), ("pagedown", 33), ("right", 36), ("pageup", 4)):
            await pilot.press(key)
            await wait_for_text(pilot, f"cursor: step {step} ")
        await pilot.press("end")
        await wait_for_text(
            pilot, "cursor: step 160  epoch 8.00  16 s of training  best  checkpoint"
        )
        await pilot.press("m", "m")
        await wait_for(pilot, lambda: "raw 0.2339 smooth 0." in words(pilot), "both values of val")
        await pilot.press("m", "m", "m")
        await pilot.press("escape")
        await wait_for_text(pilot, "val 0.2339*")

    show(run, doing)


def test_a_number_before_an_arrow_moves_by_so_many_columns(run: RunDirectory) -> None:
    def column(pilot: Pilot[Any]) -> int:
        screen: Any = pilot.app.screen
        panel = screen.query_one("#chart0", ChartPanel)
        place = panel._drawing.column_of(screen._curves.choices.cursor)
        return -1 if place is None else place

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.press("i", "home")
        await wait_for_text(pilot, "cursor: step 1 ")
        await pilot.press("2", "0", "right")
        await wait_for(pilot, lambda: column(pilot) == 20, "20 columns")
        await pilot.press("1", "0", "right", "5", "left")
        await wait_for(pilot, lambda: column(pilot) in (25, 26), "10 more, and 5 back")
        await pilot.press("0")
        await wait_for(pilot, lambda: "cursor:" not in screen_text(pilot.app), "0 alone is a key")
        # Before the cursor's own key it is a step, in sight or not.
        await pilot.press("1", "3", "1", "i")
        await wait_for_text(pilot, "cursor: step 131 ")
        await pilot.press("plus", "plus")
        # As fast as a terminal sends what is pasted or held.
        for key in "20i":
            pilot.app.post_message(events.Key(key, key))
        await wait_for_text(pilot, "cursor: step 20 ")
        assert (
            pilot.app.screen._curves.choices.window.first
            < 20
            < pilot.app.screen._curves.choices.window.last
        )

    show(run, doing)


def test_a_zoomed_window_is_named_in_the_title_with_the_key_that_leaves_it(
    run: RunDirectory,
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.press("plus")
        await wait_for(pilot, lambda: "-160, 0: all]" in charts(pilot)[0], "what is seen")
        await pilot.press("0")
        await wait_for(pilot, lambda: "0: all" not in charts(pilot)[0], "all is seen")

    show(run, doing)


def test_the_value_axis_is_automatic_then_all_then_as_typed(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.press("Y")
        await wait_for_text(pilot, "loss (all values)")
        await pilot.press("Y", *"2 1")
        await wait_for_text(pilot, "has to be below")
        await pilot.press(*["backspace"] * 3, *"0 0.5", "enter")
        await wait_for_text(pilot, "loss (0 to 0.5)")
        await wait_for_text(pilot, "▲")
        assert "0 to" not in charts(pilot)[1], "each chart has its own"
        await pilot.press("Y")
        await wait_for(pilot, lambda: "0 to 0.5" not in screen_text(pilot.app), "automatic")

    show(run, doing)


def test_charts_are_pinned_and_hidden_and_other_runs_of_the_preset_know_it(
    run: RunDirectory, root: Path
) -> None:
    async def choosing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: titles(pilot) == ["loss", "accuracy"], "two charts")
        await wait_for_text(pilot, "1-2 of 5")
        await pilot.press("h")
        await wait_for(pilot, lambda: titles(pilot) == ["accuracy", "lr"], "no loss")
        await pilot.press("tab", "f")
        await wait_for(pilot, lambda: titles(pilot) == ["lr", "accuracy"], "lr first")
        await pilot.press("y")

    async def knowing(pilot: Pilot[Any]) -> None:
        await wait_for(pilot, lambda: titles(pilot) == ["lr", "accuracy"], "as it was left")
        await pilot.press("H")
        await wait_for(pilot, lambda: titles(pilot) == ["lr", "loss"], "all of them")

    show(run, choosing)
    show(training(root, "another"), knowing)


def test_more_charts_and_fewer_are_seen_by_keys(root: Path) -> None:
    run = new_run(root, "many")
    begin(run)
    write(run, steps(1, {f"layer{n:02}/norm{n:02}": [1.0, 2.0] for n in range(40)}), sequence=3)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "1-8 of 40")
        await pilot.press(*["less_than_sign"] * 3)
        await wait_for(pilot, lambda: " 1 of 40" in charts(pilot)[0], "one")
        await pilot.press("right_square_bracket")
        await wait_for(pilot, lambda: " 2 of 40" in charts(pilot)[0], "the next")
        await pilot.press(*["greater_than_sign"] * 12)
        await wait_for(pilot, lambda: len(charts(pilot)) == 36, "6x6")
        await wait_for_text(pilot, "1-36 of 40")
        await pilot.press("right_square_bracket")
        await wait_for(pilot, lambda: len(charts(pilot)) == 4, "the last ones")

    show(run, doing, size=(160, 48))


def test_the_chart_in_front_is_written_into_the_runs_exports(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        for typed, name in (("svg", "loss-step-160.svg"), ("csv", "loss-step-160.csv")):
            await pilot.press("w")
            await wait_for_text(pilot, "Write the chart of loss as")
            await pilot.press(*["backspace"] * 3, *"gif")
            await wait_for_text(pilot, "svg, csv, png")
            await pilot.press(*["backspace"] * 3, *typed, "enter")
            await wait_for(pilot, lambda each=name: each in told(pilot.app), name)
        await pilot.press("w", "enter")
        await wait_for(pilot, lambda: "loss-step-160-2.svg" in told(pilot.app), "a second one")
        assert len(list(run.exports.iterdir())) == 3
        assert "train,1" in (run.exports / "loss-step-160.csv").read_text(encoding="utf-8")

    show(run, doing)


def test_the_value_under_the_cursor_is_copied(run: RunDirectory, root: Path) -> None:
    copied = root.parent / "copied.txt"

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        await pilot.press("t")
        await wait_for(pilot, lambda: "no cursor to take a value from" in told(pilot.app), "told")
        await pilot.press("i", "end", "t")
        await wait_for(pilot, copied.exists, "the copy")
        assert "val\t0.23391" in copied.read_text(encoding="utf-8")

    show(run, doing)


def test_the_mouse_wheel_zooms_and_a_click_reads_out_what_is_under_it(run: RunDirectory) -> None:
    def cursor(pilot: Pilot[Any]) -> int:
        """Return the column of the cursor on the first chart."""
        drawn = [
            column
            for line in pilot.app.screen.query_one("#chart0", ChartPanel).lines[1:-2]
            for column, style in enumerate(s.style for s in line for _ in s.text)
            if style == "cursor"
        ]
        return drawn[0] if drawn else -1

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        screen: Any = pilot.app.screen
        await pilot._post_mouse_events([MouseScrollUp], widget="#chart0", offset=(30, 4), button=0)
        await wait_for(pilot, lambda: screen._curves.choices.window is not None, "a window")
        for keys in (["0"], ["y"], ["x"], ["y"], ["x"]):
            await pilot.press(*keys)
            await pilot.click("#chart0", offset=(30, 4))
            await wait_for(pilot, lambda: cursor(pilot) == 30, f"the cursor after {keys}")

    show(run, doing)


def test_columns_that_the_mouse_is_dragged_over_fill_the_chart(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        screen: Any = pilot.app.screen
        await pilot.mouse_down("#chart0", offset=(20, 4))
        await pilot.mouse_up("#chart0", offset=(40, 4))
        await wait_for(pilot, lambda: screen._curves.choices.window is not None, "a window")
        window = screen._curves.choices.window
        assert 1 < window.first < window.last < STEPS and screen._curves.choices.cursor is None
        await wait_for_text(pilot, f"[{window.first:.0f}-{window.last:.0f}, 0: all]")

    show(run, doing)


def test_with_a_metric_along_x_clicks_find_the_step_and_wheel_and_drag_show_some_values(
    run: RunDirectory,
) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, WHOLE)
        screen: Any = pilot.app.screen
        panel = screen.query_one("#chart0", ChartPanel)
        await pilot.press("X", *"train/accuracy", "enter")
        await wait_for_text(pilot, "by train/accuracy at the nearest step")
        chart, drawing = panel._shown[1], panel._drawing
        (line,) = [each for each in chart.lines if each.label == "train" and not each.faint]
        place = len(line.x) // 3
        row = drawing.area.rows - 1 - drawing.area.row_of(line.mean[place])
        column = drawing.left + drawing.column_of(line.x[place])
        await pilot.click("#chart0", offset=(column, row + 1))
        await wait_for(pilot, lambda: screen._curves.choices.cursor is not None, "a cursor")
        # Steps whose points fall into the same cell are the same to a mouse.
        assert abs(screen._curves.choices.cursor - line.steps[place]) <= 5
        await pilot.mouse_down("#chart0", offset=(20, 4))
        await pilot.mouse_up("#chart0", offset=(40, 4))
        await wait_for(pilot, lambda: screen._curves.choices.spans, "a part of the values")
        first, last = screen._curves.choices.spans["loss"]
        assert chart.x_range[0] < first < last < chart.x_range[1]
        assert screen._curves.choices.window is None
        await wait_for_text(pilot, ", 0: all]")
        await pilot._post_mouse_events([MouseScrollUp], widget="#chart0", offset=(30, 4), button=0)
        await wait_for(
            pilot, lambda: screen._curves.choices.spans["loss"][0] > first, "fewer values"
        )
        await pilot.press("0")
        await wait_for(pilot, lambda: panel._shown[1].x_range == chart.x_range, "all values")
        assert ", 0: all]" not in screen_text(pilot.app)

    show(run, doing, size=(120, 36))


def test_a_curve_that_diverged_has_a_logarithmic_axis_at_once(root: Path) -> None:
    run = one_metric(root, "diverged", [10.0**power for power in range(300)])

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "train 1.000e+299")
        await pilot.press("y")
        await wait_for_text(pilot, "loss (log)")
        await wait_for_text(pilot, "1e200")

    show(run, doing, size=(160, 48))


def test_tab_stops_at_panels_that_scroll_and_they_show_all_settings_and_events(
    run: RunDirectory,
) -> None:
    def focused(pilot: Pilot[Any]) -> str:
        return str(pilot.app.focused and pilot.app.focused.id)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "what happened")
        await wait_for_text(pilot, "checkpoint step 160")
        assert "queued" not in screen_text(pilot.app)
        stops = []
        for _ in range(4):
            stops.append(focused(pilot))
            await pilot.press("tab")
        assert sorted(stops) == ["chart0", "chart1", "devices", "happened"]
        pilot.app.screen.query_one("#happened").focus()
        await pilot.press("home")
        await wait_for_text(pilot, "queued")
        await pilot.press("end")
        await wait_for(pilot, lambda: "queued" not in screen_text(pilot.app), "the newest")
        pilot.app.screen.query_one("#devices").focus()
        await pilot.press("end")
        await wait_for_text(pilot, '"max"')
        await pilot.press("up", "pageup", "home")
        await wait_for_text(pilot, "mem 18.2/141 GiB")

    show(run, doing)


def test_a_panel_whose_lines_are_all_in_sight_is_no_stop(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "checkpoint.mode")
        assert not pilot.app.screen.query_one("#devices").focusable

    show(run, doing, size=(200, 60))


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
        (["space"], "pause", {"release": False}),
        (["P"], "pause", {"release": True}),
        (["c"], "checkpoint", {"name": ""}),
        (["e"], "evaluate", {}),
        (["s", "y"], "stop", {"now": False}),
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


def test_a_key_that_waits_for_a_stopped_worker_says_so(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        with holder_of(run.worker_lock_path) as worker:
            worker.send_signal(signal.SIGSTOP)
            await pilot.press("space")
            stopped = f"its worker, process {worker.pid}, is stopped (state T)"
            await wait_for(pilot, lambda: stopped in told(pilot.app), stopped)
        with supervising(run) as writer:
            answer(writer, await take(pilot, writer), "paused after all")
        await wait_for(pilot, lambda: "paused after all" in told(pilot.app), "the answer")

    show(run, doing)


def test_space_continues_a_run_that_is_paused(run: RunDirectory) -> None:
    from tuitrain import messages as m

    by_disk = f"no room; {m.GOES_ON_BY_ITSELF}"
    write(run, m.TrainingPaused(1_795_000_000.0, STEPS, by_disk), sequence=400)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, f"paused: {by_disk}")
        assert "(space resumes)" not in screen_text(pilot.app)
        write(run, m.TrainingPaused(1_795_000_000.0, STEPS, "asked for"), sequence=401)
        await wait_for_text(pilot, "paused: asked for  (space resumes)")
        await pilot.press("space")
        with supervising(run) as writer:
            command = await take(pilot, writer)
            answer(writer, command, "continues")
        assert command.kind == "resume"

    show(run, doing)


def test_a_click_on_the_devices_shows_their_memory(run: RunDirectory) -> None:
    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "RAM")
        await pilot.click("#devices", offset=(3, 2))
        await wait_for(pilot, lambda: isinstance(pilot.app.screen, MemoryScreen))

    show(run, doing)


def test_a_key_that_does_nothing_now_says_why_and_the_help_has_it_apart(root: Path) -> None:
    made = training(root)
    end(made, "finished", "all epochs")

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "finished")
        for key, said in (
            ("c", "checkpoint: the run is finished, and only a live one takes commands"),
            ("R", "resume: the run is finished; `tuitrain resume RUN --set train.epochs=N`"),
            ("p", "profile: the run is finished, and has no profiles"),
        ):
            await pilot.press(key)
            await wait_for(pilot, lambda said=said: said in told(pilot.app), said)
        await pilot.press("question_mark")
        await wait_for_text(pilot, "This screen")
        await pilot.press("end")
        await wait_for_text(pilot, "What does nothing now")
        await wait_for_text(pilot, "Save a checkpoint at the next step.")

    show(made, doing, size=(120, 60))


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
            assert reader.entries.commands() == []

    show(run, doing)


@pytest.mark.parametrize("typed", ["", "0.000509287", " 5.09287e-4 "])
def test_a_rate_that_is_left_as_shown_is_not_changed(root: Path, typed: str) -> None:
    run = new_run(root, "decaying")
    begin(run)
    write(run, steps(1, {"lr": [1e-3, 0.000509458, 0.000509286712]}), sequence=3)
    lock = keep_alive(run)

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        await pilot.press("l")
        await wait_for_text(pilot, "0.000509287")
        await pilot.press(*typed, "enter")
        await wait_for(pilot, lambda: "is left as it is" in told(pilot.app), "it is told")
        with RunReader(run) as reader:
            assert reader.entries.commands() == []

    show(run, doing)
    lock.release()


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
        await wait_for_text(pilot, "Learning rate from the next step on")

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
            assert reader.entries.commands() == []

    show(run, doing)


# --- keys that lead elsewhere ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("L", "LogScreen"),
        ("C", "CheckpointsScreen"),
        ("S", "SettingsScreen"),
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
    def read(pilot: Pilot[Any]) -> str:
        lines = pilot.app.screen.query_one("#chart0", ChartPanel).lines[:4]
        return "".join(span.text for line in lines for span in line)

    one_metric(root, "older", [3.0 - 0.01 * n for n in range(100)])

    async def doing(pilot: Pilot[Any]) -> None:
        await wait_for_text(pilot, "space pause")
        await pilot.press("o")
        await wait_for_text(pilot, "older")
        await pilot.press("space", "enter")
        await wait_for_text(pilot, "older train")
        await pilot.press("i", "m", "m")
        for label in ("train", "val", "older train"):
            await wait_for(pilot, lambda each=label: f" {each} raw " in read(pilot), label)
        await pilot.press("i", "m", "m", "m")
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
