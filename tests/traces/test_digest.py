from pathlib import Path
from typing import Any

import pytest

from tests.traces.traces import (
    AUTOGRAD,
    BASE_US,
    STEP_US,
    Event,
    cuda_events,
    kernel,
    one_step,
    operator,
    span,
    write_trace,
)
from tuitrain.errors import ProfileError
from tuitrain.traces.compare import compare_digests
from tuitrain.traces.digest import digest_events
from tuitrain.traces.events import build_trace
from tuitrain.traces.flame import _HIDDEN, build_flame
from tuitrain.traces.nesting import nest
from tuitrain.traces.places import _LIBRARY
from tuitrain.traces.store import load_digest, read_digest, trace_path
from tuitrain.traces.stream import read_events

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def digest() -> dict[str, Any]:
    return digest_events("p1", cuda_events())


def row(digest: dict[str, Any], grouping: str, name: str) -> dict[str, Any]:
    [found] = [each for each in digest["tables"][grouping] if each["name"] == name]
    return found


def test_a_kernel_counts_for_the_operator_that_started_it_whenever_it_ran(
    digest: dict[str, Any],
) -> None:
    conv = row(digest, "operator", "aten::cudnn_convolution")
    outer = row(digest, "operator", "aten::conv2d")
    assert conv["calls"] == 1
    assert conv["self_device_us"] == pytest.approx(300)
    assert (outer["self_device_us"], outer["total_device_us"]) == (0, pytest.approx(300))
    assert conv["self_us"] == pytest.approx(92)  # 100 less the launch
    assert outer["total_us"] == pytest.approx(120)
    assert row(digest, "operator", "cudaLaunchKernel")["self_us"] == pytest.approx(24)
    assert row(digest, "operator", "aten::copy_")["self_device_us"] == pytest.approx(100)
    assert conv["shapes"] == [["8x3x32x32, 64x3x7x7", 1.0]]
    assert (conv["device_bytes"], conv["host_bytes"]) == (65536, 0)


def test_the_backward_pass_belongs_to_the_module_and_line_of_its_forward(
    digest: dict[str, Any],
) -> None:
    backward = row(digest, "operator", "aten::convolution_backward")
    assert backward["backward_share"] == 1
    assert backward["sites"][0]["names"][:2] == ["net.conv (Conv2d)", "net.py:12"]
    module = row(digest, "module", "net.conv (Conv2d)")
    assert module["self_device_us"] == pytest.approx(500)
    assert module["backward_share"] == pytest.approx(0.4)
    assert row(digest, "module", "net (Net)")["total_device_us"] == pytest.approx(500)
    assert row(digest, "module", "(optimizer)")["self_device_us"] == pytest.approx(100)
    assert row(digest, "line", "net.py:12")["self_device_us"] == pytest.approx(500)
    assert row(digest, "line", "train.py:20")["total_device_us"] == pytest.approx(500)


def test_what_ran_before_the_first_step_counts_nowhere(digest: dict[str, Any]) -> None:
    assert not any(each["name"] == "aten::relu" for each in digest["tables"]["operator"])
    assert not any(each["name"] == "relu" for each in digest["device"]["kernels"])


def test_idle_time_and_gaps_of_the_device_with_what_the_host_did(digest: dict[str, Any]) -> None:
    device = digest["device"]
    assert device["busy_us"] == pytest.approx(700)
    assert device["idle_share"] == pytest.approx(0.3)
    assert digest["window_us"] == pytest.approx(STEP_US)
    longest = device["gaps"][0]
    assert longest["duration_us"] == pytest.approx(200)
    assert "cudaStreamSynchronize in aten::item" in longest["host"]
    assert device["gap_count"] == pytest.approx(2)
    assert sum(gap["duration_us"] for gap in device["gaps"]) == pytest.approx(900)


def test_kernels_and_copies_are_added_up(digest: dict[str, Any]) -> None:
    kernels = {each["name"]: each for each in digest["device"]["kernels"]}
    conv = kernels["implicit_convolve_sgemm<float>"]
    assert (conv["calls"], conv["total_us"], conv["mean_us"]) == (1, 300, 300)
    assert conv["operators"] == ["aten::cudnn_convolution"]
    [copied] = digest["device"]["copies"]
    assert (copied["bytes"], copied["total_us"]) == (4096, 100)


