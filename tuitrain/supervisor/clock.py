"""The time of day as one supervisor counts it on: nobody who sets the clock moves it.

All times that an attempt records come from here, so that what lies between two of them is how long
it took. The next attempt begins with the time of day anew.
"""

import time
from collections.abc import Callable


def steady_seconds() -> float:
    """Return seconds of a clock that nobody sets; it counts on while the machine sleeps."""
    # CLOCK_MONOTONIC stands still in a sleep of the machine; not every system has the other.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """Seconds since the epoch, as they were at first and as they went by since."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        """Begin with the time of day.

        Args:
            wall: seconds since the epoch.
            steady: seconds since any time.
        """
        self._wall = wall
        self._steady = steady
        self._ahead_s = wall() - steady()

    def __call__(self) -> float:
        """Return the time."""
        return self._steady() + self._ahead_s

    def stepped_s(self) -> float:
        """Return by how much the time of day was set forward since; negative: back."""
        return self._wall() - self()
