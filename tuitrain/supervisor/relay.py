"""Passes on what people want: commands on record and signals become commands to the worker.

Knows what each asks for; how a worker is stopped is somebody else's.
"""

import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tuitrain.errors import EXIT_INTERRUPTED, EXIT_TERMINATED
from tuitrain.messages import AlertRaised, SaveCheckpoint, Stop
from tuitrain.runs.rows import CommandRow
from tuitrain.supervisor.observers.observer import Observers
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.requests import translate
from tuitrain.supervisor.stacks import as_text, collect_stacks
from tuitrain.supervisor.stopping import Stopping
from tuitrain.supervisor.worker_process import WorkerProcess


class CommandRelay:
    """Passes commands on to one worker."""

    def __init__(
        self,
        worker: WorkerProcess,
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
                self._pass_on(row)
            except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
                self._record.answer(row.id, "refused", f"the command lacks {error}")

    def _pass_on(self, row: CommandRow) -> None:
        if row.kind == "stop" and row.arguments.get("now"):
            self._stopping.kill("killed by command; the last checkpoint stays")
            self._record.answer(row.id, "done", "killed at once")
            return
        if row.kind == "stacks":
            self._record.answer(row.id, "done", self._take_stacks())
            return
        command = translate(row)
        if command is None:
            self._record.answer(row.id, "refused", f"there is no command {row.kind!r}")
            return
        self._observers.commanded()
        if isinstance(command, Stop):
            self._stopping.begin(command, EXIT_INTERRUPTED)
        else:
            self._worker.send(command)

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
