"""Says that a loss of a script is no finite number any more.

Knows names of metrics and their values; nothing of the script, which may well go on with it.
"""

import math
from collections.abc import Iterator

from tuitrain.messages import AlertRaised, Evaluated, Event, StepsTaken
from tuitrain.supervisor.observers.observer import Observer

_KIND = "nonfinite"
_OVER_AFTER = 100
"""Values in a row that are finite again end an episode: a scaler of float16 skips single steps."""


class NonfiniteWatch(Observer):
    """Raises one alert an episode for each metric that is a loss by its name."""

    name = "the watch for losses that are not finite"

    def __init__(self) -> None:
        self._good: dict[str, int] = {}
        """Of each loss in an episode: finite values in a row."""

    def recorded(self, event: Event) -> Iterator[AlertRaised]:
        """Look at each value of each loss."""
        found: list[tuple[int, str, float]] = []
        for name, step, value in _values(event):
            if self._begins(name, value):
                found.append((step, name, value))
        if found and isinstance(event, StepsTaken | Evaluated):
            step = min(found)[0]
            said = " and ".join(f"{name} is {value}" for at, name, value in found if at == step)
            yield AlertRaised(event.time, step, _KIND, f"{said} at step {step}; the script goes on")

    def _begins(self, name: str, value: float) -> bool:
        """Take in a value; return whether an episode begins with it."""
        if not math.isfinite(value):
            begins = name not in self._good
            self._good[name] = 0
            return begins
        if name in self._good:
            self._good[name] += 1
            if self._good[name] >= _OVER_AFTER:
                del self._good[name]
        return False


def _values(event: Event) -> Iterator[tuple[str, int, float]]:
    """Yield the name, step and value of what an event says of losses."""
    if isinstance(event, StepsTaken):
        for points in event.points:
            if _is_loss(points.name):
                counted = range(points.first_step, points.first_step + len(points.values))
                steps = counted if points.steps is None else points.steps
                for step, value in zip(steps, points.values, strict=True):
                    yield points.name, step, value
    elif isinstance(event, Evaluated):
        for name, value in event.metrics.items():
            if _is_loss(name):
                yield name, event.step, value


def _is_loss(name: str) -> bool:
    return "loss" in name.lower()
