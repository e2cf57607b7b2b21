"""What holds a run's steps up, and what to try: from numbers to words."""

from dataclasses import replace

import pytest

from tuitrain.measures import HOST_BOUND_METRIC, STAGES, WALL_METRIC, split_metric
from tuitrain.runs.rows import SpeedRow, SpentRow
from tuitrain.runs.series import Column, Series
from tuitrain.view.figure import Look
from tuitrain.view.spans import SpanLine, line_width
from tuitrain.view.steptime import StepTime, Surroundings, step_time, surroundings
from tuitrain.view.timetext import (
    side_lines,
    side_title,
    spent_line,
    time_block,
    time_lines,
    timeline,
    timeline_unit,
)
from tuitrain.view.verdict import flops_per_s, judge, work_line

PLAIN = Look(ascii=True, colour=False)
GPU = Surroundings(
    device="cuda:0",
    held=False,
    workers=2,
    cores=16,
    idle_cores=14.0,
    precision="bf16",
    compiles=True,
    batch_size=64,
    accumulate=1,
)
CPU = replace(GPU, device="cpu", precision="fp32", threads=1)
SPENT = SpentRow(100.0, 80.0, 10.0, 0.5, 0.0)


def split(wall_ms: float = 10.0, host_bound: float | None = None, **percent: float) -> StepTime:
    """Return a step of which the stages named take so many percent, and `other` the rest."""
    values = {split_metric(stage): percent.get(stage, 0.0) / 1e5 * wall_ms for stage in STAGES}
    rest = 100.0 - sum(percent.values())
    values[split_metric("other")] += rest / 1e5 * wall_ms
    values[WALL_METRIC] = wall_ms / 1e3
    if host_bound is not None:
        values[HOST_BOUND_METRIC] = host_bound
    found = step_time(values)
    assert found is not None
    return found


