from typing import Any

import pytest

from tests.traces.traces import cuda_events, operator, span
from tuitrain.messages import ProfileFacts
from tuitrain.runs.rows import ProfileRow
from tuitrain.traces.compare import compare_digests
from tuitrain.traces.digest import digest_events
from tuitrain.view.profiletext import (
    columns_for,
    difference_head,
    difference_line,
    difference_words,
    facts_words,
    first_sort,
    gap_lines,
    head_line,
    kernel_line,
    kernel_rows,
    open_words,
    pick_rows,
    possible_sorts,
    profile_words,
    row_line,
    site_lines,
    summary_lines,
)
from tuitrain.view.spans import SpanLine, line_width

ON_DEVICE = digest_events("p1", cuda_events())
ON_HOST = digest_events("p2", [event for event in cuda_events() if event.get("pid") != 0])
EVIL = "\x1b]0;owned\x07"


def text(lines: list[SpanLine]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def record(state: str = "done", **changes: Any) -> ProfileRow:
    values: dict[str, Any] = {
        "name": "p1",
        "time": 1000.0,
        "state": state,
        "first_step": 1201,
        "last_step": 1220,
        "facts": ProfileFacts(device="cuda:0", with_stacks=True, held_up_s=0.25),
        "summary": ON_DEVICE["summary"],
    }
    return ProfileRow(**(values | changes))


def test_the_words_above_say_what_idles_and_what_costs_most() -> None:
    on_device = text(summary_lines(ON_DEVICE, "", 100))
    assert "the device is idle 30 % of the time: 300 us of a step of 1.00 ms" in on_device
    assert "convolution 30 %, 300 us; convolution backward 20 %, 200 us" in on_device
    assert "longest gap 200 us: the host was in cudaStreamSynchronize in aten::item" in on_device
    on_host = text(summary_lines(ON_HOST, "fewer steps: the run ended", 100))
    assert "no device in this profile" in on_host and "23 % of it outside operators" in on_host
    assert "fewer steps: the run ended" in on_host


def test_tables_are_sorted_and_filtered_by_name_and_call_site() -> None:
    assert (first_sort(ON_DEVICE), first_sort(ON_HOST)) == ("device", "self")
    assert "device" not in possible_sorts(ON_HOST)
    rows = pick_rows(ON_DEVICE, "operator", "device")
    assert rows[0]["name"] == "aten::cudnn_convolution"
    assert pick_rows(ON_HOST, "operator", "self")[0]["name"] == "cudaStreamSynchronize"
    assert [row["name"] for row in pick_rows(ON_DEVICE, "operator", "calls", "ADAMW")] == [
        "aten::_fused_adamw_"
    ]
    by_site = {row["name"] for row in pick_rows(ON_DEVICE, "operator", "self", "net.conv")}
    assert "aten::convolution_backward" in by_site and "aten::item" not in by_site
    assert pick_rows(ON_DEVICE, "module", "memory")[0]["name"] == "net.conv (Conv2d)"


@pytest.mark.parametrize("digest", [ON_DEVICE, ON_HOST], ids=["device", "host"])
def test_a_table_fits_every_width_and_its_columns_line_up(digest: dict[str, Any]) -> None:
    for width in (60, 80, 120, 200):
        columns = columns_for(digest, width)
        sort = first_sort(digest)
        lines = [head_line(columns, "operator", sort, width)]
        lines += [row_line(row, digest, columns, width) for row in digest["tables"]["operator"]]
        assert {line_width(line) for line in lines} == {line_width(lines[0])}
        assert line_width(lines[0]) <= width
    assert "*" in text([head_line(columns, "operator", sort, 200)])
    assert len(columns_for(digest, 200)) > len(columns_for(digest, 80)) >= 3


def test_a_long_name_keeps_its_end() -> None:
    name = "autograd::engine::evaluate_function: ConvolutionBackward0"
    [row] = [row for row in ON_DEVICE["tables"]["operator"] if row["name"] == name]
    shown = text([row_line(row, ON_DEVICE, columns_for(ON_DEVICE, 60), 60)])
    assert "ConvolutionBackward0" in shown


def test_call_sites_name_module_line_and_sizes() -> None:
    [row] = pick_rows(ON_DEVICE, "operator", "self", "cudnn_convolution")
    shown = text(site_lines(row, 100))
    for words in ("net.conv (Conv2d)  net.py:12  8x3x32x32, 64x3x7x7", "64.0 KiB", "300 us"):
        assert words in shown


def test_kernels_and_gaps_have_tables_of_their_own() -> None:
    rows = kernel_rows(ON_DEVICE)
    assert rows[0]["name"].startswith("implicit_convolve")
    assert line_width(kernel_line(rows[0], ON_DEVICE, 80)) <= 80
    assert kernel_rows(ON_HOST) == [] and gap_lines(ON_HOST, 80) == []
    assert "cudaStreamSynchronize in aten::item" in text(gap_lines(ON_DEVICE, 80))


def test_a_difference_has_its_sign_and_says_how_many_steps_it_rests_on() -> None:
    compared = compare_digests(ON_HOST, digest_events("p3", cuda_events(7)[:-2]))
    words = "\n".join(difference_words(compared))
    assert "p2 -> p3" in words and "p2: 3 steps" in words and "p3: 7 steps" in words
    grown = {
        "name": EVIL, "before_us": 10.0, "after_us": 30.0, "difference_us": 20.0,
        "before_calls": 1.0, "after_calls": 3.0,
    }  # fmt: skip
    shown = text([difference_head(80), difference_line(grown, 80)])
    assert "+20.0 us" in shown and "+2" in shown and "\x1b" not in shown
    shrunk = {**grown, "difference_us": -20.0, "after_calls": 1.0}
    assert "-20.0 us" in text([difference_line(shrunk, 80)])


def test_what_a_list_says_of_a_profile_in_each_of_its_states() -> None:
    done = "\n".join(profile_words(record(), 1100.0))
    assert "profile p1, 1 min ago: steps 1,201 to 1,220" in done and "idle 30 %" in done
    failed = profile_words(record("failed", summary={"error": f"cut{EVIL}"}), 1100.0)
    assert "can't be read: cut" in failed[0] and "\x1b" not in failed[0]
    assert "still being read" in profile_words(record("reading", summary={}), 1100.0)[0]
    assert "training was held up for 250 ms" in facts_words(record())


def test_the_command_to_open_a_trace_survives_blanks_in_its_path() -> None:
    words = open_words("/my runs/p1/trace.json.gz", "box")
    assert words[0] == "trace: /my runs/p1/trace.json.gz"
    assert "scp box:'/my runs/p1/trace.json.gz' trace.json.gz" in words[2]
    assert "https://ui.perfetto.dev" in words[1]


def test_no_name_of_a_trace_can_act_on_the_terminal() -> None:
    events = [
        span("user_annotation", "ProfilerStep#1", 0, 100),
        span("python_function", f"x{EVIL}.py(1): f", 1, 90, CallFrom=f"y{EVIL}.py:3"),
        span("user_annotation", f"module: m{EVIL}", 2, 80),
        operator(f"aten::{EVIL}", 5, 50),
    ]
    digest = digest_events("p", events)
    columns = columns_for(digest, 80)
    lines = summary_lines(digest, EVIL, 80)
    for grouping in ("operator", "module", "line"):
        for row in digest["tables"][grouping]:
            lines += [row_line(row, digest, columns, 80), *site_lines(row, 80)]
    assert "\x1b" not in text(lines) and "\x07" not in text(lines)