def test_kernels_that_overlap_on_two_streams_are_busy_time_once() -> None:
    events = one_step(1, 0, 10)
    events.append({**kernel("other stream", 200, 300, 9999), "tid": 8})
    assert digest_events("p", events)["device"]["busy_us"] == pytest.approx(700)


def test_times_by_themselves_add_up_to_the_time_in_operators(digest: dict[str, Any]) -> None:
    for grouping in ("operator", "module", "line"):
        own = sum(each["self_us"] for each in digest["tables"][grouping])
        assert own == pytest.approx(50 + 120 + 500 + 200 + 100)
    assert digest["host"]["operators_us"] == pytest.approx(770)
    assert digest["host"]["outside_us"] == pytest.approx(230)


def test_the_flame_tree_nests_calls_modules_and_operators(digest: dict[str, Any]) -> None:
    step, autograd = digest["flame"]["parts"]
    assert (step["name"], step["us"]) == ("step", pytest.approx(1000))
    assert (autograd["name"], autograd["us"]) == ("pt_autograd_0", pytest.approx(200))
    assert {"aten::item", "net.py(10): forward"} <= {part["name"] for part in step["parts"]}
    node, path = step, []
    while node["parts"]:
        node = next((p for p in node["parts"] if "net" in p["name"] or path), node["parts"][0])
        path.append(node["name"])
    assert path[:3] == ["net.py(10): forward", "net (Net)", "net.conv (Conv2d)"]
    assert path[-1] == "cudaLaunchKernel"
    assert step["device_us"] == pytest.approx(500)
    assert autograd["device_us"] == pytest.approx(200)
    assert digest["flame"]["device_us"] == pytest.approx(700)


def test_the_summary_names_the_costs_as_people_do(digest: dict[str, Any]) -> None:
    summary = digest["summary"]
    assert summary["idle_share"] == pytest.approx(0.3)
    costs = {cost["what"]: cost for cost in summary["costs"]}
    assert list(costs)[:2] == ["convolution", "convolution backward"]
    assert set(costs) == {"convolution", "convolution backward", "copying", "optimizer"}
    assert costs["convolution"]["share"] == pytest.approx(0.3)
    assert costs["convolution backward"]["us"] == pytest.approx(200)


def test_an_evaluation_between_two_steps_is_no_idle_time() -> None:
    events = [*one_step(1, 0, 10), *one_step(2, 50_000, 20), *one_step(3, 51_000, 30)]
    digest = digest_events("p", events)
    assert digest["window_us"] == pytest.approx(1000)
    assert digest["device"]["idle_share"] == pytest.approx(0.3)


def test_a_mark_that_outlasts_the_call_that_set_it_holds_what_comes_after() -> None:
    """As every mark does when python calls are recorded: it begins inside `__enter__`."""
    events = [
        span("python_function", "torch/autograd/profiler.py(1): __enter__", 0, 6),
        span("user_annotation", "ProfilerStep#5", 4, 100),
        operator("aten::mm", 20, 50),
        span("python_function", "torch/autograd/profiler.py(9): __exit__", 102, 6),
    ]
    digest = digest_events("p", events)
    assert digest["host"]["step_us"] == pytest.approx(100)
    assert digest["host"]["operators_us"] == pytest.approx(50)


def test_without_a_device_there_is_none_rather_than_zeros() -> None:
    events = [each for each in cuda_events() if each.get("pid") != 0]
    digest = digest_events("p", events)
    assert digest["device"] is None
    assert digest["summary"]["idle_share"] is None
    assert digest["summary"]["outside_share"] == pytest.approx(0.23)
    assert digest["summary"]["measure"] == "host"


def test_a_trace_without_a_step_or_of_another_kind_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="holds no step"):
        digest_events("p", [operator("aten::mm", 0, 5, AUTOGRAD)])
    with pytest.raises(ProfileError, match="can't be understood"):
        digest_events("p", [{"ph": "X", "cat": "cpu_op", "name": "a", "tid": 1, "ts": "soon"}])
    (tmp_path / "other.json").write_text('{"a": [1, 2, 3]}')
    with pytest.raises(ProfileError, match="has no traceEvents"):
        list(read_events(tmp_path / "other.json"))
    with pytest.raises(ProfileError, match="can't be read"):
        list(read_events(tmp_path / "missing.json.gz"))


