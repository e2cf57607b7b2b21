"""What holds a run's steps up, and what to try: from numbers to words."""

from dataclasses import replace

import pytest

from tests.analysis.steps import COMPUTE, CPU, GPU, INPUT, SCRIPT, script_split, split
from tuitrain.analysis.bottleneck import diagnose
from tuitrain.analysis.step_time import StepContext, StepTime, step_time
from tuitrain.metric_names import WALL_METRIC

# --- what it is ---------------------------------------------------------------------------------


def test_a_gpu_that_waits_for_its_loaders_is_input_bound() -> None:
    assert diagnose(INPUT, GPU).line == (
        "input-bound: the GPU waits 41 % of each step for data; 2 loader workers on 16 cores"
    )


@pytest.mark.parametrize(
    ("context", "text"),
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
        (StepContext(), "41 % of each step goes into waiting for data"),
    ],
)
def test_the_words_fit_where_the_data_come_from(context: StepContext, text: str) -> None:
    assert diagnose(INPUT, context).text == text


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
    bottleneck = diagnose(time, GPU)
    assert bottleneck.kind == kind
    assert number in bottleneck.text


def test_what_is_not_known_is_said_so() -> None:
    assert diagnose(None, CPU).line == "not known yet: no step has been timed yet"
    assert diagnose(None, replace(CPU, device="mps")).kind == "not known"
    assert step_time({}) is None
    assert step_time({WALL_METRIC: float("nan")}) is None


# --- suggestions ----------------------------------------------------------------------------------


def test_more_workers_are_as_many_as_keep_up_and_as_cores_are_idle() -> None:
    [tip] = diagnose(INPUT, GPU).suggestions
    assert tip == (
        "data.workers 2 -> 5: 14 of 16 cores are idle, and beside the wait of 4.10 ms a step takes "
        "5.90 ms"
    )
    [tip] = diagnose(INPUT, replace(GPU, idle_cores=1.4)).suggestions
    assert tip.startswith("data.workers 2 -> 3: 1 of 16 cores")
    [tip] = diagnose(INPUT, replace(GPU, workers=0)).suggestions
    assert tip.startswith("data.workers 0 -> 2:")


@pytest.mark.parametrize(
    "context",
    [replace(GPU, idle_cores=None), replace(GPU, idle_cores=0.5), replace(GPU, held=True)],
)
def test_without_idle_cores_or_loaders_no_workers_are_suggested(context: StepContext) -> None:
    assert diagnose(INPUT, context).suggestions == ()


def test_a_set_that_fits_is_suggested_to_be_held() -> None:
    busy = replace(GPU, idle_cores=0.0, free_bytes=8 * 2**30)
    [tip] = diagnose(INPUT, replace(busy, set_bytes=50 * 2**20)).suggestions
    assert tip == "data.mode = tensor: the set of 50.0 MiB fits into the 8.00 GiB that are free"
    assert diagnose(INPUT, replace(busy, set_bytes=6 * 2**30)).suggestions == ()
    assert diagnose(INPUT, replace(busy, set_bytes=None)).suggestions == ()


def test_a_host_that_can_not_keep_up_is_given_larger_pieces() -> None:
    time = split(host_bound=0.8, forward=40, backward=50)
    roomy = replace(GPU, gpu_used_bytes=20e9, gpu_total_bytes=100e9, compiles=False)
    batch, kernels = diagnose(time, roomy).suggestions
    assert batch == "train.batch_size 64 -> 128: a step takes 10.0 ms, and GPU memory is 20 % full"
    assert kernels.startswith("train.compile = true")
    assert "80 %" in kernels
    assert diagnose(time, replace(roomy, gpu_used_bytes=60e9, compiles=True)).suggestions == ()


def test_computing_is_made_cheaper_only_where_the_device_can() -> None:
    able = replace(GPU, precision="fp32", has_bf16=True)
    [tip] = diagnose(COMPUTE, able).suggestions
    assert tip.startswith("train.precision = bf16: 85 % of each step is computed in fp32")
    assert diagnose(COMPUTE, replace(able, has_bf16=None)).suggestions == ()
    assert diagnose(COMPUTE, replace(able, precision="bf16")).suggestions == ()
    [tip] = diagnose(COMPUTE, CPU).suggestions
    assert tip.startswith("train.threads 1 -> 15: 14 of 16 cores are idle")


def test_a_forward_pass_that_takes_more_than_the_backward_one_is_worth_a_profile() -> None:
    [tip] = diagnose(split(forward=93, backward=4), GPU).suggestions
    assert tip.startswith("profile some steps: forward takes 9.30 ms and backward 400 us")


def test_an_update_costs_the_same_for_more_samples() -> None:
    [tip] = diagnose(split(optimizer=40, forward=20, backward=35), GPU).suggestions
    assert "4.00 ms however many samples" in tip


# --- scripts of anybody's -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "kind", "words"),
    [
        ({"data": 30, "forward": 20, "backward": 40, "optimizer": 5, "other": 5}, "input-bound",
         "30 % of each step goes into waiting for data"),
        ({"data": 5, "forward": 30, "backward": 50, "optimizer": 10, "other": 5}, "compute-bound",
         "forward takes 30 % and backward 50 %"),
        ({"data": 5, "forward": 20, "backward": 30, "optimizer": 5, "other": 40},
         "overhead-bound", "the loop itself takes 40 %"),
        ({"backward": 40, "optimizer": 10, "rest": 50}, "partly known", "no DataLoader is used"),
        ({"data": 10, "backward": 40, "rest": 50}, "partly known", "its updates are not seen"),
        ({"backward": 40, "optimizer": 40, "rest": 20}, "optimizer-heavy",
         "the update takes 40 % of each step"),
        ({"backward": 70, "optimizer": 10, "rest": 20}, "compute-bound",
         "backward takes 70 % of each step, and 20 % of it is not told apart"),
    ],
)  # fmt: skip
def test_of_a_script_nothing_is_said_that_was_not_seen(
    percent: dict[str, float], kind: str, words: str
) -> None:
    time = script_split(**percent)
    # Its evaluations slow its speed, and are in none of these steps.
    assert time.wall_s == pytest.approx(0.01)
    assert set(time.stages) == set(percent)
    found = diagnose(time, SCRIPT)
    assert found.kind == kind
    assert words in found.text


def test_a_script_that_waits_for_data_is_told_of_the_wait() -> None:
    time = script_split(data=60, forward=15, backward=15, optimizer=5, other=5)
    assert diagnose(time, SCRIPT).suggestions == (
        "num_workers of its DataLoader: beside the wait of 6.00 ms a step takes 4.00 ms",
    )
    assert "only torch's loaders" in diagnose(None, SCRIPT).text