def text_of(lines: list[SpanLine]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


INPUT = split(data=41, forward=20, backward=30, optimizer=5)
COMPUTE = split(data=2, forward=30, backward=55, optimizer=10)


# --- verdicts -------------------------------------------------------------------------------------


def test_a_gpu_that_waits_for_its_loaders_is_input_bound() -> None:
    assert judge(INPUT, GPU).line == (
        "input-bound: the GPU waits 41 % of each step for data; 2 loader workers on 16 cores"
    )


@pytest.mark.parametrize(
    ("around", "text"),
    [
        (CPU, "41 % of each step goes into waiting for data; 2 loader workers on 16 cores"),
        (
            replace(CPU, workers=0),
            "41 % of each step goes into waiting for data; no loader workers on 16 cores",
        ),
        (
            replace(CPU, workers=1, cores=None),
            "41 % of each step goes into waiting for data; 1 loader worker",
        ),
        (replace(GPU, held=True), "gathering and preparing batches takes 41 % of each step"),
        (Surroundings(), "41 % of each step goes into waiting for data"),
    ],
)
def test_the_words_fit_where_the_data_come_from(around: Surroundings, text: str) -> None:
    assert judge(INPUT, around).text == text


@pytest.mark.parametrize(
    ("time", "kind", "number"),
    [
        (split(copy=25, forward=30, backward=40), "copy-bound", "25 %"),
        (split(host_bound=0.8, forward=30, backward=50, data=5), "host-bound", "80 %"),
        (split(data=30, host_bound=1.0, forward=60), "input-bound", "30 %"),
        (split(optimizer=40, forward=20, backward=35), "optimizer-heavy", "40 %"),
        (split(forward=20, backward=30), "overhead-bound", "50 %"),
        (COMPUTE, "compute-bound", "55 %"),
        (split(forward=93, backward=4), "compute-bound", "93 %"),
        (split(host_bound=0.3, forward=35, backward=55), "compute-bound", "35 %"),
    ],
)
def test_each_cause_is_told_with_its_number(time: StepTime, kind: str, number: str) -> None:
    verdict = judge(time, GPU)
    assert verdict.kind == kind
    assert number in verdict.text


def test_what_is_not_known_is_said_so() -> None:
    assert judge(None, CPU).line == "not known yet: no step has been timed yet"
    assert judge(None, replace(CPU, device="mps")).kind == "not known"
    assert step_time({}) is None
    assert step_time({WALL_METRIC: float("nan")}) is None


# --- suggestions ----------------------------------------------------------------------------------


def test_more_workers_are_as_many_as_keep_up_and_as_cores_are_idle() -> None:
    [tip] = judge(INPUT, GPU).suggestions
    assert tip == (
        "data.workers 2 -> 5: 14 of 16 cores are idle, and beside the wait of 4.10 ms a step takes "
        "5.90 ms"
    )
    [tip] = judge(INPUT, replace(GPU, idle_cores=1.4)).suggestions
    assert tip.startswith("data.workers 2 -> 3: 1 of 16 cores")
    [tip] = judge(INPUT, replace(GPU, workers=0)).suggestions
    assert tip.startswith("data.workers 0 -> 2:")


@pytest.mark.parametrize(
    "around",
    [replace(GPU, idle_cores=None), replace(GPU, idle_cores=0.5), replace(GPU, held=True)],
)
def test_without_idle_cores_or_loaders_no_workers_are_suggested(around: Surroundings) -> None:
    assert judge(INPUT, around).suggestions == ()


def test_a_set_that_fits_is_suggested_to_be_held() -> None:
    busy = replace(GPU, idle_cores=0.0, free_bytes=8 * 2**30)
    [tip] = judge(INPUT, replace(busy, set_bytes=50 * 2**20)).suggestions
    assert tip == "data.mode = tensor: the set of 50.0 MiB fits into the 8.00 GiB that are free"
    assert judge(INPUT, replace(busy, set_bytes=6 * 2**30)).suggestions == ()
    assert judge(INPUT, replace(busy, set_bytes=None)).suggestions == ()


def test_a_host_that_can_not_keep_up_is_given_larger_pieces() -> None:
    time = split(host_bound=0.8, forward=40, backward=50)
    roomy = replace(GPU, gpu_used_bytes=20e9, gpu_total_bytes=100e9, compiles=False)
    batch, kernels = judge(time, roomy).suggestions
    assert batch == "train.batch_size 64 -> 128: a step takes 10.0 ms, and GPU memory is 20 % full"
    assert kernels.startswith("train.compile = true")
    assert "80 %" in kernels
    assert judge(time, replace(roomy, gpu_used_bytes=60e9, compiles=True)).suggestions == ()


def test_computing_is_made_cheaper_only_where_the_device_can() -> None:
    able = replace(GPU, precision="fp32", has_bf16=True)
    [tip] = judge(COMPUTE, able).suggestions
    assert tip.startswith("train.precision = bf16: 85 % of each step is computed in fp32")
    assert judge(COMPUTE, replace(able, has_bf16=None)).suggestions == ()
    assert judge(COMPUTE, replace(able, precision="bf16")).suggestions == ()
    [tip] = judge(COMPUTE, CPU).suggestions
    assert tip.startswith("train.threads 1 -> 15: 14 of 16 cores are idle")


def test_a_forward_pass_that_takes_more_than_the_backward_one_is_worth_a_profile() -> None:
    [tip] = judge(split(forward=93, backward=4), GPU).suggestions
    assert tip.startswith("profile some steps: forward takes 9.30 ms and backward 400 us")


def test_an_update_costs_the_same_for_more_samples() -> None:
    [tip] = judge(split(optimizer=40, forward=20, backward=35), GPU).suggestions
    assert "4.00 ms however many samples" in tip


# --- what is known around it ----------------------------------------------------------------------

CONFIG = {
    "data": {"workers": 2},
    "train": {"precision": "fp32", "compile": False, "batch_size": 64, "accumulate": 2},
}
META = {
    "device": "cuda:0",
    "environment": {
        "cpu_count": 16,
        "usable_cpus": 8,
        "threads": 8,
        "data_on_device": False,
        "bf16": True,
        "set_bytes": 1000,
    },
    "work": {"flops_per_sample": 1e9, "peak_flops": 1e14, "peak_source": "bf16 of X"},
}
SAMPLES = {
    "host/cpu_percent": 25.0,
    "host/worker_cpu_percent": 150.0,
    "gpu0/memory_used_bytes": 70e9,
    "gpu0/memory_total_bytes": 80e9,
    "gpu0/worker_bytes": 0.0,
    "gpu1/memory_used_bytes": 20e9,
    "gpu1/memory_total_bytes": 80e9,
    "gpu1/worker_bytes": 19e9,
}


def test_facts_are_gathered_from_preset_record_and_readings() -> None:
    around = surroundings(CONFIG, META, SAMPLES)
    assert around == Surroundings(
        device="cuda:0",
        held=False,
        workers=2,
        threads=8,
        cores=8,
        idle_cores=6.5,
        set_bytes=1000,
        free_bytes=60e9,
        gpu_used_bytes=20e9,
        gpu_total_bytes=80e9,
        precision="fp32",
        compiles=False,
        has_bf16=True,
        batch_size=64,
        accumulate=2,
        flops_per_sample=1e9,
        peak_flops=1e14,
        peak_source="bf16 of X",
    )


def test_what_was_not_read_is_not_known() -> None:
    assert surroundings({}, {}, {}) == Surroundings()
    nobody = {name: value for name, value in SAMPLES.items() if "worker" not in name}
    around = surroundings(CONFIG, META, nobody | {"host/cpu_percent": float("nan")})
    assert (around.idle_cores, around.gpu_used_bytes, around.free_bytes) == (None, None, None)


# --- arithmetic -----------------------------------------------------------------------------------


def test_the_models_speed_is_told_with_the_share_of_the_peak_where_that_is_known() -> None:
    around = surroundings(CONFIG, META, SAMPLES)
    assert flops_per_s(COMPUTE, around) == pytest.approx(1e9 * 128 / 0.01)
    assert work_line(COMPUTE, around) == (
        "12.8 TFLOP/s in the model, 13 % of the device's peak of 100 TFLOP/s (bf16 of X)"
    )
    unknown = replace(around, peak_flops=None)
    assert work_line(COMPUTE, unknown).endswith("the peak of this device is not known")
    assert work_line(COMPUTE, replace(around, flops_per_sample=None)) == ""
    assert work_line(None, around) == ""


def test_a_step_takes_what_all_steps_took_and_the_timed_ones_say_how_it_splits() -> None:
    split = {split_metric("forward"): 0.006, split_metric("backward"): 0.002, WALL_METRIC: 0.008}
    time = step_time(split, SpeedRow(250.0, 8000.0))
    assert time is not None
    assert time.wall_s == pytest.approx(0.004)
    assert time.share("forward") == pytest.approx(0.75)


# --- looks ----------------------------------------------------------------------------------------


def test_the_side_column_has_a_bar_for_each_stage_and_the_cause_in_a_word() -> None:
    assert side_title(INPUT) == "step 10.0 ms"
    lines = side_lines(INPUT, judge(INPUT, GPU), 18, PLAIN)
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
        for line in side_lines(time, judge(time, GPU), width, PLAIN):
            assert line_width(line) <= width


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_the_screen_says_all_of_it_at_every_width(width: int) -> None:
    around = surroundings(CONFIG, META, SAMPLES)
    lines = time_lines(INPUT, judge(INPUT, around), around, SPENT, width, PLAIN)
    said = " ".join(" ".join(text_of(lines)).split())
    for words in ("the GPU waits 41 % of each step", "try data.workers", "TFLOP/s", "steps 80.0 %"):
        assert words in said
    assert all(text.isascii() for text in text_of(lines))
    if width >= 60:
        assert all(line_width(line) <= width for line in lines)


def test_a_run_without_a_split_still_says_what_its_time_went_into() -> None:
    lines = text_of(time_lines(None, judge(None, CPU), CPU, SPENT, 80, PLAIN))
    assert lines[0] == " not known yet: no step has been timed yet"
    assert "evaluation 10.0 %" in lines[-2] + lines[-1]
    assert "try" not in "".join(lines)


def test_foreign_words_do_not_reach_the_terminal_as_they_are() -> None:
    around = replace(surroundings(CONFIG, META, SAMPLES), peak_source="\x1b[2J")
    text = time_block(COMPUTE, judge(COMPUTE, around), around, SPENT)
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
    assert "nan" not in spent_line(SpentRow(0.0, 0.0, 0.0, 0.0, 0.0))


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
