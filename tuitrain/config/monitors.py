"""Which metrics are better when larger, and what is watched where a preset does not say.

Knows names only; computes nothing.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tuitrain.config.catalogue import TaskInfo

LARGER_IS_BETTER = (
    "accuracy", "acc", "top1", "top5", "precision", "recall", "f1", "auc", "auroc", "map", "iou",
    "dice", "bleu", "r2",
)  # fmt: skip
"""Words in the names of metrics, where no task says it."""


FOLLOWING = ("plateau",)
"""Schedules that take a `monitor` and its `mode`."""


def default_mode(
    metric: str, task: "TaskInfo | None", larger: Mapping[str, bool] | None = None
) -> Literal["min", "max"]:
    """Return whether a metric is better when smaller or larger.

    Args:
        metric: its full name.
        task: as the catalogue has it; None: the user's own, of which names alone are known.
        larger: whether those that a preset adds are better when larger, by full name.
    """
    if larger and metric in larger:
        return "max" if larger[metric] else "min"
    last = metric.rpartition("/")[2]
    if task is not None and metric in task.watched:
        return "max" if last in task.larger_is_better else "min"
    return "max" if sounds_better_larger(last) else "min"


def sounds_better_larger(word: str) -> bool:
    """Return whether a metric's last part is the name of one that is better when larger."""
    return bool({word, *word.split("_")} & set(LARGER_IS_BETTER) or re.fullmatch(r"top_?\d+", word))


def default_monitor(section: str, task: "TaskInfo | None") -> str:
    """Return the metric that `checkpoint` or `stop` watches where the preset names none."""
    return task.monitor if section == "checkpoint" and task is not None else "val/loss"


def with_monitors(
    values: Mapping[str, Any],
    task: "TaskInfo | None",
    larger: Mapping[str, bool] | None = None,
) -> dict[str, Any]:
    """Return a valid preset's values with each `monitor` and `mode` filled in that it leaves out.

    Args:
        values: of the preset.
        task: as the catalogue has it.
        larger: whether the preset's own metrics are better when larger, by full name.
    """
    filled = dict(values)
    for section in ("checkpoint", "stop"):
        given = dict(filled.get(section, {}))
        given.setdefault("monitor", default_monitor(section, task))
        given.setdefault("mode", default_mode(given["monitor"], task, larger))
        filled[section] = given
    schedule = filled.get("schedule", {})
    if schedule.get("name") in FOLLOWING:
        filled["schedule"] = {"mode": default_mode(schedule["monitor"], task, larger), **schedule}
    return filled
