"""Where a run's time goes, as `tuitrain show` says it.

Knows where the facts are on record, not how they are judged.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuitrain.analysis.step_time import StepContext, StepTime
    from tuitrain.runs.reader import RunReader
    from tuitrain.runs.rows import SpeedRow


def block(reader: "RunReader") -> str:
    """Return the block TIME; empty for a run that never took a step."""
    from tuitrain.analysis.bottleneck import diagnose
    from tuitrain.analysis.step_time import SPLIT_POINTS
    from tuitrain.view.timetext import time_block

    if reader.steps.progress() is None:
        return ""
    time, context = _facts(reader, reader.steps.speed(SPLIT_POINTS))
    return time_block(time, diagnose(time, context), context, reader.spent())


def describe_time(reader: "RunReader") -> dict[str, Any]:
    """Return the same as plain data, as it was measured; what is not known is None."""
    from tuitrain.analysis.bottleneck import diagnose
    from tuitrain.analysis.step_time import flops_per_s

    time, context = _facts(reader, None)
    bottleneck = diagnose(time, context)
    speed = flops_per_s(time, context)
    return {
        "seconds": None if time is None else dict(time.seconds),
        "wall_s": None if time is None else time.wall_s,
        "host_bound": None if time is None else time.host_bound,
        "verdict": bottleneck.kind,
        "text": bottleneck.text,
        "suggestions": list(bottleneck.suggestions),
        "flops_per_s": speed,
        "peak_flops": context.peak_flops,
        "peak_source": context.peak_source or None,
        "spent": asdict(reader.spent()),
    }


def _facts(reader: "RunReader", speed: "SpeedRow | None") -> "tuple[StepTime | None, StepContext]":
    from tuitrain.analysis.step_time import SPLIT_POINTS, step_context, step_time

    context = step_context(reader.config(), reader.facts(), reader.readings.latest_samples())
    return step_time(reader.curves.split(SPLIT_POINTS), speed), context
