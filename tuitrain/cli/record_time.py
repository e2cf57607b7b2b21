"""Where a run's time goes, as `tuitrain show` says it.

Knows where the facts are on record, not how they are judged.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuitrain.runs.reader import RunReader
    from tuitrain.runs.rows import SpeedRow
    from tuitrain.view.steptime import StepTime, Surroundings


def block(reader: "RunReader") -> str:
    """Return the block TIME; empty for a run that never took a step."""
    from tuitrain.view.steptime import SPLIT_POINTS
    from tuitrain.view.timetext import time_block
    from tuitrain.view.verdict import judge

    if reader.progress() is None:
        return ""
    time, around = _facts(reader, reader.speed(SPLIT_POINTS))
    return time_block(time, judge(time, around), around, reader.spent())


def describe_time(reader: "RunReader") -> dict[str, Any]:
    """Return the same as plain data, as it was measured; what is not known is None."""
    from tuitrain.view.verdict import flops_per_s, judge

    time, around = _facts(reader, None)
    verdict = judge(time, around)
    speed = flops_per_s(time, around)
    return {
        "seconds": None if time is None else dict(time.seconds),
        "wall_s": None if time is None else time.wall_s,
        "host_bound": None if time is None else time.host_bound,
        "verdict": verdict.kind,
        "text": verdict.text,
        "suggestions": list(verdict.suggestions),
        "flops_per_s": speed,
        "peak_flops": around.peak_flops,
        "peak_source": around.peak_source or None,
        "spent": asdict(reader.spent()),
    }


def _facts(reader: "RunReader", speed: "SpeedRow | None") -> "tuple[StepTime | None, Surroundings]":
    from tuitrain.view.steptime import SPLIT_POINTS, step_time, surroundings

    around = surroundings(reader.config(), reader.meta(), reader.latest_samples())
    return step_time(reader.split(SPLIT_POINTS), speed), around
