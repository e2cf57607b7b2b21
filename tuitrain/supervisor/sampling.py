"""Reads once a second what the devices do, for the record and for whoever follows the run."""

import time
from collections.abc import Callable

from tuitrain.supervisor.observers.observer import Observers
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.telemetry.sampler import Sampler

SAMPLE_S = 1.0


class Sampling:
    """The readings of one attempt."""

    def __init__(
        self,
        sampler: Sampler,
        record: RecordKeeper,
        observers: Observers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sampler = sampler
        self._record = record
        self._observers = observers
        self._clock = clock
        self._due = 0.0

    def poll(self) -> None:
        """Read the devices, if it is time; a reading that fails is left out."""
        if time.monotonic() >= self._due and not self._record.holding:
            self._due = time.monotonic() + SAMPLE_S
            with self._observers.spared("a reading of the devices"):
                self._sample()

    def _sample(self) -> None:
        """Record what the devices do, and what is known of them where that has changed."""
        readings, facts = self._sampler.read(), self._sampler.facts()
        now = self._clock()
        self._observers.sampled(now, readings)
        self._record.store(lambda writer: writer.add_samples(now, readings))
        if facts is not None:
            self._record.store(lambda writer: writer.set_devices(now, facts))

    def close(self) -> None:
        """Let go of the devices."""
        self._sampler.close()
