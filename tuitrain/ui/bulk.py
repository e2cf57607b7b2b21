"""One command for several runs, and what became of it in one sentence.

Called in a thread; knows the client of runs, and no screen.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from tuitrain.errors import TuitrainError
from tuitrain.lang import tr
from tuitrain.messages import Request
from tuitrain.remote.client import Clients
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.summary import RunSummary

COMMAND_LIMIT_S = 120.0
"""How long the interface waits for what became of a command; it is on record either way."""
Said = tuple[str, bool]
"""Words, and whether all went well."""
_Given = tuple[RunDirectory, int | None]
"""A run, and the number of its command; None: it is started again."""
_NAMED = 3
"""Runs that are told by name where something went wrong."""
_DONE = {"pause": "paused", "stop": "stopped", "resume": "resumed"}


class BulkCommand:
    """A command that is given to runs one after the other; then all answers are waited for."""

    def __init__(self, clients: Clients, act: str, make: Callable[[], Request] | None) -> None:
        """Prepare it.

        Args:
            clients: of the runs.
            act: pause, stop or resume.
            make: makes the request; None: the runs are resumed.
        """
        self._clients = clients
        self._act = act
        self._make = make

    def give(self, runs: Sequence[RunSummary], limit_s: float) -> Callable[[], Said]:
        """Give it to all; return what waits for their answers, and says what became of it.

        Args:
            runs: any number.
            limit_s: how long the answer of one run is waited for.
        """
        faults: list[str] = []
        given: list[_Given] = []
        for run in runs:
            directory = RunDirectory(Path(run.path))
            try:
                given.append((directory, self._begin(directory)))
            except (TuitrainError, OSError) as error:
                faults.append(str(error))
        return lambda: self._answers(len(runs), given, faults, limit_s)

    def _answers(
        self, asked: int, given: Sequence[_Given], faults: Sequence[str], limit_s: float
    ) -> Said:
        all_faults = list(faults)
        for directory, number in given:
            try:
                fault = self._end(directory, number, limit_s)
            except (TuitrainError, OSError) as error:
                fault = str(error)
            all_faults += [fault] if fault else []
        return self._words(asked, all_faults), not all_faults

    def _begin(self, directory: RunDirectory) -> int | None:
        if self._make is None:
            return self._clients.of(directory).resume(directory)
        return self._clients.of(directory).send(directory, self._make())

    def _end(self, directory: RunDirectory, number: int | None, limit_s: float) -> str:
        """Return why a run did not do it; empty where it did."""
        client = self._clients.of(directory)
        if number is None:
            state = client.wait_for_start(directory)
            return f"{directory.id} failed: {state.reason}" if state.state == "failed" else ""
        answer = client.wait_for_answer(directory, number, timeout_s=limit_s)
        return "" if answer.outcome == "done" else f"{directory.id}: {answer.text}"

    def _words(self, asked: int, faults: Sequence[str]) -> str:
        done = asked - len(faults)
        what = tr(_DONE[self._act])
        told = tr("{n} of {all} runs {what}", n=done, all=asked, what=what)
        more = [tr("{n} more", n=len(faults) - _NAMED)] if len(faults) > _NAMED else []
        whole = tr("{n} runs {what}", n=asked, what=what)
        return "; ".join([told, *faults[:_NAMED], *more]) if faults else whole
