"""The rows of a run's record that are not points, written inside one transaction at a time.

Knows the tables; nothing of events or of who writes.
"""

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuitrain.messages import plain_data, storable
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import NO_MARK_DATA, MarkData
from tuitrain.runs.storage.database import explained, to_json
from tuitrain.runs.storage.points import PointStore

_RECENT_S, _MOVED_S = 60.0, 60.0
"""Readings stay single rows for so long, and then move to chunks so many seconds at a time."""


class RecordTables:
    """Writes rows, and points through `points`; all but `transaction` is called inside of one."""

    def __init__(self, connection: sqlite3.Connection, directory: RunDirectory) -> None:
        """Write through `connection`, the database of `directory`."""
        self.connection = connection
        self.directory = directory
        self.points = PointStore(connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that is written meanwhile, or nothing of it.

        Raises:
            RecordError: the database can't be written.
            HeldRecordError: space lacks, or another process holds it; it can be tried again.
        """
        with explained(self.directory):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                self.points.forget()
                # SQLite itself rolls back after some errors, a full disk among them.
                if self.connection.in_transaction:
                    with contextlib.suppress(sqlite3.OperationalError):
                        self.connection.execute("ROLLBACK")
                raise

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Carry out one statement."""
        return self.connection.execute(statement, values)

    def last_step(self) -> int:
        """Return the last step on record; 0 where there is none."""
        return int(self.execute("SELECT ifnull(max(step), 0) FROM progress").fetchone()[0])

    def name_checkpoint(self, path: str, names: Sequence[str]) -> None:
        """Let names lead to a checkpoint; another that had one of them loses it."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO checkpoint_names VALUES (?, ?)",
            [(name, path) for name in names],
        )

    def change_state(
        self, time: float, state: str, reason: str, step: int | None = None, detail: str = ""
    ) -> None:
        """Enter a state."""
        self.execute(
            "INSERT INTO states (time, state, reason, step, detail) VALUES (?, ?, ?, ?, ?)",
            (time, state, storable(reason), step, storable(detail)),
        )

    def rest(self, time: float) -> None:
        """Say that the record is complete, and that nobody is working on the run."""
        self.set_meta(at_rest=True)
        self.execute("UPDATE attempts SET ended=? WHERE ended IS NULL", (time,))

    def add_mark(
        self, step: int, time: float, kind: str, text: str, data: MarkData = NO_MARK_DATA
    ) -> None:
        """Put a mark on the curve."""
        self.execute(
            "INSERT INTO marks (step, time, kind, text, data_json) VALUES (?, ?, ?, ?, ?)",
            (step, time, kind, storable(text), to_json(plain_data(data))),
        )

    def add_alert(
        self, time: float, kind: str, text: str, step: int | None, detail: str = ""
    ) -> None:
        """Record an alert."""
        self.execute(
            "INSERT INTO alerts (step, time, kind, text, detail) VALUES (?, ?, ?, ?, ?)",
            (step, time, kind, storable(text), storable(detail)),
        )

    def add_samples(self, time: float, samples: Mapping[str, float]) -> None:
        """Record readings, and move those of more than a minute ago to where they cost little."""
        self.connection.executemany(
            "INSERT INTO samples VALUES (?, ?, ?)",
            [(time, name, value) for name, value in samples.items()],
        )
        oldest = self.execute("SELECT time FROM samples ORDER BY rowid LIMIT 1")
        row = oldest.fetchone()
        if row is not None and row[0] < time - _RECENT_S - _MOVED_S:
            self._move_samples(time - _RECENT_S)

    def _move_samples(self, before: float) -> None:
        rows = self.execute(
            "SELECT name, time, value FROM samples WHERE time<? ORDER BY name, time", (before,)
        ).fetchall()
        readings: dict[str, dict[int, float]] = {}
        for name, at, value in rows:
            readings.setdefault(name, {})[int(at)] = math.nan if value is None else value
        for name, points in readings.items():
            self.points.append(name, list(points), list(points.values()), "time")
        self.execute("DELETE FROM samples WHERE time<?", (before,))

    def finish_command(
        self, command_id: int, time: float, outcome: str, text: str, step: int | None
    ) -> None:
        """Record what became of a command."""
        self.execute(
            "UPDATE commands SET taken=ifnull(taken, ?), done=?, outcome=?, text=?, step=?"
            " WHERE id=?",
            (time, time, outcome, storable(text), step, command_id),
        )

    def set_meta(self, **values: Any) -> None:
        """Set facts about the run."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [(key, to_json(value)) for key, value in values.items()],
        )

    def add_environment(self, facts: Mapping[str, Any]) -> None:
        """Add to what is known of the machine and its software."""
        row = self.execute("SELECT value_json FROM meta WHERE key='environment'").fetchone()
        known = json.loads(row[0]) if row else {}
        self.set_meta(environment={**known, **facts})
