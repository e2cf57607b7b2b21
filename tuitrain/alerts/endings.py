"""Rules on processes: loader workers that die, and the run's end.

Knows what the worker said and how many loaders were counted; looks at no process itself.
"""

import re
from collections.abc import Iterable, Mapping

from tuitrain.alerts.rule import Hysteresis, Rule, RunStatus
from tuitrain.failures.explain import explain
from tuitrain.messages import Event, TrainingEnded

_DIED = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)[^\n;]*")
"""What is raised in the training process."""
_GONE = "in rebuild_storage_fd"
"""Where torch fails, with an error of the connection, when the loader of a batch is just dead."""
_MISSING_S = 5.0
"""At the end of a run its loaders go before it says that it has ended."""
_GONE_ROW = "DataLoader worker (pid(s) 0) exited unexpectedly"
"""What the table of failures knows the row of a loader by that ended without a word."""


class Loaders(Rule):
    """A loader worker died, or is missing while training goes on."""

    def __init__(self, workers: int, status: RunStatus) -> None:
        self._workers = workers
        self._status = status
        self._most = 0
        self._episode = Hysteresis(_MISSING_S)
        self._told = False

    def take(self, event: Event) -> Iterable[str]:
        """Look for torch's words in a failure."""
        if not isinstance(event, TrainingEnded) or event.state != "failed" or self._told:
            return ()
        found = [match[0] for match in _DIED.finditer(f"{event.reason}\n{event.traceback}")]
        if not found and _GONE in event.traceback:
            found = [f"what one had loaded could not be taken over ({event.reason})"]
        if not found:
            return ()
        # The signal, where torch names it, stands in the cause of what it raises.
        words = next((each for each in found if "by signal" in each), found[0])
        return (f"a loader worker died: {words.strip()}; {_hint(words)}",)

    def read(self, time_s: float, readings: Mapping[str, float]) -> Iterable[str]:
        """Count the loaders while steps are taken; an evaluation has some of its own for a time."""
        count = readings.get("host/loaders")
        if count is None or not self._status.running:
            return ()
        expected = self._workers * int(readings.get("host/ranks") or 1)
        self._most = max(self._most, min(int(count), expected))
        if not self._episode.begins(time_s, count < self._most):
            return ()
        self._told = True
        return (f"loader workers died: {int(count)} of {self._most} are left",)


def _hint(words: str) -> str:
    """Return what to do about a loader that died, from the table of failures."""
    found = [each for each in explain(words) if each.kind.startswith("loader worker")]
    return (found or explain(_GONE_ROW))[0].advice[0]


class Ended(Rule):
    """The run is over; one that was paused is not."""

    def __init__(self) -> None:
        self._told = False

    def take(self, event: Event) -> Iterable[str]:
        """Tell of the end once."""
        if not isinstance(event, TrainingEnded) or event.state == "paused" or self._told:
            return ()
        self._told = True
        return (f"the run {_ENDS[event.state]}: {event.reason}",)


_ENDS = {"finished": "is finished", "stopped": "was stopped", "failed": "failed"}
