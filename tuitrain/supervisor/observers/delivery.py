"""What is slow goes out in a thread of its own: whoever hands something in never waits.

Knows neither what is delivered nor where to.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tuitrain.errors import TuitrainError

MOST_WAITING = 64
LAST_WAIT_S = 2.0
"""How long the end of a run may wait for what is still to be delivered."""
_POLL_S = 0.02

_Item = TypeVar("_Item")


class DeliveryQueue(Generic[_Item]):
    """What waits to be delivered to one place, in order."""

    def __init__(
        self, deliver: Callable[[_Item], None], name: str, most_waiting: int = MOST_WAITING
    ) -> None:
        """Deliver from now on; no thread is started before there is something.

        Args:
            deliver: delivers one item; what it raises is the failure of that item alone.
            name: of the thread.
            most_waiting: what comes while so many wait is left out, which is a failure.
        """
        self._deliver = deliver
        self._name = name
        self._most_waiting = most_waiting
        self._waiting: queue.Queue[_Item] = queue.Queue(most_waiting)
        self._failure = ""
        self._told = False
        self._thread: threading.Thread | None = None

    def put(self, item: _Item) -> None:
        """Have an item delivered; where too many wait already, it is left out."""
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            self._failure = self._failure or f"{self._most_waiting} messages wait already"
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def take_failure(self) -> str:
        """Return why an item was not delivered, once; empty when all were, or it was said."""
        if not self._failure or self._told:
            return ""
        self._told = True
        return self._failure

    def wait(self, limit_s: float = LAST_WAIT_S) -> None:
        """Wait until everything is delivered or has failed, up to a limit."""
        deadline = time.monotonic() + limit_s
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if self._waiting.unfinished_tasks:
            self._failure = self._failure or "no answer before the run ended"

    def _run(self) -> None:
        while True:
            item = self._waiting.get()
            try:
                self._deliver(item)
            except TuitrainError as error:
                self._failure = str(error)
            except Exception as error:  # the border of the thread: the next item may go out
                self._failure = f"{type(error).__name__}: {error}"
            self._waiting.task_done()
