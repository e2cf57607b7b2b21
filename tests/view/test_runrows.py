from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.runs.summary import RunSummary
from tuitrain.runs.table.details import RunDetails
from tuitrain.runs.table.values import RunValues
from tuitrain.view.chart.figure import Line, TerminalStyle
from tuitrain.view.run.rundetail import run_detail
from tuitrain.view.runlist.chosen import eligible, question, tag_changes
from tuitrain.view.runlist.columns import TableLayout, column_at, measure_values
from tuitrain.view.runlist.lines import run_heading, run_line
from tuitrain.view.runlist.order import next_sort, sort_of_click
from tuitrain.view.runlist.preview import Preview, preview_lines, setting_changes
from tuitrain.view.runrows import (
    Needs,
    NeedsOfRuns,
    RunRow,
    best_words,
    count_line,
    epoch_words,
    in_order,
    names_of_own,
)
from tuitrain.view.spans import SpanLine, line_width

NOW = 1e9
BASE = RunSummary(
    id="20261121-0412-demo-abc",
    name="demo-abc",
    preset="demo",
    state="running",
    reason="",
    created=NOW - 60,
    started=NOW - 59,
    ended=None,
    duration_s=59.0,
    step=35,
    total_steps=100,
    epoch=3.5,
    best_metric="val/accuracy",
    best_value=0.9712,
    device="cpu",
    path="/runs/demo",
)


def text(line: SpanLine) -> str:
    return "".join(span.text for span in line)


def run(**changes: Any) -> RunSummary:
    return replace(BASE, **changes)


def test_the_order_is_recent_trouble_then_active_then_the_rest_by_age() -> None:
    runs = [
        run(id="done", state="finished", created=NOW - 10),
        run(id="live", created=NOW - 500),
        run(id="old-failure", state="failed", created=NOW - 9e6, ended=NOW - 9e6),
        run(id="lost", state="lost", created=NOW - 900, ended=NOW - 800),
        run(id="paused", state="paused", created=NOW - 400),
        run(id="failed", state="failed", created=NOW - 9e6, ended=NOW - 100),
    ]
    order = [each.id for each in in_order(runs, NOW)]
    assert order == ["lost", "failed", "paused", "live", "done", "old-failure"]


def test_the_counts_name_what_there_is() -> None:
    runs = [run(), run(state="paused"), run(state="lost"), run(state="stopped")]
    assert text(count_line(runs)) == "1 live, 1 paused, 1 failed or lost, 1 done"
    assert text(count_line([])) == "0 live"


def test_the_epoch_under_way_is_told_with_how_many_there_will_be() -> None:
    assert epoch_words(run()) == "4/10"
    assert epoch_words(run(state="finished", step=100, epoch=10.0)) == "10/10"
    assert epoch_words(run(total_steps=None)) == "4"
    assert epoch_words(run(step=0, epoch=0.0)) == "-"


def test_the_best_metric_has_a_short_name() -> None:
    assert best_words(run()) == "acc 0.9712"
    assert best_words(run(best_metric=None)) == "-"


def test_a_narrow_list_keeps_name_state_and_progress() -> None:
    line = text(run_line(RunRow(run()), TableLayout(40), NOW, TerminalStyle()))
    assert "demo-abc" in line
    assert "running" in line
    assert "35%" in line


def test_a_wide_list_shows_everything() -> None:
    curve = tuple(1 / (1 + i) for i in range(30))
    line = text(
        run_line(RunRow(run(), curve=curve), TableLayout(150), NOW, TerminalStyle(ascii=True))
    )
    for word in ("35%", "4/10", "acc 0.9712", "cpu", "59 s", "1 min ago", "##"):
        assert word in line
    assert line.isascii()
    assert text(run_heading(TableLayout(150), TerminalStyle())).split() == [
        "run",
        "state",
        "done",
        "epoch",
        "best",
        "curve",
        "device",
        "duration",
        "age",
    ]


def test_the_reason_stands_where_progress_would() -> None:
    row = RunRow(run(state="failed", reason="out of\x1b memory"))
    line = text(run_line(row, TableLayout(80), NOW, TerminalStyle()))
    assert "out of\\x1b memory" in line
    assert "%" not in line


def test_the_end_of_a_long_name_is_kept() -> None:
    line = text(
        run_line(
            RunRow(run(name="a-very-long-name-of-a-run-x7k")), TableLayout(40), NOW, TerminalStyle()
        )
    )
    assert "x7k" in line


