"""Where the worker's messages enter: from here on they are plain data, on the supervisor's clock.

Knows neither the record nor the worker.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tuitrain.messages import AlertRaised, Event, Gate, Numbered, left_out_alert
from tuitrain.supervisor.clock import SteadyClock

_STEPPED_S = 1.0
"""Clocks that are only a little apart are left alone."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What came out of the queue in place of a message that could not be read."""

    text: str


class Intake:
    """Lets messages in."""

    def __init__(self, clock: SteadyClock) -> None:
        self._clock = clock
        self._gate = Gate(clock)
        self._last_s = float("-inf")

    def take(self, items: Iterable[object]) -> tuple[list[Numbered], list[AlertRaised]]:
        """Return messages as they can be recorded, and alerts of what had to be left out.

        Those of attempt 0 are what a warm worker told before it had its order: not for the record.
        """
        events: list[Numbered] = []
        alerts: list[AlertRaised] = []
        for item in items:
            numbered, alert = self._admit(item)
            if numbered is not None and numbered.attempt:
                events.append(numbered)
            if alert is not None:
                alerts.append(alert)
        return events, alerts

    def _admit(self, item: object) -> tuple[Numbered | None, AlertRaised | None]:
        if isinstance(item, Unreadable):
            return None, left_out_alert(self._clock(), 0, f"a message: {item.text}")
        if not isinstance(item, Numbered) or not _is_numbered(item):
            return None, self._gate.admit(item)[1]
        event, alert = self._gate.admit(item.event)
        if event is None:
            return None, alert
        return Numbered(item.attempt, item.sequence, self._timed(event)), alert

    def _timed(self, event: Event) -> Event:
        """Return an event with its time by the supervisor's clock where that of the day was set."""
        at, now = getattr(event, "time", None), self._clock()
        if at is None:
            return event
        stepped_s = self._clock.stepped_s()
        right = at - stepped_s if abs(stepped_s) > _STEPPED_S else at
        # Told right before the clock was set, it seems to come from another day.
        if not self._last_s - _STEPPED_S <= right <= now + _STEPPED_S:
            right = now
        self._last_s = max(self._last_s, right)
        return event if right == at else replace(event, time=right)


def _is_numbered(item: Numbered) -> bool:
    return all(type(n) is int and 0 <= n < 2**62 for n in (item.attempt, item.sequence))
