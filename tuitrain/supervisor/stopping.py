"""How a worker is stopped: asked first, given time to checkpoint, killed where that is not enough.

Knows the worker as a process, and commands by their ids.
"""

import time

from tuitrain.errors import EXIT_INTERRUPTED
from tuitrain.messages import Stop
from tuitrain.supervisor.record_keeper import RecordKeeper
from tuitrain.supervisor.worker_process import Worker


class Stopping:
    """The stop of one worker.

    Attributes:
        exit_code: what the supervisor is to end with because of it; None: nobody stops the worker.
        reason: why the worker was killed; empty: it was not.
    """

    def __init__(self, worker: Worker, record: RecordKeeper, grace_s: float) -> None:
        """Stand by.

        Args:
            worker: is stopped.
            record: takes the answers to stop commands.
            grace_s: how long the worker may take to checkpoint and end.
        """
        self.exit_code: int | None = None
        self.reason = ""
        self._worker = worker
        self._record = record
        self._grace_s = grace_s
        self._kill_at: float | None = None
        self._unanswered: list[int] = []

    def begin(self, stop: Stop, exit_code: int) -> None:
        """Let the worker checkpoint and end; a second stop, or the grace period, kills it."""
        if stop.command_id:
            self._unanswered.append(stop.command_id)
        if self._kill_at is not None:
            self.kill("stopped twice: killed at once; the last checkpoint stays")
            return
        self.exit_code = exit_code
        self._kill_at = time.monotonic() + self._grace_s
        self._worker.send(stop)

    def end_overdue(self) -> None:
        """Kill a worker whose time is up."""
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self.kill(f"did not stop within {self._grace_s:g} s: killed")

    def kill(self, reason: str) -> None:
        """Kill the worker and what it started, and answer the stops that wait for its end."""
        self.reason = self.reason or reason
        self.exit_code = self.exit_code or EXIT_INTERRUPTED
        self._worker.kill()
        for command_id in self._unanswered:
            self._record.answer(command_id, "done", reason)
        self._unanswered.clear()
