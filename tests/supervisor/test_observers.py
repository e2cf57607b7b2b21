"""Whoever follows a run hears all of it, and is left out once it fails, with one alert."""

import pytest

from tests.supervisor.workers import Shows
from tuitrain import messages as m
from tuitrain.errors import RecordError
from tuitrain.supervisor.observers.delivery import DeliveryQueue
from tuitrain.supervisor.observers.observer import Alerts, Observer, Observers

PATIENCE_S = 60.0


class Kept(list[m.AlertRaised]):
    """Stands for the record."""

    def add_alert(self, alert: m.AlertRaised) -> None:
        self.append(alert)


class Calls(Observer):
    """Notes what it is called for; from some call on, it raises."""

    name = "the one in the test"

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[str] = []
        self._error = error

    def _call(self, name: str) -> Alerts:
        self.calls.append(name)
        if self._error is not None:
            raise self._error
        return ()

    def begun(self) -> Alerts:
        return self._call("begun")

    def arrived(self, event: m.Event) -> Alerts:
        return self._call(f"arrived {event.step}")  # type: ignore[union-attr]

    def recorded(self, event: m.Event) -> Alerts:
        return self._call(f"recorded {event.step}")  # type: ignore[union-attr]

    def told(self, alert: m.AlertRaised) -> None:
        self._call(f"told {alert.kind}")

    def poll(self, worker_pid: int) -> Alerts:
        return self._call(f"poll {worker_pid}")

    def ended(self) -> Alerts:
        return self._call("ended")

    def close(self) -> None:
        self._call("close")


def live_through(observers: Observers) -> None:
    event = m.TrainingContinued(1.0, 5)
    observers.begun()
    observers.arrived(event)
    observers.recorded(event)
    observers.poll(7)
    observers.ended()
    observers.close()


def test_an_observer_that_fails_is_told_once_and_left_out_and_the_others_hear_all() -> None:
    kept, before, after = Kept(), Calls(), Calls()
    broken = Calls(ValueError("no more"))
    live_through(Observers([before, broken, after], kept))
    assert broken.calls == ["begun"]
    [alert] = kept
    assert alert.text == (
        "the one in the test failed and is left out, the run goes on: ValueError: no more"
    )
    assert "_call" in alert.detail
    heard = ["arrived 5", "recorded 5", "poll 7", "ended", "close"]
    assert before.calls == ["begun", "told record", *heard]
    assert after.calls == ["told record", "begun", *heard]


def test_one_that_fails_at_an_alert_is_told_to_the_others() -> None:
    kept, told = Kept(), list[m.Event]()
    deaf = Calls(RuntimeError("deaf"))
    observers = Observers([Shows(told.append), deaf], kept)
    observers.tell(m.AlertRaised(1.0, 3, "hot", "GPU 0 is hot"))
    observers.tell(m.AlertRaised(2.0, 4, "hot", "GPU 1 is hot"))
    assert deaf.calls == ["told hot"]
    assert [alert.kind for alert in kept] == ["hot", "record", "hot"]
    assert told == kept


def test_a_record_that_fails_ends_supervising() -> None:
    with pytest.raises(RecordError):
        live_through(Observers([Calls(RecordError("damaged"))], Kept()))


@pytest.mark.parametrize("times", [1, 3])
def test_what_the_run_can_do_without_is_told_once_where_it_fails(times: int) -> None:
    kept = Kept()
    observers = Observers([], kept)
    for _ in range(times):
        with observers.spared("clearing up"):
            raise OSError("busy")
    assert [alert.text for alert in kept] == [
        "clearing up failed and is left out, the run goes on: OSError: busy"
    ]


def test_what_is_delivered_comes_in_order_and_one_failure_stops_nothing() -> None:
    delivered: list[int] = []

    def deliver(number: int) -> None:
        if number == 1:
            raise RuntimeError("not this one")
        delivered.append(number)

    deliveries: DeliveryQueue[int] = DeliveryQueue(deliver, "test")
    for number in range(5):
        deliveries.put(number)
    deliveries.wait(PATIENCE_S)
    assert delivered == [0, 2, 3, 4]
    assert deliveries.take_failure() == "RuntimeError: not this one"
    assert deliveries.take_failure() == ""
