"""Lets a run go to rest when another one needs its places, if it was started to give way."""

from collections.abc import Callable, Iterator

from tuitrain.messages import AlertRaised, Event, TrainingEnded
from tuitrain.supervisor.observers.observer import Observer

_LOOK_EVERY_S = 2.0


class GivesWay(Observer):
    """Looks who waits, and has the worker checkpoint and end for them, once.

    Attributes:
        release: lets the worker checkpoint and end; set once there is a worker.
        given: the run came to rest by that, and is to wait for its next turn.
    """

    name = "the look at who waits"

    def __init__(self, is_wanted: Callable[[], bool], clock: Callable[[], float]) -> None:
        """Look.

        Args:
            is_wanted: says whether another run needs the places of this one.
            clock: seconds.
        """
        self.release: Callable[[], None] = lambda: None
        self.given = False
        self._is_wanted = is_wanted
        self._clock = clock
        self._look_at = 0.0
        self._asked = False

    def poll(self, worker_pid: int) -> Iterator[AlertRaised]:
        """Ask the worker to end where another run waits."""
        del worker_pid
        now = self._clock()
        if not self._asked and now >= self._look_at:
            self._look_at = now + _LOOK_EVERY_S
            if self._is_wanted():
                self._asked = True
                self.release()
        yield from ()

    def recorded(self, event: Event) -> Iterator[AlertRaised]:
        """Note whether the run came to rest by being asked."""
        if isinstance(event, TrainingEnded) and event.state == "paused":
            self.given = self._asked
        yield from ()
