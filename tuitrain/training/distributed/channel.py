"""What a rank other than 0 has in place of the worker's channel: it hears signals, and is quiet.

What it has to say goes by the beat, and rank 0 tells it.
"""

import queue
from typing import Any

from tuitrain.messages import AlertRaised, Event
from tuitrain.training.channel import WorkerChannel

_OF_ONE_RANK = ("record", "oom")
"""Kinds of alerts that rank 0 does not raise by itself just the same."""


class QuietChannel(WorkerChannel):
    """Takes what signals ask for, and keeps alerts for the next beat."""

    def __init__(self) -> None:
        unused: Any = queue.Queue()
        super().__init__(unused, unused, 0.0)
        self._alerts: list[AlertRaised] = []

    def send(self, event: Event) -> None:
        """Keep an alert that is this rank's own; whatever else there is rank 0 tells as well."""
        if isinstance(event, AlertRaised) and event.kind in _OF_ONE_RANK:
            self._alerts.append(event)

    @property
    def has_alerts(self) -> bool:
        """Whether there are alerts to be told."""
        return bool(self._alerts)

    def take_alerts(self) -> list[AlertRaised]:
        """Hand out the alerts since the last time."""
        taken, self._alerts = self._alerts, []
        return taken
