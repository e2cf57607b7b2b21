"""One run's record, open for reading: its lists as they were written down.

Concludes and reduces nothing.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from tuitrain.messages import PerClassCounts, ProfileFacts
from tuitrain.runs.commands import read_commands
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.rows import (
    AlertRow,
    AttemptRow,
    CheckpointRow,
    CommandRow,
    DevicesRow,
    EvaluationRow,
    MarkRow,
    ProfileRow,
    StateRow,
)
from tuitrain.runs.storage.database import explained, from_json, open_for_reading

_CHECKPOINT_COLUMNS = (
    "path, step, time, digest, size_bytes, held_up_s, write_s, metrics_json, removed,"
    " removed_reason, superseded"
)


class RecordReader:
    """Reads what is in one run's record; every method raises RecordError when it can't be read."""

    def __init__(self, directory: RunDirectory) -> None:
        """Open the record.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        self.directory = directory
        self._connection = open_for_reading(directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def version(self) -> int:
        """Return a number that changes whenever anybody has written; it costs microseconds."""
        return int(self._one("PRAGMA data_version")[0])

    def states(self) -> list[StateRow]:
        """Return every state the run entered, oldest first."""
        rows = self._all("SELECT time, state, reason, step, detail FROM states ORDER BY id")
        return [StateRow(*row) for row in rows]

    def attempts(self) -> list[AttemptRow]:
        """Return the workers that the run has had, oldest first."""
        rows = self._all("SELECT attempt, started, pid, ended FROM attempts ORDER BY attempt")
        return [AttemptRow(*row) for row in rows]

    def marks(self) -> list[MarkRow]:
        """Return every mark by step."""
        rows = self._all("SELECT step, time, kind, text, data_json FROM marks ORDER BY step, id")
        return [
            MarkRow(step, at, kind, text, json.loads(data)) for step, at, kind, text, data in rows
        ]

    def alerts(self) -> list[AlertRow]:
        """Return every alert, oldest first."""
        return [
            AlertRow(*row)
            for row in self._all("SELECT step, time, kind, text, detail FROM alerts ORDER BY id")
        ]

    def commands(self) -> list[CommandRow]:
        """Return every command in the order they were given."""
        with explained(self.directory):
            return read_commands(self._connection)

    def checkpoints(self) -> list[CheckpointRow]:
        """Return every checkpoint that was ever recorded, by step."""
        with self._snapshot():
            names: dict[str, list[str]] = {}
            for name, path in self._all("SELECT name, path FROM checkpoint_names ORDER BY name"):
                names.setdefault(path, []).append(name)
            rows = self._all(
                f"SELECT {_CHECKPOINT_COLUMNS} FROM checkpoints ORDER BY step, time, path"
            )
        return [_checkpoint(row, names) for row in rows]

    def evaluations(self) -> list[EvaluationRow]:
        """Return every evaluation by step."""
        rows = self._all(
            "SELECT step, time, epoch, duration_s, metrics_json, counts_json"
            " FROM evaluations ORDER BY step"
        )
        return [
            EvaluationRow(step, at, epoch, duration_s, json.loads(metrics), self._counts(counts))
            for step, at, epoch, duration_s, metrics, counts in rows
        ]

    def _counts(self, text: str | None) -> PerClassCounts | None:
        return None if text is None else from_json(self.directory, PerClassCounts, text)

    def evaluated(self, last_step: int) -> list[tuple[int, dict[str, float]]]:
        """Return the step and the metrics of each evaluation up to `last_step`, by step."""
        rows = self._all(
            "SELECT step, metrics_json FROM evaluations WHERE step<=? ORDER BY step", (last_step,)
        )
        return [(step, json.loads(metrics)) for step, metrics in rows]

    def evaluation_times(self) -> list[float]:
        """Return when each evaluation was over, by step."""
        return [at for (at,) in self._all("SELECT time FROM evaluations ORDER BY step")]

    def devices(self) -> DevicesRow | None:
        """Return what was last known of the devices beside their readings."""
        row = self._one("SELECT time, facts_json FROM devices")
        return None if row is None else DevicesRow(row[0], json.loads(row[1]))

    def profiles(self) -> list[ProfileRow]:
        """Return the run's profiles, oldest first."""
        rows = self._all(
            "SELECT name, time, state, first_step, last_step, facts_json, summary_json"
            " FROM profiles ORDER BY time, name"
        )
        return [
            ProfileRow(
                name,
                at,
                state,
                first,
                last,
                from_json(self.directory, ProfileFacts, facts),
                json.loads(summary),
            )
            for name, at, state, first, last, facts, summary in rows
        ]

    # --- queries --------------------------------------------------------------------------------

    def _one(self, query: str, values: tuple[Any, ...] = ()) -> Any:
        with explained(self.directory):
            cursor = self._connection.execute(query, values)
            row = cursor.fetchone()
            # A cursor left open would keep its read transaction.
            cursor.close()
            return row

    def _all(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with explained(self.directory):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Let several reads see one and the same state of the record."""
        nested = self._connection.in_transaction
        if nested:
            yield
            return
        with explained(self.directory):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.commit()


def _checkpoint(row: tuple[Any, ...], names: Mapping[str, list[str]]) -> CheckpointRow:
    path, step, at, digest, size_bytes, held_up_s, write_s, metrics, removed, reason, old = row
    return CheckpointRow(
        path=path,
        step=step,
        time=at,
        names=tuple(names.get(path, ())),
        digest=digest,
        size_bytes=size_bytes,
        held_up_s=held_up_s,
        write_s=write_s,
        metrics=json.loads(metrics),
        removed=removed,
        removed_reason=reason,
        superseded=bool(old),
    )
