"""What a rank other than 0 has in place of the worker's channel: it hears signals, and is quiet.

What it has to say goes by the beat, and rank 0 tells it.
"""

import queue
from collections import deque
from typing import Any

from tuitrain.messages import AlertRaised, Event
from tuitrain.training.channel import WorkerChannel

_OF_ONE_RANK = ("record", "oom")
"""Kinds of alerts that rank 0 does not raise by itself just the same."""


class QuietChannel(WorkerChannel):
    """Takes what signals ask for, and keeps what is this rank's own for the next beat."""

    def __init__(self) -> None:
        unused: Any = queue.Queue()
        super().__init__(unused, unused, 0.0)
        # Traces are written in a thread of their own.
        self._own: deque[Event] = deque()

    def send(self, event: Event) -> None:
        """Keep what is this rank's own; whatever else there is rank 0 tells as well."""
        if isinstance(event, AlertRaised) and event.kind in _OF_ONE_RANK:
            self.keep(event)

    def keep(self, event: Event) -> None:
        """Keep what this rank alone has to say, whatever it is."""
        self._own.append(event)

    @property
    def has_events(self) -> bool:
        """Whether there is something to be told."""
        return bool(self._own)

    def take_own(self) -> list[Event]:
        """Hand out what has come since the last time."""
        return [self._own.popleft() for _ in range(len(self._own))]
