"""A run's value as a cell of a table, by what its key is."""

import time
from collections.abc import Callable
from typing import Any

from tuitrain import units
from tuitrain.view import format as text


def cell_text(key: str, value: Any) -> str:
    """Return a value in a few characters; a dash where there is none.

    Args:
        key: of `tuitrain.runs.table.values`.
        value: of this key.
    """
    if value is None or value == ():
        return units.NOTHING
    if isinstance(value, tuple | list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int | float):
        return str(value)
    if key in _NUMBERS:
        return _NUMBERS[key](value)
    return f"{value:,}" if isinstance(value, int) else text.metric_value(value)


def _local(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


_NUMBERS: dict[str, Callable[[float], str]] = {
    "age": units.age,
    "created": _local,
    "duration": units.duration,
    "done": lambda share: f"{share:.0%}",
    "step": lambda step: f"{step:,.0f}",
    "epoch": lambda epoch: f"{epoch:.1f}",
}
