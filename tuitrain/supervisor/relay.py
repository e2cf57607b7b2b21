"""Passes on what people want: commands on record and signals become commands to the worker.

Knows what each asks for; how a worker is stopped is somebody else's.
"""

import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tuitrain.errors import EXIT_INTERRUPTED, EXIT_TERMINATED
from tuitrain.messages import AlertRaised, Request, SaveCheckpoint, Stop, TakeStacks
from tuitrain.runs.rows import CommandRow
from tuitrain.supervisor.observers.observer import Observers
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.requests import request_of
from tuitrain.supervisor.stacks import as_text, collect_stacks
from tuitrain.supervisor.stopping import Stopping
from tuitrain.supervisor.worker_process import Worker


class CommandRelay:
    """Passes commands on to one worker."""

    def __init__(
        self,
        worker: Worker,
        stopping: Stopping,
        record: RecordKeeper,
        observers: Observers,
        stacks_path: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Stand between people and a worker.

        Args:
            worker: is told.
            stopping: stops it.
            record: takes answers.
            observers: hear that the worker was told something.
            stacks_path: the file that its processes write their stacks to.
            clock: seconds since the epoch.
        """
        self._worker = worker
        self._stopping = stopping
        self._record = record
        self._observers = observers
        self._stacks_path = stacks_path
        self._clock = clock

    def pass_on_commands(self, rows: Iterable[CommandRow]) -> None:
        """Pass on commands; one that lacks what it needs is refused."""
        for row in rows:
            try:
                request = request_of(row)
            except ValueError as error:
                text = f"the command can't be carried out: {error}"
                self._record.answer(row.id, "refused", text)
            else:
                self._pass_on(request)

    def _pass_on(self, request: Request) -> None:
        match request:
            case Stop(command_id=number, now=True):
                self._stopping.kill("killed by command; the last checkpoint stays")
                self._record.answer(number, "done", "killed at once")
            case TakeStacks(command_id=number):
                self._record.answer(number, "done", self._take_stacks())
            case Stop():
                self._observers.commanded()
                self._stopping.begin(request, EXIT_INTERRUPTED)
            case _:
                self._observers.commanded()
                self._worker.send(request)

    def _take_stacks(self) -> str:
        """Record the stacks of the worker's processes; return what was found in a few words."""
        asked = collect_stacks(self._worker.pid, self._stacks_path)
        text = "stacks, by command"
        self._observers.tell(
            AlertRaised(self._clock(), self._observers.step, "stacks", text, as_text(asked))
        )
        given = sum(bool(each.stacks) for each in asked)
        return f"stacks of {given} of {len(asked)} processes are recorded with the alerts"

    def pass_on_signals(self, numbers: Iterable[int]) -> None:
        """Pass on what signals ask for."""
        for number in numbers:
            self._observers.commanded()
            if number == signal.SIGUSR1:
                self._worker.send(SaveCheckpoint(0))
            elif number == signal.SIGINT:
                self._stopping.begin(Stop(0, "interrupted (SIGINT)"), EXIT_INTERRUPTED)
            else:
                self._stopping.begin(Stop(0, "terminated (SIGTERM)"), EXIT_TERMINATED)
