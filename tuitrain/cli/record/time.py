"""Where a run's time goes, as `tuitrain show` says it.

Knows where the facts are on record, not how they are judged.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuitrain.analysis.step_time import StepContext, StepTime
    from tuitrain.runs.reader import RunReader
    from tuitrain.runs.rows import SpeedRow


def block(reader: "RunReader") -> str:
    """Return the block TIME; empty for a run that never took a step, or that nobody timed."""
    from tuitrain.analysis.ranks import rank_times, verdict
    from tuitrain.analysis.step_time import SPLIT_POINTS
    from tuitrain.view.run.timetext import time_block

    run = reader.facts()
    if reader.steps.progress() is None or run.script is not None or run.watched is not None:
        return ""
    split = reader.curves.split(SPLIT_POINTS)
    time, context = _facts(reader, split, reader.steps.speed(SPLIT_POINTS))
    bottleneck = verdict(split, time, context)
    return time_block(time, bottleneck, context, reader.spent(), rank_times(split, context.hosts))


def describe_time(reader: "RunReader") -> dict[str, Any]:
    """Return the same as plain data, as it was measured; what is not known is None."""
    from tuitrain.analysis.ranks import rank_times, verdict
    from tuitrain.analysis.step_time import SPLIT_POINTS, flops_per_s

    split = reader.curves.split(SPLIT_POINTS)
    time, context = _facts(reader, split, None)
    bottleneck = verdict(split, time, context)
    speed = flops_per_s(time, context)
    return {
        "seconds": None if time is None else _seconds(time),
        "wall_s": None if time is None else time.wall_s,
        "host_bound": None if time is None else time.host_bound,
        "verdict": bottleneck.kind,
        "text": bottleneck.text,
        "suggestions": list(bottleneck.suggestions),
        "flops_per_s": speed,
        "peak_flops": context.peak_flops,
        "peak_source": context.peak_source or None,
        "spent": asdict(reader.spent()),
        "ranks": [
            {"seconds": dict(each.seconds), "memory_bytes": each.memory_bytes}
            | ({"host": each.node} if each.node else {})
            for each in rank_times(split, context.hosts)
        ],
    }


def _seconds(time: "StepTime") -> dict[str, float | None]:
    """Return the seconds of each stage; None of one that is not told apart."""
    from tuitrain.metric_names import REST, STAGES

    parts = (*STAGES, REST) if REST in time.measured else STAGES
    return {part: time.seconds[part] if part in time.measured else None for part in parts}


def _facts(
    reader: "RunReader", split: "Mapping[str, float]", speed: "SpeedRow | None"
) -> "tuple[StepTime | None, StepContext]":
    from tuitrain.analysis.step_time import step_context, step_time

    context = step_context(reader.config(), reader.facts(), reader.readings.latest_samples())
    return step_time(split, speed), context
