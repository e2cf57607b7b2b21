"""Time lines on which the parts of a step are measured: the host's, and a device's own.

Imports no torch: events are made by what is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Clock(Protocol):
    """Where marks are set on a time line, and the seconds between two of them."""

    on_device: bool
    """The time line is not the host's."""

    def mark(self) -> Any:
        """Set a mark behind all that was asked for so far."""
        ...

    def passed(self, mark: Any) -> bool:
        """Say whether the time of a mark is known; never waits."""
        ...

    def seconds(self, first: Any, last: Any) -> float:
        """Return the time between two marks that were passed."""
        ...

    def reuse(self, marks: Sequence[Any]) -> None:
        """Take marks back that nobody needs any more."""
        ...


class HostClock:
    """The host's clock."""

    on_device = False
    mark = staticmethod(time.perf_counter)

    def passed(self, mark: float) -> bool:
        """Time has passed."""
        del mark
        return True

    def seconds(self, first: float, last: float) -> float:
        """Subtract."""
        return last - first

    def reuse(self, marks: Sequence[float]) -> None:
        """Numbers need no reuse."""


class EventClock:
    """Events on the current stream of a device."""

    on_device = True

    def __init__(self, new_event: Callable[[], Any]) -> None:
        """Use events that `new_event` makes: timed ones, as of torch.cuda."""
        self._new_event = new_event
        self._free: list[Any] = []

    def mark(self) -> Any:
        """Record an event; a new one only where none is free."""
        event = self._free.pop() if self._free else self._new_event()
        event.record()
        return event

    def passed(self, mark: Any) -> bool:
        """Ask whether the device has come to it."""
        return bool(mark.query())

    def seconds(self, first: Any, last: Any) -> float:
        """Return the device's time between two events."""
        return float(first.elapsed_time(last)) / 1000.0

    def reuse(self, marks: Sequence[Any]) -> None:
        """Record these again some time."""
        self._free.extend(marks)
