from dataclasses import replace

import pytest

from tests.analysis.steps import COMPUTE, CONFIG, CPU, FACTS, GPU, INPUT, SAMPLES, split
from tuitrain.analysis.bottleneck import diagnose
from tuitrain.analysis.ranks import rank_times
from tuitrain.analysis.step_time import flops_per_s, step_context
from tuitrain.metric_names import STAGES, rank_metric, split_metric
from tuitrain.runs.rows import TimeBreakdown
from tuitrain.runs.series import Column, Series
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.run.ranktext import rank_lines
from tuitrain.view.run.timetext import (
    side_lines,
    side_title,
    spent_line,
    time_block,
    time_lines,
    timeline,
    timeline_unit,
    work_line,
)
from tuitrain.view.spans import SpanLine, line_width

PLAIN = TerminalStyle(ascii=True, colour=False)
SPENT = TimeBreakdown(100.0, 80.0, 10.0, 0.5, 0.0)


def text_of(lines: list[SpanLine]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_the_models_speed_is_told_with_the_share_of_the_peak_where_that_is_known() -> None:
    context = step_context(CONFIG, FACTS, SAMPLES)
    assert flops_per_s(COMPUTE, context) == pytest.approx(1e9 * 128 / 0.01)
    assert work_line(COMPUTE, context) == (
        "12.8 TFLOP/s in the model, 13 % of the device's peak of 100 TFLOP/s (bf16 of X)"
    )
    unknown = replace(context, peak_flops=None)
    assert work_line(COMPUTE, unknown).endswith("the peak of this device is not known")
    assert work_line(COMPUTE, replace(context, flops_per_sample=None)) == ""
    assert work_line(None, context) == ""


def test_the_side_column_has_a_bar_for_each_stage_and_the_cause_in_a_word() -> None:
    assert side_title(INPUT) == "step 10.0 ms"
    lines = side_lines(INPUT, diagnose(INPUT, GPU), 18, PLAIN)
    assert text_of(lines) == [
        "data  ###      41%",
        "fwd   #        20%",
        "bwd   ##       30%",
        "optim           5%",
        "other           4%",
        "input-bound",
    ]
    assert lines[-1][0].style == "alert"


@pytest.mark.parametrize("width", [18, 30, 42])
def test_no_line_is_wider_than_the_column(width: int) -> None:
    for time in (INPUT, COMPUTE, split(copy=99)):
        for line in side_lines(time, diagnose(time, GPU), width, PLAIN):
            assert line_width(line) <= width


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_the_screen_says_all_of_it_at_every_width(width: int) -> None:
    context = step_context(CONFIG, FACTS, SAMPLES)
    lines = time_lines(INPUT, diagnose(INPUT, context), context, SPENT, width, PLAIN)
    said = " ".join(" ".join(text_of(lines)).split())
    for words in ("the GPU waits 41 % of each step", "try data.workers", "TFLOP/s", "steps 80.0 %"):
        assert words in said
    assert all(text.isascii() for text in text_of(lines))
    if width >= 60:
        assert all(line_width(line) <= width for line in lines)


def test_a_run_without_a_split_still_says_what_its_time_went_into() -> None:
    lines = text_of(time_lines(None, diagnose(None, CPU), CPU, SPENT, 80, PLAIN))
    assert lines[0] == " not known yet: no step has been timed yet"
    assert "evaluation 10.0 %" in lines[-2] + lines[-1]
    assert "try" not in "".join(lines)


def test_foreign_words_do_not_reach_the_terminal_as_they_are() -> None:
    context = replace(step_context(CONFIG, FACTS, SAMPLES), peak_source="\x1b[2J")
    text = time_block(COMPUTE, diagnose(COMPUTE, context), context, SPENT)
    assert "\x1b" not in text
    assert text.splitlines()[:3] == [
        "TIME",
        "  step of 10.0 ms: data 2.0 %, copy 0.0 %, forward 30.0 %, backward 55.0 %, "
        "optimizer 10.0 %, other 3.0 %",
        "  compute-bound: forward takes 30 % and backward 55 % of each step",
    ]


def test_time_spent_is_told_in_shares_of_all() -> None:
    assert spent_line(SPENT) == (
        "of 1m 40s in total: steps 80.0 %, evaluation 10.0 %, checkpoints 0.5 %, paused 0.0 %, "
        "startup and repeated steps 9.5 %"
    )
    assert "nan" not in spent_line(TimeBreakdown(0.0, 0.0, 0.0, 0.0, 0.0))


def test_the_timeline_has_a_line_for_each_stage_that_took_time_in_the_steps_unit() -> None:
    columns = (Column(0, 1, 10, 3, 0.001, 0.003, 0.002, 0),)
    nothing = (Column(0, 1, 10, 3, 0.0, 0.0, 0.0, 0),)
    series = {
        split_metric("forward"): Series("", 1, 10, 1, columns),
        split_metric("copy"): Series("", 1, 10, 1, nothing),
    }
    unit_s, unit = timeline_unit(COMPUTE)
    [line] = timeline(series, unit_s, 0.0)
    assert (unit, line.label, line.low, line.mean, line.high) == (
        "ms",
        "forward",
        (1.0,),
        (2.0,),
        (3.0,),
    )


def test_ranks_have_a_bar_each_for_their_own_time_and_a_line_in_a_commands_output() -> None:
    context = step_context(CONFIG, FACTS, SAMPLES)
    shared = {rank_metric(rank, stage): 0.001 for rank in (0, 1) for stage in STAGES}
    del shared[rank_metric(0, "exchange")]
    shared |= {rank_metric(1, "data"): 0.003, rank_metric(1, "memory_bytes"): 2.0**30}
    ranks = rank_times(shared)
    bottleneck = diagnose(COMPUTE, context)
    lines = text_of(time_lines(COMPUTE, bottleneck, context, SPENT, 60, PLAIN, ranks))
    [first, second] = [line for line in lines if line.startswith(" rank")]
    assert "4.00 ms" in first
    assert "6.00 ms" in second
    assert second.endswith("1.00 GiB")
    assert first.count("#") < second.count("#")
    assert all(len(line) <= 60 for line in lines)
    said = time_block(COMPUTE, bottleneck, context, SPENT, ranks)
    assert "rank 1: own 6.00 ms a step (data 3.00 ms, " in said
    assert not text_of(rank_lines(rank_times({}), None, 60, PLAIN))
