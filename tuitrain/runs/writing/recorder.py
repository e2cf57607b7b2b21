"""Events into the record: each once, in order, and what can't be recorded told and left out.

Works inside the caller's transaction; knows nothing of queues and processes.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from tuitrain.messages import Numbered, TrainingResumed, admit, decode_pending, storable
from tuitrain.runs.storage.record_tables import RecordTables
from tuitrain.runs.writing.events import Source, apply_event
from tuitrain.runs.writing.rewind import rewind


class EventRecorder:
    """Records numbered events."""

    def __init__(self, tables: RecordTables) -> None:
        """Write to the tables of one run."""
        self._tables = tables
        self._left_out: list[str] = []

    def record(self, events: Sequence[Numbered]) -> int:
        """Record one or more events, leaving out those already recorded.

        Returns:
            The highest sequence among them that is then on disk.
        """
        self._left_out.clear()
        seen = self._acknowledged()
        for item in events:
            self._record_once(item, seen, replayed=False)
        self._tables.connection.executemany(
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
                rewind(self._tables, item.event)
            for pending in self._pending(item.event):
                self._record_once(pending, seen, replayed=True)
        with self._apart(f"{type(item.event).__name__}"):
            apply_event(item.event, self._tables, Source(item.attempt, replayed))

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
        self._tables.execute("SAVEPOINT apart")
        try:
            yield
        except Exception as error:
            if _is_of_database(error):
                raise
            self._tables.points.forget()
            self._tables.execute("ROLLBACK TO apart")
            self._left_out.append(f"{what} ({type(error).__name__}: {error})")
        self._tables.execute("RELEASE apart")

    def take_left_out(self) -> str:
        """Return, once, what could not be recorded of what was handed in; empty: nothing."""
        words = "; ".join(dict.fromkeys(self._left_out))
        self._left_out.clear()
        return storable(words)

    def _acknowledged(self) -> dict[int, int]:
        rows = self._tables.execute("SELECT attempt, sequence FROM acknowledged")
        return dict(rows.fetchall())


def _is_of_database(error: Exception) -> bool:
    """Say whether an error is of the file or its space, not of what was to be written."""
    of_values = (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError)
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, of_values)
