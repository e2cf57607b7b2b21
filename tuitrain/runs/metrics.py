"""Which metric decides, and whether more or less of it is better.

Knows names only, no values.
"""

from collections.abc import Mapping
from typing import Any, Literal

Mode = Literal["min", "max"]

_MORE_IS_BETTER = (
    "accuracy", "acc", "top1", "top5", "precision", "recall", "f1", "auc", "auroc", "map", "iou",
    "dice", "bleu", "r2", "samples_per_s", "steps_per_s", "tokens_per_s",
)  # fmt: skip
_NEITHER_IS_BETTER = ("lr", "grad_norm")


def metric_mode(name: str) -> Mode | None:
    """Return `max` for accuracies and speeds, None where neither is better, else `min`."""
    last = name.rsplit("/", 1)[-1]
    if last in _NEITHER_IS_BETTER:
        return None
    words = {last, *last.split("_")}
    return "max" if words & set(_MORE_IS_BETTER) else "min"


def monitor_of(config: Mapping[str, Any]) -> tuple[str, Mode]:
    """Return the metric that decides which checkpoint is best, with its mode, from a preset."""
    section = config.get("checkpoint", {})
    regression = config.get("task") == "regression"
    monitor = section.get("monitor") or ("val/loss" if regression else "val/accuracy")
    mode: Mode = section.get("mode") or metric_mode(monitor) or "min"
    return monitor, mode
