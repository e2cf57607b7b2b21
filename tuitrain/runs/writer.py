"""The one writer of what happened in a run: whole transactions, each event once.

Knows nothing of queues and processes; only the supervisor uses it.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from tuitrain.messages import (
    Numbered,
    RunState,
    TrainingResumed,
    admit,
    decode_pending,
    storable,
)
from tuitrain.runs.commands import read_commands
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.events import EventTables
from tuitrain.runs.rows import CommandRow
from tuitrain.runs.spent import last_sign
from tuitrain.runs.storage.database import explained, open_for_supervisor, rest_journal, to_json

_WAITING = "taken IS NULL AND done IS NULL"


class RunWriter:
    """Writes one run's record; every method is one transaction, done wholly or not at all.

    Every method raises RecordError when the database can't be written, and DiskFullError when it
    is space that lacks; the call can then be made again as it was.
    """

    def __init__(self, directory: RunDirectory) -> None:
        """Open the record for writing.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        self._directory = directory
        self._connection = open_for_supervisor(directory)
        self._tables = EventTables(self._connection, directory)
        self._left_out: list[str] = []

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database, leaving it as one file where no reader has it open."""
        try:
            with explained(self._directory):
                rest_journal(self._connection)
        finally:
            self._connection.close()

    def record(self, events: Sequence[Numbered]) -> int:
        """Record events, leaving out those already recorded.

        Returns:
            The highest sequence among them that is now on disk; 0 for no events.
        """
        if not events:
            return 0
        self._left_out.clear()
        with self._transaction():
            seen = self._acknowledged()
            for item in events:
                self._record_once(item, seen, replayed=False)
            self._connection.executemany(
                "INSERT OR REPLACE INTO acknowledged VALUES (?, ?)", seen.items()
            )
        newest = max(item.attempt for item in events)
        return max(item.sequence for item in events if item.attempt == newest)

    def _record_once(self, item: Numbered, seen: dict[int, int], *, replayed: bool) -> None:
        if item.sequence <= seen.get(item.attempt, 0):
            return
        seen[item.attempt] = item.sequence
        # A resume may itself come out of a checkpoint, when its worker died unheard: then it too
        # gave up what was recorded after its step.
        if isinstance(item.event, TrainingResumed):
            with self._apart("the resume"):
                self._tables.rewind(item.event)
            for pending in self._pending(item.event):
                self._record_once(pending, seen, replayed=True)
        with self._apart(f"{type(item.event).__name__}"):
            self._tables.apply(item.event, item.attempt, replayed=replayed)

    def _pending(self, resumed: TrainingResumed) -> Iterator[Numbered]:
        """Yield what a checkpoint carried for the record, as far as that can be told."""
        try:
            carried = decode_pending(resumed.pending)
        except ValueError as error:
            self._left_out.append(f"what {resumed.path} carried for the record ({error})")
            return
        if carried.left_out:
            words = "; ".join(carried.left_out)
            self._left_out.append(f"some of what {resumed.path} carried for the record ({words})")
        for item in carried.events:
            admitted = admit(item.event)
            self._left_out += admitted.left_out
            if admitted.event is not None:
                yield Numbered(item.attempt, item.sequence, admitted.event)

    @contextlib.contextmanager
    def _apart(self, what: str) -> Iterator[None]:
        """Write something wholly or not at all within a transaction, which goes on without it.

        What is wrong with the database itself is raised; what is wrong with a value is told.
        """
        self._connection.execute("SAVEPOINT apart")
        try:
            yield
        except Exception as error:
            if _is_of_database(error):
                raise
            self._tables.points.forget()
            self._connection.execute("ROLLBACK TO apart")
            self._left_out.append(f"{what} ({type(error).__name__}: {error})")
        self._connection.execute("RELEASE apart")

    def take_left_out(self) -> str:
        """Return, once, what could not be recorded of what was handed in; empty: nothing."""
        words = "; ".join(dict.fromkeys(self._left_out))
        self._left_out.clear()
        return storable(words)

    def _acknowledged(self) -> dict[int, int]:
        rows = self._connection.execute("SELECT attempt, sequence FROM acknowledged")
        return dict(rows.fetchall())

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
        with self._transaction():
            self._tables.change_state(time, state, reason, step, detail)
            if at_rest:
                self._tables.rest(time)

    def begin_attempt(self, time: float, reason: str = "") -> int:
        """Begin with a new worker; return its number, counted from 1.

        With a `reason` the run is `starting` in the same instant: whoever waits for the attempt
        must not read the end of the one before as its own.
        """
        with self._transaction():
            self._directory.summary_path.unlink(missing_ok=True)
            self._tables.set_meta(at_rest=False)
            self._connection.execute(
                "UPDATE attempts SET ended=max(started, ?) WHERE ended IS NULL",
                (last_sign(self._connection),),
            )
            if reason:
                self._tables.change_state(time, "starting", reason)
            cursor = self._connection.execute("INSERT INTO attempts (started) VALUES (?)", (time,))
            return int(cursor.lastrowid or 0)

    def take_commands(self, time: float) -> list[CommandRow]:
        """Return the commands that nobody took yet, in order, and mark them taken."""
        with explained(self._directory):
            if not read_commands(self._connection, _WAITING):
                return []
        with self._transaction():
            commands = read_commands(self._connection, _WAITING)
            self._connection.executemany(
                "UPDATE commands SET taken=? WHERE id=?", [(time, row.id) for row in commands]
            )
        return commands

    def finish_command(
        self, command_id: int, time: float, outcome: str, text: str, step: int | None = None
    ) -> None:
        """Record what became of a command that the supervisor answers itself."""
        with self._transaction():
            self._tables.finish_command(command_id, time, outcome, text, step)

    def refuse_stale_commands(self, time: float, text: str) -> None:
        """Refuse what an earlier supervisor never took or never finished."""
        with self._transaction():
            self._connection.execute(
                "UPDATE commands SET done=?, outcome='refused', text=? WHERE done IS NULL",
                (time, text),
            )

    def add_samples(self, time: float, samples: Mapping[str, float]) -> None:
        """Record readings of GPU and host by name; one that is NaN is kept as a gap."""
        with self._transaction():
            self._tables.add_samples(time, samples)

    def set_devices(self, time: float, facts: Mapping[str, Any]) -> None:
        """Say what is known of the devices now beside their readings: plain JSON data."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO devices VALUES (1, ?, ?)", (time, to_json(dict(facts)))
            )

    def add_alert(
        self, time: float, kind: str, text: str, step: int | None = None, detail: str = ""
    ) -> None:
        """Record an alert that the supervisor raises itself."""
        with self._transaction():
            self._tables.add_alert(time, kind, text, step, detail)

    def finish_profile(self, name: str, state: str, summary: Mapping[str, Any]) -> None:
        """Say what a profile says, `done`, or that it can't be read, `failed`."""
        with self._transaction():
            self._connection.execute(
                "UPDATE profiles SET state=?, summary_json=? WHERE name=?",
                (state, to_json(dict(summary)), name),
            )

    def set_meta(self, **values: Any) -> None:
        """Set facts about the run, e.g. data_directory: plain JSON data."""
        with self._transaction():
            self._tables.set_meta(**values)

    def applied_settings(self) -> list[tuple[int, str, float]]:
        """Return every live change as (step, key, value), in order of steps.

        They outlast a rewind, so that each is made again at its step however often the run is
        resumed, until somebody decides anew for that setting.
        """
        with explained(self._directory):
            rows = self._connection.execute(
                "SELECT step, key, new FROM settings ORDER BY step, time, key"
            )
            return [(step, key, new) for step, key, new in rows.fetchall()]

    def abandoned_checkpoints(self) -> list[str]:
        """Return the paths of checkpoints that belong to a history given up."""
        with explained(self._directory):
            rows = self._connection.execute(
                "SELECT path FROM checkpoints WHERE superseded AND removed IS NULL"
            )
            return [path for (path,) in rows.fetchall()]

    def has_checkpoint(self) -> bool:
        """Tell whether the record knows of a checkpoint that was not removed."""
        with explained(self._directory):
            row = self._connection.execute(
                "SELECT 1 FROM checkpoints WHERE removed IS NULL LIMIT 1"
            ).fetchone()
            return row is not None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with explained(self._directory):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._tables.points.forget()
                # SQLite itself rolls back after some errors, a full disk among them.
                if self._connection.in_transaction:
                    with contextlib.suppress(sqlite3.OperationalError):
                        self._connection.execute("ROLLBACK")
                raise


def _is_of_database(error: Exception) -> bool:
    """Say whether an error is of the file or its space, not of what was to be written."""
    of_values = (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError)
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, of_values)