def test_a_mark_is_told_without_colour() -> None:
    assert text(
        run_line(RunRow(run(), marked=True), TableLayout(60), NOW, TerminalStyle())
    ).startswith("* ")


@given(
    width=st.integers(1, 300),
    name=st.text(max_size=80),
    reason=st.text(max_size=80),
    state=st.sampled_from(["running", "failed", "lost", "queued", "newer", "finished"]),
    step=st.integers(0, 10**12),
    total=st.none() | st.integers(0, 10**12),
    epoch=st.floats(0, 1e9),
    best=st.none() | st.floats(),
)
def test_a_row_is_exactly_as_wide_as_its_list(
    width: int,
    name: str,
    reason: str,
    state: str,
    step: int,
    total: int | None,
    epoch: float,
    best: float | None,
) -> None:
    row = RunRow(
        run(
            name=name,
            reason=reason,
            state=state,
            step=step,
            total_steps=total,
            epoch=epoch,
            best_value=best,
        )
    )
    needs = NeedsOfRuns().measure([row.run])
    for look in (TerminalStyle(), TerminalStyle(ascii=True)):
        assert line_width(run_line(row, TableLayout(width, needs), NOW, look)) == width
    assert line_width(run_heading(TableLayout(width, needs), TerminalStyle())) == width


def test_the_detail_tells_state_reason_and_where_it_ran() -> None:
    lines = run_detail(run(state="lost", reason="was running"), NOW, 60, 10)
    said = "\n".join(text(line) for line in lines)
    for words in ("lost: was running", "step 35 of 100", "best val/accuracy", "demo on cpu"):
        assert words in said
    assert len(run_detail(run(), NOW, 20, 3)) == 3


LONG = run(
    name="linear-regression-kir",
    epoch=313.0,
    step=7_199,
    total_steps=4_600_000,
    best_metric="val/mean_absolute_percentage_error",
    best_value=-9.901e-07,
    created=NOW - 59 * 60,
    duration_s=23 * 3600 + 59 * 60,
    device="cuda:0",
)


@pytest.mark.parametrize("width", [58, 78, 110, 150])
def test_no_column_is_cut_and_what_does_not_fit_is_left_out_whole(width: int) -> None:
    needs = NeedsOfRuns().measure([run(), LONG])
    row = text(
        run_line(
            RunRow(LONG, curve=(1.0, 0.5)),
            TableLayout(width, needs),
            NOW,
            TerminalStyle(ascii=True),
        )
    )
    words = {
        "run": "linear-regression-kir",
        "done": "0%",
        "best": "mean_a... -9.901e-07",
        "epoch": "313/200k",
        "age": "59 min ago",
        "duration": "23h 59m",
        "device": "cuda:0",
    }
    shown = text(run_heading(TableLayout(width, needs), TerminalStyle())).split()
    for heading in ("run", "done", "best"):
        assert heading in shown
    for heading, word in words.items():
        assert (word in row) == (heading in shown)


def test_more_width_brings_age_and_curve_then_the_rest() -> None:
    needs = NeedsOfRuns().measure([LONG])
    assert text(run_heading(TableLayout(78, needs), TerminalStyle())).split() == [
        "run",
        "state",
        "done",
        "best",
        "curve",
        "age",
    ]
    full = ["run", "state", "done", "epoch", "best", "curve", "device", "duration", "age"]
    assert text(run_heading(TableLayout(110, needs), TerminalStyle())).split() == full


def test_a_live_run_is_running_for_a_time_and_one_that_ended_ran_for_it() -> None:
    for state, words in (("running", "running for 59 s"), ("finished", "ran for 59 s")):
        said = " ".join(text(line) for line in run_detail(run(state=state), NOW, 80, 10))
        assert words in said


def values_of(lr: float) -> RunValues:
    return RunValues(run(), details=RunDetails({"optimizer.lr": lr, "model.name": "模型"}))


