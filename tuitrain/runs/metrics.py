"""Which metric decides, and whether more or less of it is better.

Knows names only, no values.
"""

from collections.abc import Mapping
from typing import Any, Literal

from tuitrain.config.monitors import default_monitor, sounds_better_larger

Mode = Literal["min", "max"]

_LOGGED = "aux"
"""Stands in the names of what is told by `tuitrain.components.log`."""

_SPEEDS = ("samples_per_s", "steps_per_s", "tokens_per_s")
_NEITHER_IS_BETTER = ("lr", "grad_norm")


def metric_mode(name: str) -> Mode | None:
    """Return `max` for accuracies and speeds, None where neither is better, else `min`.

    Of what a model logs nobody has said which way is better.
    """
    *parts, last = name.split("/")
    if last in _NEITHER_IS_BETTER or _LOGGED in parts:
        return None
    return "max" if last in _SPEEDS or sounds_better_larger(last) else "min"


def monitor_of(config: Mapping[str, Any]) -> tuple[str, Mode]:
    """Return the metric that decides which checkpoint is best, with its mode, from a preset."""
    section = config.get("checkpoint", {})
    monitor = section.get("monitor") or _task_monitor(config.get("task"))
    mode: Mode = section.get("mode") or metric_mode(monitor) or "min"
    return monitor, mode


def _task_monitor(task: Any) -> str:
    from tuitrain.config.catalogue import read_catalogue

    return default_monitor("checkpoint", read_catalogue().tasks.get(str(task)))
