"""Steps and what they ran with and on, for tests of what is computed and of what is shown of it."""

from dataclasses import replace

from tuitrain.analysis.step_time import StepContext, StepTime, step_time
from tuitrain.messages import Environment
from tuitrain.metric_names import HOST_BOUND_METRIC, STAGES, WALL_METRIC, split_metric
from tuitrain.runs.rows import RunFacts, SpeedRow, WorkRow

GPU = StepContext(
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

CONFIG = {
    "data": {"workers": 2},
    "train": {"precision": "fp32", "compile": False, "batch_size": 64, "accumulate": 2},
}
FACTS = RunFacts(
    device="cuda:0",
    environment=Environment(
        cpu_count=16,
        usable_cpus=8,
        threads=8,
        data_on_device=False,
        bf16=True,
        set_bytes=1000,
    ),
    work=WorkRow(1e9, 1e14, "bf16 of X"),
)
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


INPUT = split(data=41, forward=20, backward=30, optimizer=5)
COMPUTE = split(data=2, forward=30, backward=55, optimizer=10)


def script_split(wall_ms: float = 10.0, **percent: float) -> StepTime:
    """Return a step of a script of which the parts named take so many percent."""
    values = {split_metric(part): share / 1e5 * wall_ms for part, share in percent.items()}
    found = step_time({**values, WALL_METRIC: wall_ms / 1e3}, SpeedRow(1.0, None))
    assert found is not None
    return found


SCRIPT = StepContext(is_script=True)
