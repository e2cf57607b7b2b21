"""Asks the rules of a run's preset what is to be told of events and readings.

Knows the rules and the record of what the run had learned; not who is told.
"""

import time
from collections.abc import Callable, Iterator, Mapping

from tuitrain.alerts.rules import Rules
from tuitrain.messages import AlertRaised, Event, TrainingResumed
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.supervisor.observers.observer import Observer
from tuitrain.supervisor.observers.past import past_events

_LOST = "the run was lost: its supervisor was killed, or the machine went down; now it is resumed"


class AlertMonitor(Observer):
    """Raises the alerts of one run that follow from what happens and what is read."""

    name = "the watch for alerts"

    def __init__(
        self, directory: RunDirectory, rules: Rules, clock: Callable[[], float] = time.time
    ) -> None:
        self._directory = directory
        self._rules = rules
        self._clock = clock

    def begun(self) -> Iterator[AlertRaised]:
        """Tell of a supervisor that ended without a word, as nobody else could."""
        with RunReader(self._directory) as reader:
            lost = reader.attempts() and not reader.meta().get("at_rest")
            newest = reader.states()[-1]
        # In the queue it had no worker, so nothing that it did was cut short.
        lost = lost and not (newest.state == "queued" and newest.reason)
        if lost and self._rules.wants("ended"):
            yield self._rules.alert("ended", _LOST, self._clock())

    def arrived(self, event: Event) -> Iterator[AlertRaised]:
        """Ask the rules; of a resume, first let them know what the run had learned."""
        yield from self._rules.take(event, self._clock())
        if isinstance(event, TrainingResumed):
            # Now: what is read is the record as it was before the resume.
            with RunReader(self._directory) as reader:
                self._rules.recall(past_events(reader, event, self._rules.monitor))

    def sampled(self, time_s: float, readings: Mapping[str, float]) -> Iterator[AlertRaised]:
        """Ask the rules."""
        yield from self._rules.read(time_s, readings)
