"""Who follows a run beside its record: one protocol, and the list of all who do.

Knows events, alerts and readings; nothing of processes, and nothing of what an observer does.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from tuitrain.alerts.rule import RunStatus
from tuitrain.errors import RecordError
from tuitrain.messages import AlertRaised, Event, Gate

Alerts = Iterable[AlertRaised]
"""What an observer has to say; it is recorded, and every observer is told."""


class Observer:
    """Follows one run; a class of its own overrides what it wants to hear of.

    Everything is called between two looks at the worker, so nothing here may take long: what is
    slow goes through a `DeliveryQueue`. What an observer raises, other than RecordError, is told
    once as an alert, and the observer is left out from then on.
    """

    name = "an observer"
    """What the alert calls it when it fails."""

    def waits(self, words: str) -> None:
        """Hear what the run waits for in the queue, before it is supervised."""
        del words

    def begun(self) -> Alerts:
        """Hear that the run is supervised; nothing of this attempt is on record yet."""
        return ()

    def arrived(self, event: Event) -> Alerts:
        """Hear an event before it is recorded, which a full disk may put off for long."""
        del event
        return ()

    def recorded(self, event: Event) -> Alerts:
        """Hear an event that is on record."""
        del event
        return ()

    def told(self, alert: AlertRaised) -> None:
        """Hear an alert of the supervisor or of an observer; those of the worker are events."""

    def sampled(self, time_s: float, readings: Mapping[str, float]) -> Alerts:
        """Hear readings of the devices, by the names of `tuitrain.metric_names`."""
        del time_s, readings
        return ()

    def commanded(self) -> None:
        """Hear that the worker was sent a command or a signal."""

    def poll(self, worker_pid: int) -> Alerts:
        """See to what is due; called several times a second while the worker lives."""
        del worker_pid
        return ()

    def ended(self) -> Alerts:
        """See to what is left, once the end is on record; may wait for a few seconds."""
        return ()

    def close(self) -> None:
        """Let go of everything; called last, however supervising ended."""


class AlertRecord(Protocol):
    """Takes alerts for the record."""

    def add_alert(self, alert: AlertRaised) -> None:
        """Record an alert, now or once the disk has room again."""
        ...


class Observers:
    """All observers of one run."""

    def __init__(
        self,
        observers: Iterable[Observer],
        record: AlertRecord,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Let observers follow a run.

        Args:
            observers: in the order in which they are called.
            record: takes the alerts that they raise.
            clock: seconds since the epoch.
        """
        self._observers = list(observers)
        self._record = record
        self._clock = clock
        self._gate = Gate(clock)
        self._status = RunStatus()
        self._failed: set[str] = set()

    @property
    def step(self) -> int:
        """The run's last step."""
        return self._status.step

    def begun(self) -> None:
        """Say that the run is supervised."""
        self._each(lambda observer: observer.begun())

    def arrived(self, event: Event) -> None:
        """Pass on an event that is not on record yet."""
        self._status.take(event)
        self._each(lambda observer: observer.arrived(event))

    def recorded(self, event: Event) -> None:
        """Pass on an event that is on record."""
        self._each(lambda observer: observer.recorded(event))

    def sampled(self, time_s: float, readings: Mapping[str, float]) -> None:
        """Pass on readings."""
        self._each(lambda observer: observer.sampled(time_s, readings))

    def commanded(self) -> None:
        """Say that the worker was sent a command or a signal."""
        self._each(lambda observer: observer.commanded())

    def poll(self, worker_pid: int) -> None:
        """Let each see to what is due."""
        self._each(lambda observer: observer.poll(worker_pid))

    def ended(self) -> None:
        """Let each see to what is left."""
        self._each(lambda observer: observer.ended())

    def close(self) -> None:
        """Let each let go of everything."""
        self._each(lambda observer: observer.close())

    def tell(self, alert: AlertRaised) -> None:
        """Record an alert, and tell every observer."""
        admitted, _left_out = self._gate.admit(alert)
        sound = admitted if isinstance(admitted, AlertRaised) else alert
        self._record.add_alert(sound)
        self._each(lambda observer: observer.told(sound))

    @contextmanager
    def spared(self, what: str) -> Iterator[None]:
        """Do what the run can do without: where it fails, that is told once.

        Args:
            what: is said to have failed.

        Raises:
            RecordError: the record can't be read or written, and without it there is no run.
        """
        try:
            yield
        except RecordError:
            raise
        except Exception as error:
            self._tell_failed(what, error)

    def _each(self, call: Callable[[Observer], Alerts | None]) -> None:
        for observer in tuple(self._observers):
            # What is told meanwhile may have been too much for one that is yet to be called.
            if observer not in self._observers:
                continue
            alerts: list[AlertRaised] = []
            try:
                alerts.extend(call(observer) or ())
            except RecordError:
                raise
            except Exception as error:
                self._observers.remove(observer)
                self._tell_failed(observer.name, error)
            for alert in alerts:
                self.tell(alert)

    def _tell_failed(self, what: str, error: Exception) -> None:
        if what in self._failed:
            return
        self._failed.add(what)
        text = (
            f"{what} failed and is left out, the run goes on: {type(error).__name__}: "
            f"{text_of(error)}"
        )
        trace = "".join(traceback.format_exception(error))
        self.tell(AlertRaised(self._clock(), self.step, "record", text, trace))


def text_of(error: BaseException) -> str:
    """Return what an error says; a class of somebody else's may fail at that."""
    try:
        return str(error)
    except Exception as second:
        return f"its text can't be had ({type(second).__name__})"
