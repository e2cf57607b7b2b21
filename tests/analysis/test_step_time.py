from dataclasses import replace

import pytest

from tests.analysis.steps import CONFIG, FACTS, SAMPLES
from tuitrain.analysis.step_time import StepContext, step_context, step_time
from tuitrain.metric_names import WALL_METRIC, split_metric
from tuitrain.runs.rows import RunFacts, ScriptFacts, SpeedRow


def test_facts_are_gathered_from_preset_record_and_readings() -> None:
    context = step_context(CONFIG, FACTS, SAMPLES)
    assert context == StepContext(
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
    assert step_context({}, RunFacts(), {}) == StepContext()
    nobody = {name: value for name, value in SAMPLES.items() if "worker" not in name}
    context = step_context(CONFIG, FACTS, nobody | {"host/cpu_percent": float("nan")})
    assert (context.idle_cores, context.gpu_used_bytes, context.free_bytes) == (None, None, None)


def test_a_step_takes_what_all_steps_took_and_the_timed_ones_say_how_it_splits() -> None:
    timed = {split_metric("forward"): 0.006, split_metric("backward"): 0.002, WALL_METRIC: 0.008}
    split = {split_metric("copy"): 0.0, **timed}
    time = step_time(split, SpeedRow(250.0, 8000.0))
    assert time is not None
    assert time.wall_s == pytest.approx(0.004)
    assert time.share("forward") == pytest.approx(0.75)


def test_what_a_script_tells_of_itself_is_no_preset() -> None:
    facts = replace(FACTS, script=ScriptFacts())
    context = step_context({"train": {"batch_size": "large"}, "data": {"workers": []}}, facts, {})
    assert context.is_script
    assert (context.batch_size, context.workers) == (None, None)
