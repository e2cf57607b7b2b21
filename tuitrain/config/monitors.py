"""Which metrics a task records, which of them are better when larger, and what is watched.

Knows names only; computes nothing.
"""

from collections.abc import Mapping
from typing import Any, Literal

_CLASS_METRICS = ("val/loss", "val/accuracy", "train/loss", "train/accuracy")
TASK_METRICS: Mapping[str, tuple[str, ...]] = {
    "classification": _CLASS_METRICS,
    "binary": _CLASS_METRICS,
    "regression": ("val/loss", "val/mae", "val/rmse", "val/r2", "train/loss", "train/mae"),
}
"""The metrics that `checkpoint.monitor` and `stop.monitor` can watch, by task."""

_LARGER_IS_BETTER = frozenset({"accuracy", "r2"})


def default_mode(metric: str) -> Literal["min", "max"]:
    """Say whether a metric is better when smaller or larger."""
    return "max" if metric.rpartition("/")[2] in _LARGER_IS_BETTER else "min"


def default_monitor(section: str, task: str) -> str:
    """Return the metric that `checkpoint` or `stop` watches where the preset names none."""
    return "val/accuracy" if section == "checkpoint" and task != "regression" else "val/loss"


def with_monitors(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a valid preset's values with `monitor` and `mode` of both sections filled in."""
    filled = dict(values)
    for section in ("checkpoint", "stop"):
        given = dict(filled.get(section, {}))
        given.setdefault("monitor", default_monitor(section, filled["task"]))
        given.setdefault("mode", default_mode(given["monitor"]))
        filled[section] = given
    return filled
