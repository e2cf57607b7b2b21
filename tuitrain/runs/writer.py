"""The one writer of what happened in a run: whole transactions, each event once.

Knows nothing of queues and processes; only the supervisor uses it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.messages import Numbered, RunState
from tuitrain.runs.commands import CommandQueue
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import History
from tuitrain.runs.spent import last_sign
from tuitrain.runs.storage.database import explained, to_json
from tuitrain.runs.storage.opened import OpenRecord
from tuitrain.runs.writing.recorder import EventRecorder


class RunWriter(OpenRecord):
    """Writes one run's record; every method is one transaction, done wholly or not at all.

    So is every method of `commands`, the commands that people give.
    Every method raises RecordError when the database can't be written, and HeldRecordError when
    space lacks or another process holds it; the call can then be made again as it was.
    """

    def __init__(self, directory: RunDirectory) -> None:
        """Open the record for writing.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        super().__init__(directory)
        self._recorder = EventRecorder(self._tables)
        self.commands = CommandQueue(self._tables)

    def record(self, events: Sequence[Numbered]) -> int:
        """Record events, leaving out those already recorded.

        Returns:
            The highest sequence among them that is now on disk; 0 for no events.
        """
        if not events:
            return 0
        with self._tables.transaction():
            return self._recorder.record(events)

    def take_left_out(self) -> str:
        """Return, once, what could not be recorded of what was handed in; empty: nothing."""
        return self._recorder.take_left_out()

    def change_state(
        self,
        time: float,
        state: RunState,
        reason: str,
        *,
        at_rest: bool = False,
        detail: str = "",
        step: int | None = None,
    ) -> None:
        """Enter a state that the worker did not report; `at_rest`: nobody works on the run now."""
        with self._tables.transaction():
            self._tables.change_state(time, state, reason, step, detail)
            if at_rest:
                self._tables.rest(time)

    def begin_waiting(self, time: float, reason: str) -> None:
        """Say what a run waits for that has no worker: it is `queued`, and somebody's work."""
        with self._tables.transaction():
            self._directory.summary_path.unlink(missing_ok=True)
            self._directory.details_path.unlink(missing_ok=True)
            self._tables.set_meta(at_rest=False)
            self._tables.change_state(time, "queued", reason)

    def begin_attempt(self, time: float, reason: str = "") -> int:
        """Begin with a new worker; return its number, counted from 1.

        With a `reason` the run is `starting` in the same instant: whoever waits for the attempt
        must not read the end of the one before as its own.
        """
        with self._tables.transaction():
            self._directory.summary_path.unlink(missing_ok=True)
            self._directory.details_path.unlink(missing_ok=True)
            self._tables.set_meta(at_rest=False)
            self._tables.execute(
                "UPDATE attempts SET ended=max(started, ?) WHERE ended IS NULL",
                (last_sign(self._connection),),
            )
            if reason:
                self._tables.change_state(time, "starting", reason)
            cursor = self._tables.execute("INSERT INTO attempts (started) VALUES (?)", (time,))
            return int(cursor.lastrowid or 0)

    def add_samples(self, time: float, samples: Mapping[str, float]) -> None:
        """Record readings of GPU and host by name; one that is NaN is kept as a gap."""
        with self._tables.transaction():
            self._tables.add_samples(time, samples)

    def set_devices(self, time: float, facts: Mapping[str, Any]) -> None:
        """Say what is known of the devices now beside their readings: plain JSON data."""
        with self._tables.transaction():
            self._tables.execute(
                "INSERT OR REPLACE INTO devices VALUES (1, ?, ?)", (time, to_json(dict(facts)))
            )

    def add_alert(
        self, time: float, kind: str, text: str, step: int | None = None, detail: str = ""
    ) -> None:
        """Record an alert that the supervisor raises itself."""
        with self._tables.transaction():
            self._tables.add_alert(time, kind, text, step, detail)

    def finish_profile(self, name: str, state: str, summary: Mapping[str, Any]) -> None:
        """Say what a profile says, `done`, or that it can't be read, `failed`."""
        with self._tables.transaction():
            self._tables.execute(
                "UPDATE profiles SET state=?, summary_json=? WHERE name=?",
                (state, to_json(dict(summary)), name),
            )

    def set_meta(self, **values: Any) -> None:
        """Set facts about the run, e.g. data_directory: plain JSON data."""
        with self._tables.transaction():
            self._tables.set_meta(**values)

    def history(self) -> History:
        """Return what a worker must know of those before it."""
        with explained(self._directory):
            settings = self._tables.execute(
                "SELECT step, key, new FROM settings ORDER BY step, time, key"
            ).fetchall()
            checkpoints = self._tables.execute(
                "SELECT path, superseded FROM checkpoints WHERE removed IS NULL"
            ).fetchall()
        return History(
            settings=tuple((step, key, new) for step, key, new in settings),
            has_checkpoint=bool(checkpoints),
            abandoned=tuple(path for path, superseded in checkpoints if superseded),
        )
