"""Reads GPUs in a thread: a driver in trouble can hold a call for minutes, and a run must not wait.

Knows nothing of what is read.
"""

import queue
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

WAIT_S = 0.3
"""Eight GPUs answer within a tenth of that."""


class Gpus(Protocol):
    """What reads GPUs."""

    def read(self, family: Collection[int] = ()) -> Mapping[str, float]:
        """Return readings by name."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return what is known beside the readings."""
        ...

    def close(self) -> None:
        """Let go of the driver."""
        ...


class Answer(NamedTuple):
    """What was read at once."""

    readings: Mapping[str, float]
    facts: dict[str, Any]


class BackgroundGpuReader:
    """Asks the GPUs one question at a time, and never waits long for the answer."""

    def __init__(self, open_gpus: Callable[[], Gpus], wait_s: float = WAIT_S) -> None:
        """Begin.

        Args:
            open_gpus: returns Gpus; called in the thread, as opening a driver may take long too.
            wait_s: for an answer, at the most.
        """
        self._open_gpus = open_gpus
        self._wait_s = wait_s
        self._questions: queue.SimpleQueue[Collection[int] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        self._asked = False
        self._opened = threading.Event()
        threading.Thread(target=self._run, name="gpus", daemon=True).start()

    def read(self, family: Collection[int]) -> Answer | Exception | None:
        """Return readings and facts, or what went wrong; None where nothing has come yet."""
        # An answer that is late, or a driver that is being opened, is taken when it comes.
        wait_s = 0.0 if self._asked or not self._opened.is_set() else self._wait_s
        if not self._asked:
            self._asked = True
            self._questions.put(family)
        try:
            answer = self._answers.get(timeout=wait_s) if wait_s else self._answers.get_nowait()
        except queue.Empty:
            return None
        self._asked = False
        return answer

    def close(self) -> None:
        """Let the thread let go of the driver, once it answers."""
        self._questions.put(None)

    def _run(self) -> None:
        gpus: Gpus | None = None
        while (family := self._questions.get()) is not None:
            try:
                gpus = self._open_gpus() if gpus is None else gpus
                self._opened.set()
                answer = Answer(gpus.read(family), gpus.facts())
            # Whatever a driver's library raises is told, and ends neither this thread nor the run.
            except Exception as error:
                self._answers.put(error)
            else:
                self._answers.put(answer)
        if gpus is not None:
            gpus.close()