def test_chosen_columns_stand_in_their_order_and_the_last_ones_give_way() -> None:
    choice = ("state", "lr", "model", "curve")
    needs = replace(
        NeedsOfRuns().measure([run()]), values=measure_values([values_of(3e-4)], choice)
    )
    row = RunRow(run(), values=values_of(3e-4))
    wide = TableLayout(90, needs, choice)
    assert text(run_heading(wide, TerminalStyle())).split() == ["run", *choice]
    assert "0.0003" in text(run_line(row, wide, NOW, TerminalStyle()))
    assert "模型" in text(run_line(row, wide, NOW, TerminalStyle()))
    narrow = TableLayout(40, needs, choice)
    assert text(run_heading(narrow, TerminalStyle())).split() == ["run", "state", "lr", "model"]
    for layout in (wide, narrow):
        assert line_width(run_line(row, layout, NOW, TerminalStyle())) == layout.width


def test_a_reason_takes_the_room_of_what_means_nothing_and_settings_stay_in_their_columns() -> None:
    choice = ("state", "done", "lr", "best", "curve")
    layout = TableLayout(80, Needs(values=(("lr", 6),)), choice)
    failed = run(state="failed", reason="out of memory at step 12", ended=NOW - 9)
    heading = text(run_heading(layout, TerminalStyle()))
    line = text(run_line(RunRow(failed, values=values_of(0.5)), layout, NOW, TerminalStyle()))
    assert line[heading.index("lr") :].strip().startswith("0.5 ")
    assert "out of memory" in line


def test_the_column_of_a_place_is_the_one_whose_heading_stands_there() -> None:
    layout = TableLayout(110, NeedsOfRuns().measure([LONG]), sort="-duration")
    heading = text(run_heading(layout, TerminalStyle()))
    for word in ("run", "state", "best", "duration▼", "age"):
        column = column_at(layout, heading.index(word))
        assert column is not None
        assert column.heading == word.rstrip("▼")
    assert column_at(layout, 0) is None


def test_keys_go_through_the_columns_and_a_second_click_turns_the_order_round() -> None:
    layout = TableLayout(60, NeedsOfRuns().measure([run()]))
    assert next_sort(layout, 1) == "name"
    assert next_sort(replace(layout, sort="name"), -1) == ""
    assert next_sort(replace(layout, sort="state"), 1) == "-done"
    assert sort_of_click("", "duration") == "-duration"
    assert sort_of_click("-duration", "duration") == "duration"
    assert sort_of_click("duration", "name") == "name"


def test_runs_of_one_name_are_called_by_what_their_ids_end_with() -> None:
    twins = [run(path=str(i), id=f"20261121-0412-demo-abc-x{i}z") for i in range(2)]
    assert names_of_own([*twins, run(path="c", name="other")]) == {
        "0": "demo-abc-x0z",
        "1": "demo-abc-x1z",
    }
    assert set(names_of_own([run(path="a"), run(path="b")]).values()) == {BASE.id}


def test_only_what_can_be_done_is_asked_for_and_the_question_says_to_whom() -> None:
    runs = [run(), run(state="paused", name="b"), run(state="finished", name="c")]
    assert [each.state for each in eligible("pause", runs)] == ["running"]
    assert [each.state for each in eligible("stop", runs)] == ["running", "paused"]
    assert [each.state for each in eligible("resume", runs)] == ["paused", "finished"]
    assert question("stop", runs[:2], 3).startswith("Stop 2 of 3 runs: demo-abc, b?")
    assert question("remove", runs + runs, 6).startswith(
        "Remove 6 runs: demo-abc, b, c and 3 more?"
    )
    assert question("stop", runs[:1], 1) == (
        f"Stop {BASE.id}? It saves a checkpoint and can be resumed."
    )
    assert tag_changes("good, -bad  -") == (["good"], ["bad"])


def test_a_preview_says_what_is_not_as_in_the_preset() -> None:
    changes = setting_changes(
        {"name": "mine", "optimizer.lr": 3e-4, "model.hidden": [8, 4]},
        {"name": "demo", "optimizer.lr": 1e-3, "model.hidden": [8, 4], "train.new": 1},
    )
    assert changes == (("optimizer.lr", "0.0003", "0.001"),)
    curve = Line("", (1.0, 2.0), (1.0, 0.5), (1.0, 0.5), (1.0, 0.5), 0)
    for width, height in ((80, 10), (20, 3), (200, 16)):
        lines = preview_lines(Preview("/r", "loss", curve, changes), width, height, TerminalStyle())
        assert len(lines) == height
    said = "\n".join(
        map(text, preview_lines(Preview("/r", fault="damaged"), 80, 5, TerminalStyle()))
    )
    assert "damaged" in said