def test_a_trace_is_read_event_by_event_and_a_cut_one_is_refused(tmp_path: Path) -> None:
    events = cuda_events(2000)
    path = write_trace(tmp_path / "trace.json.gz", events)
    assert list(read_events(path)) == events
    cut = tmp_path / "cut.json.gz"
    cut.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(ProfileError):
        list(read_events(cut))


def test_whoever_opens_a_profile_first_works_it_out(tmp_path: Path) -> None:
    write_trace(trace_path(tmp_path, "p3"), cuda_events())
    assert read_digest(tmp_path, "p3") is None
    digest = load_digest(tmp_path, "p3")
    assert digest["name"] == "p3" and digest["steps"] == 3
    assert digest == read_digest(tmp_path, "p3")
    files = sorted(path.name for path in (tmp_path / "profiles/p3").iterdir())
    assert files == ["profile.json", "trace.json.gz"]


def test_a_digest_of_another_version_is_worked_out_anew_and_a_lost_trace_is_named(
    tmp_path: Path,
) -> None:
    path = write_trace(trace_path(tmp_path, "p1"), cuda_events())
    (path.parent / "profile.json").write_text('{"format": 0}')
    assert load_digest(tmp_path, "p1")["steps"] == 3
    with pytest.raises(ProfileError, match="has no trace any more"):
        load_digest(tmp_path, "p2")
    write_trace(trace_path(tmp_path, "p4"), [])
    with pytest.raises(ProfileError, match="holds no step"):
        load_digest(tmp_path, "p4")


# --- two profiles -------------------------------------------------------------------------------


def slower(events: list[Event]) -> list[Event]:
    """Let the convolution's kernel take 150 us more, and add an operator."""
    changed = [
        {**event, "dur": event["dur"] + 150}
        if event["name"].startswith("implicit_convolve")
        else event
        for event in events
    ]
    steps = [each["ts"] - BASE_US for each in events if each["name"].startswith("ProfilerStep")]
    return [*changed, *(operator("aten::gelu", start + 950, 30) for start in steps)]


def test_operators_that_differ_are_listed_by_how_much(digest: dict[str, Any]) -> None:
    other = digest_events("p2", slower(cuda_events(5)))
    compared = compare_digests(digest, other)
    assert compared["measure"] == "device"
    assert [each["name"] for each in compared["rows"]] == ["aten::cudnn_convolution"]
    assert compared["rows"][0]["difference_us"] == pytest.approx(150)
    assert (compared["before"]["steps"], compared["after"]["steps"]) == (3, 5)
    without = digest_events("p0", [each for each in cuda_events() if each.get("pid") != 0])
    on_host = compare_digests(without, other)
    assert on_host["measure"] == "host"
    [gelu] = [each for each in on_host["rows"] if each["name"] == "aten::gelu"]
    assert (gelu["before_us"], gelu["after_us"]) == (0, pytest.approx(30))
    assert (gelu["before_calls"], gelu["after_calls"]) == (0, 1)


def test_equal_profiles_differ_in_nothing(digest: dict[str, Any]) -> None:
    assert compare_digests(digest, digest)["rows"] == []


def test_own_files_that_are_told_apart_in_a_trace_are_there() -> None:
    named = [name for name in (*_HIDDEN, *_LIBRARY) if name.startswith("tuitrain/")]
    assert named
    assert all((PROJECT / name).exists() for name in named)


def test_what_outlasts_its_step_ends_with_it() -> None:
    # A script's step ends in a hook of its optimizer; the last one ends with the recording.
    mark = {"ph": "X", "cat": "user_annotation", "tid": 1, "pid": 1}
    trace = build_trace([
        {**mark, "name": "ProfilerStep#1", "ts": 0.0, "dur": 100.0},
        {**mark, "name": "Optimizer.step#SGD.step", "ts": 80.0, "dur": 5000.0},
    ])  # fmt: skip
    nest(trace)
    [part] = build_flame(trace)["parts"]
    assert (part["name"], part["us"]) == ("Optimizer.step#SGD.step", 20.0)
