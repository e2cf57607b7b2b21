"""A record that grows as another one did: for screens that are to show again what they showed.

Copies rows by their times, and points by the steps and seconds that they belong to; knows nothing
of clocks, and of screens.
"""

import sqlite3
from pathlib import Path

from tuitrain.runs.directory import RunDirectory, build_run
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import REPLAY
from tuitrain.runs.storage.chunks import read_chunks
from tuitrain.runs.storage.database import explained, open_for_reading
from tuitrain.runs.storage.opened import OpenRecord

_TABLES = {
    "states": "time",
    "progress": "time",
    "evaluations": "time",
    "checkpoints": "time",
    "marks": "time",
    "alerts": "time",
    "commands": "given",
    "samples": "time",
}
"""Tables whose rows belong to one time, by its column."""
_NEVER = float("-inf")


def create_replay(root: Path, original: RunDirectory) -> RunDirectory:
    """Make the directory of a record that is to grow as another one did.

    Args:
        root: a folder of runs, for this one alone.
        original: is only read.

    Raises:
        RecordError: the original can't be read, or the new record not be written.
        OSError: the folder can't be written.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = RunDirectory(root / original.id)
    with RunReader(original) as reader:
        meta = reader.meta()
    text = original.config_path.read_text(encoding="utf-8")
    identity = {key: value for key, value in meta.items() if key != "config"}
    identity["watched"] = {"path": str(original.path), "kind": REPLAY}
    build_run(copy, {**identity, "config": text}, text, origin={})
    with ReplayWriter(copy, original) as writer:
        writer.begin(meta.get("environment", {}))
    return copy


class ReplayWriter(OpenRecord):
    """Copies a record up to a time; every method is one transaction."""

    def __init__(self, copy: RunDirectory, original: RunDirectory) -> None:
        """Open both.

        Raises:
            RecordError: one of them can't be read, or the copy not be written.
        """
        super().__init__(copy)
        self._original_directory = original
        self._original = open_for_reading(original)
        self._until = _NEVER
        self._step = -1

    def close(self) -> None:
        """Close both."""
        self._original.close()
        super().close()

    def begin(self, environment: object) -> None:
        """Take over what was known of the run as a whole, and forget that it was made just now."""
        with self._tables.transaction():
            self._tables.set_meta(environment=environment)
            self._tables.execute("DELETE FROM states")

    def first_time(self) -> float:
        """Return when the run was created."""
        return self._one("SELECT min(time) FROM states") or 0.0

    def next_time(self, after: float) -> float | None:
        """Return when the next thing happened after a time; None where nothing did."""
        found = [
            self._one(f"SELECT min({column}) FROM {table} WHERE {column}>?", after)
            for table, column in _TABLES.items()
        ]
        return min((time for time in found if time is not None), default=None)

    def _one(self, query: str, *values: float) -> float | None:
        with explained(self._original_directory):
            row = self._original.execute(query, values).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    def advance(self, until: float) -> None:
        """Copy all that happened up to a time and is not there yet."""
        step = int(self._one("SELECT max(step) FROM progress WHERE time<=?", until) or 0)
        with explained(self._original_directory), self._tables.transaction():
            for table, column in _TABLES.items():
                self._copy_rows(table, column, until)
            self._copy_attempts(until)
            self._copy_names()
            self._copy_points(until, step)
        self._until, self._step = until, max(step, self._step)

    def _copy_rows(self, table: str, column: str, until: float) -> None:
        found = self._original.execute(
            f"SELECT * FROM {table} WHERE {column}>? AND {column}<=?", (self._until, until)
        )
        self._insert(table, found)

    def _insert(self, table: str, found: sqlite3.Cursor) -> None:
        places = ", ".join("?" * len(found.description))
        self._tables.connection.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({places})", found.fetchall()
        )

    def _copy_attempts(self, until: float) -> None:
        """Copy the workers that had begun; the end of one is known once it is past."""
        found = self._original.execute(
            "SELECT attempt, started, pid, CASE WHEN ended<=? THEN ended END FROM attempts"
            " WHERE started<=?",
            (until, until),
        )
        self._insert("attempts", found)

    def _copy_names(self) -> None:
        """Copy the names of checkpoints; of one that was named otherwise before, the last name."""
        there = {path for (path,) in self._tables.execute("SELECT path FROM checkpoints")}
        names = self._original.execute("SELECT name, path FROM checkpoint_names").fetchall()
        self._tables.connection.executemany(
            "INSERT OR REPLACE INTO checkpoint_names VALUES (?, ?)",
            [(name, path) for name, path in names if path in there],
        )

    def _copy_points(self, until: float, step: int) -> None:
        metrics = self._original.execute("SELECT id, name, axis FROM metrics ORDER BY id")
        for metric, name, axis in metrics.fetchall():
            first, last = (self._until, until) if axis == "time" else (self._step, step)
            begin = 0 if first == _NEVER else int(first) + 1
            for chunk in read_chunks(self._original, metric, begin, int(last)):
                self._tables.points.append(name, list(chunk.steps), list(chunk.values), axis)
