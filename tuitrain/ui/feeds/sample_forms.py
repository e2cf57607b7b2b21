"""What validation samples look like, asked of a process: those wanted now, and more with them.

A process takes seconds to come up, so one is asked for all that is likely wanted next. Knows
numbers of samples; nothing of how they are drawn.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tuitrain.errors import TuitrainError
from tuitrain.supervisor.inspection import Question
from tuitrain.trained.opening import Trained
from tuitrain.ui.feeds.child import Ask, AskedChild, ask_child

Form = Mapping[str, Any]
"""Of one sample: `image`, `text`, `tokens` or `values`, and its `target` and `columns`."""

_AT_ONCE = 200
_SIDE = 64
"""Pixels of a side: as many as a picture beside a list can have cells."""


class SampleForms:
    """Forms of samples by their numbers, as they come."""

    def __init__(self, trained: Trained, deliver: Callable[[], None], ask: Ask = ask_child) -> None:
        """Ask nothing yet.

        Args:
            trained: whose data the samples are of.
            deliver: is called, in a thread, when more is known.
            ask: puts questions to a process.
        """
        self._trained = trained
        self._deliver = deliver
        self._ask = ask
        self._child = AskedChild()
        self._lock = threading.Lock()
        self._known: dict[int, Form] = {}
        self._next: list[int] = []
        self._busy = False
        self.trouble = ""
        """Why nothing can be shown of samples, where that is so."""

    def get(self, number: int) -> Form | None:
        """Return the form of a sample, once it is known."""
        return self._known.get(number)

    def want(self, numbers: Iterable[int], likely: Sequence[int] = ()) -> None:
        """Look samples up, the latest wanted first.

        Args:
            numbers: wanted now.
            likely: wanted soon.
        """
        with self._lock:
            wanted = [number for number in numbers if number not in self._known]
            if not wanted or self.trouble:
                return
            more = [number for number in likely if number not in self._known]
            self._next = list(dict.fromkeys([*wanted, *more]))[:_AT_ONCE]
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """End the process that nobody waits for any more."""
        self._child.close()

    def _run(self) -> None:
        while (numbers := self._take()) and not self._child.closed:
            try:
                answer = self._ask(self._question(numbers), lambda _text: None, self._child.begun)
            except (TuitrainError, OSError) as error:
                self.trouble = str(error)
            else:
                self._known |= {sample["number"]: sample for sample in answer["samples"]}
            if not self._child.closed:
                self._deliver()

    def _take(self) -> list[int]:
        with self._lock:
            numbers = [number for number in self._next if number not in self._known]
            self._next = []
            self._busy = bool(numbers) and not self.trouble
            return numbers if self._busy else []

    def _question(self, numbers: list[int]) -> Question:
        trained = self._trained
        return Question(
            "samples",
            trained.preset,
            trained.data_directory,
            trained.code_folders,
            {"numbers": numbers, "side": _SIDE},
        )
