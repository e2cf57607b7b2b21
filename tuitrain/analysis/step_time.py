"""Where a step's time goes, its speed, and what it ran with and on, as plain values.

Made of what a snapshot or a reader gives; judges nothing and draws nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuitrain.messages import Environment
from tuitrain.metric_names import (
    EXCHANGE,
    HOST_BOUND_METRIC,
    PARTS,
    REST,
    STAGES,
    WALL_METRIC,
    split_metric,
)
from tuitrain.runs.rows import RunFacts, SpeedRow

SPLIT_POINTS = 40
"""The split shown is the mean over so many points: the last 8 s, or as many long steps."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """The mean step of late."""

    seconds: Mapping[str, float]
    """Of each stage, in the order of PARTS."""
    wall_s: float
    host_bound: float | None
    """Share of steps in which the device ran dry; None where nothing but a CPU computes."""
    measured: frozenset[str] = frozenset(STAGES)
    """What is told apart: of a script that somebody else wrote, not all of it."""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that it has, in their order: on one rank nothing is exchanged."""
        return tuple(
            each
            for each in PARTS
            if each in self.measured and (each not in (EXCHANGE, REST) or self.seconds[each])
        )

    def share(self, *stages: str) -> float:
        """Return the part of the step that some stages take together."""
        return sum(self.seconds[stage] for stage in stages) / self.wall_s


def step_time(split: Mapping[str, float], speed: SpeedRow | None = None) -> StepTime | None:
    """Return the split of a step by stages; None where no step has been timed.

    Args:
        split: means of the steps that were timed, by the names of `tuitrain.metric_names`.
        speed: over all steps of the same time. Those that were timed are a sample: with it their
            shares are kept, and a step takes what the steps took on average. Those of a script are
            taken as they are: what it does beside its steps, as evaluating, slows its speed.
    """
    seconds = {stage: split.get(split_metric(stage), 0.0) for stage in PARTS}
    wall_s = split.get(WALL_METRIC, 0.0)
    if not wall_s > 0:
        return None
    # Presets have all stages measured; of a script nobody sees what is copied.
    if split_metric("copy") in split:
        measured = frozenset(STAGES)
    else:
        measured, speed = frozenset(each for each in PARTS if seconds[each]), None
    scale = 1.0 if speed is None or speed.steps_per_s <= 0 else 1 / speed.steps_per_s / wall_s
    scaled = {stage: scale * stage_s for stage, stage_s in seconds.items()}
    return StepTime(scaled, scale * wall_s, split.get(HOST_BOUND_METRIC), measured)


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a run trains with and on; None where it is not known."""

    device: str = ""
    held: bool | None = None
    """The set lies on the device as tensors; else it is streamed."""
    workers: int | None = None
    """DataLoader worker processes."""
    threads: int | None = None
    cores: int | None = None
    """That the worker may run on."""
    idle_cores: float | None = None
    set_bytes: int | None = None
    """What the set takes as tensors, where it can be held so."""
    free_bytes: float | None = None
    """On the device, or of the machine for a CPU."""
    gpu_used_bytes: float | None = None
    gpu_total_bytes: float | None = None
    precision: str = ""
    compiles: bool | None = None
    compresses: bool | None = None
    """Gradients are exchanged in bf16."""
    has_bf16: bool | None = None
    batch_size: int | None = None
    accumulate: int | None = None
    flops_per_sample: float | None = None
    peak_flops: float | None = None
    peak_source: str = ""
    hosts: tuple[str, ...] | None = None
    """The machine of each rank; None where all are on one."""
    is_script: bool = False
    """Somebody else wrote the loop."""

    @property
    def on_gpu(self) -> bool:
        """The device has a time line of its own."""
        return self.device.startswith("cuda")


def step_context(
    config: Mapping[str, Any], facts: RunFacts, samples: Mapping[str, float]
) -> StepContext:
    """Gather what is known of what a run's steps run with and on.

    Args:
        config: the resolved preset; what a script tells of itself may mean anything.
        facts: on record.
        samples: the latest readings, by the names of `tuitrain.metric_names`.
    """
    is_script = facts.script is not None
    known = {} if is_script else config
    train, data = _section(known, "train"), _section(known, "data")
    environment, work = facts.environment, facts.work
    device = facts.device or environment.device or ""
    used_bytes, total_bytes = _gpu_memory(samples) if device.startswith("cuda") else (None, None)
    free_bytes = _difference(
        (total_bytes, used_bytes)
        if device.startswith("cuda")
        else (_reading(samples, "host/memory_total_bytes"), _reading(samples, _HOST_USED))
    )
    return StepContext(
        device=device,
        is_script=is_script,
        hosts=environment.hosts,
        held=environment.data_on_device,
        workers=data.get("workers"),
        threads=environment.threads,
        cores=environment.usable_cpus or environment.cpu_count,
        idle_cores=_idle_cores(environment, samples),
        set_bytes=environment.set_bytes,
        free_bytes=free_bytes,
        gpu_used_bytes=used_bytes,
        gpu_total_bytes=total_bytes,
        precision=environment.precision or str(train.get("precision", "")),
        compiles=train.get("compile"),
        compresses=train.get("compress_gradients"),
        has_bf16=environment.bf16,
        batch_size=train.get("batch_size"),
        accumulate=train.get("accumulate"),
        flops_per_sample=work.flops_per_sample if work else None,
        peak_flops=work.peak_flops if work else None,
        peak_source=work.peak_source if work else "",
    )


def flops_per_s(time: StepTime | None, context: StepContext) -> float | None:
    """Return what the model's arithmetic comes to a second, as its steps take of late."""
    work, batch, batches = context.flops_per_sample, context.batch_size, context.accumulate
    if time is None or not work or not batch or not batches:
        return None
    return work * batch * batches / time.wall_s


_HOST_USED = "host/memory_used_bytes"


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def _reading(samples: Mapping[str, float], name: str) -> float | None:
    value = samples.get(name)
    return None if value is None or not math.isfinite(value) else value


def _difference(pair: tuple[float | None, float | None]) -> float | None:
    whole, part = pair
    return None if whole is None or part is None else whole - part


def _idle_cores(environment: Environment, samples: Mapping[str, float]) -> float | None:
    """Return how many of the cores that the worker may use do nothing, by two readings."""
    machine, usable = environment.cpu_count, environment.usable_cpus
    busy = _reading(samples, "host/cpu_percent")
    own = _reading(samples, "host/worker_cpu_percent")
    if busy is None or own is None or not machine or not usable:
        return None
    return max(0.0, min(float(machine) * (1 - busy / 100), float(usable) - own / 100))


def _gpu_memory(samples: Mapping[str, float]) -> tuple[float | None, float | None]:
    """Return what is used and what there is of the GPU that the worker uses.

    NVML's numbers and torch's need not be the same: it is the one with the worker's own memory.
    """
    found = {name.partition("/")[0] for name in samples if name.startswith("gpu")}
    own = {gpu: _reading(samples, f"{gpu}/worker_bytes") or 0.0 for gpu in found}
    gpu = max(own, key=lambda name: own[name], default="")
    if not gpu or (len(found) > 1 and not own[gpu]):
        return None, None
    return (
        _reading(samples, f"{gpu}/memory_used_bytes"),
        _reading(samples, f"{gpu}/memory_total_bytes"),
    )
