"""What a script says while its record can't be written: so much waits, and no more.

A script is not held up for its record, as training of this program's own is.
"""

import time
from collections.abc import Callable

from tuitrain.messages import AlertRaised, StepsTaken

MOST_VALUES = 1_000_000
"""About 100 MB in the supervisor."""
WORDS = f"The script goes on; up to {MOST_VALUES:,} values wait in memory."


class HeldSteps:
    """Lets steps through, and counts what of them waits.

    Attributes:
        holding: the record can't be written.
    """

    def __init__(
        self, most_values: int = MOST_VALUES, clock: Callable[[], float] = time.time
    ) -> None:
        """Hold nothing yet.

        Args:
            most_values: that may wait.
            clock: seconds since the epoch.
        """
        self.holding = False
        self._most_values = most_values
        self._clock = clock
        self._values = 0
        self._first = self._last = 0

    def admits(self, event: object) -> bool:
        """Return whether an event is to be recorded; of steps only while there is room."""
        if not self.holding or not isinstance(event, StepsTaken):
            return True
        # The message itself takes memory as well.
        self._values += 8 + sum(len(points.values) for points in event.points)
        if self._values <= self._most_values:
            return True
        self._first = self._first or event.first_step
        self._last = event.last_step
        return False

    def release(self) -> AlertRaised | None:
        """Hold no more; return what was left out, if anything was."""
        self.holding, first = False, self._first
        self._values = self._first = 0
        if not first:
            return None
        text = (
            f"steps {first:,} to {self._last:,} are not on record: it could not be written for so "
            f"long that more than {self._most_values:,} values waited"
        )
        return AlertRaised(self._clock(), self._last, "record", text)
