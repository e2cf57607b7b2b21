from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.runs.summary import RunSummary
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.rundetail import run_detail
from tuitrain.view.runrows import (
    Needs,
    NeedsOfRuns,
    RunRow,
    best_words,
    count_line,
    epoch_words,
    in_order,
    matches,
    run_heading,
    run_line,
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
    line = text(run_line(RunRow(run()), 40, NOW, TerminalStyle(), Needs()))
    assert "demo-abc" in line
    assert "running" in line
    assert "35%" in line


def test_a_wide_list_shows_everything() -> None:
    curve = tuple(1 / (1 + i) for i in range(30))
    line = text(run_line(RunRow(run(), curve=curve), 150, NOW, TerminalStyle(ascii=True), Needs()))
    for word in ("35%", "4/10", "acc 0.9712", "cpu", "59 s", "1 min ago", "##"):
        assert word in line
    assert line.isascii()
    assert text(run_heading(150, Needs())).split() == [
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
    line = text(run_line(row, 80, NOW, TerminalStyle(), Needs()))
    assert "out of\\x1b memory" in line
    assert "%" not in line


def test_the_end_of_a_long_name_is_kept() -> None:
    line = text(
        run_line(
            RunRow(run(name="a-very-long-name-of-a-run-x7k")), 40, NOW, TerminalStyle(), Needs()
        )
    )
    assert "x7k" in line


def test_a_mark_is_told_without_colour() -> None:
    assert text(run_line(RunRow(run(), marked=True), 60, NOW, TerminalStyle(), Needs())).startswith(
        "* "
    )


def test_a_filter_takes_words_in_any_order() -> None:
    assert matches(run(), "RUNN demo")
    assert not matches(run(), "demo failed")


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
        assert line_width(run_line(row, width, NOW, look, needs)) == width
    assert line_width(run_heading(width, needs)) == width


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
        run_line(RunRow(LONG, curve=(1.0, 0.5)), width, NOW, TerminalStyle(ascii=True), needs)
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
    shown = text(run_heading(width, needs)).split()
    for heading in ("run", "done", "best"):
        assert heading in shown
    for heading, word in words.items():
        assert (word in row) == (heading in shown)


def test_more_width_brings_age_and_curve_then_the_rest() -> None:
    needs = NeedsOfRuns().measure([LONG])
    assert text(run_heading(78, needs)).split() == ["run", "state", "done", "best", "curve", "age"]
    full = ["run", "state", "done", "epoch", "best", "curve", "device", "duration", "age"]
    assert text(run_heading(110, needs)).split() == full


def test_a_live_run_is_running_for_a_time_and_one_that_ended_ran_for_it() -> None:
    for state, words in (("running", "running for 59 s"), ("finished", "ran for 59 s")):
        said = " ".join(text(line) for line in run_detail(run(state=state), NOW, 80, 10))
        assert words in said
