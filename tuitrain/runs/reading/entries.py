"""What was written down of a run, as lists: marks, alerts, commands, checkpoints, evaluations.

Concludes and reduces nothing.
"""

import json
from collections.abc import Mapping
from typing import Any

from tuitrain.messages import PerClassCounts, ProfileFacts
from tuitrain.runs.commands import read_commands
from tuitrain.runs.reading.connection import RecordConnection
from tuitrain.runs.rows import (
    MARK_DATA,
    AlertRow,
    CheckpointRow,
    CommandRow,
    DevicesRow,
    EvaluationRow,
    MarkData,
    MarkRow,
    NoMarkData,
    ProfileRow,
)
from tuitrain.runs.storage.database import explained, from_json

_EVALUATIONS = "SELECT step, time, epoch, duration_s, metrics_json, counts_json FROM evaluations"
_CHECKPOINT_COLUMNS = (
    "path, step, time, digest, size_bytes, held_up_s, write_s, metrics_json, removed,"
    " removed_reason, superseded"
)


class EntryReader:
    """Reads the lists in one run's record; every method raises RecordError when it can't."""

    def __init__(self, record: RecordConnection) -> None:
        """Read through an open record."""
        self._record = record

    def marks(self) -> list[MarkRow]:
        """Return every mark by step."""
        rows = self._record.all(
            "SELECT step, time, kind, text, data_json FROM marks ORDER BY step, id"
        )
        return [
            MarkRow(step, at, kind, text, self._mark_data(kind, data))
            for step, at, kind, text, data in rows
        ]

    def _mark_data(self, kind: str, text: str) -> MarkData:
        found = MARK_DATA.get(kind, NoMarkData)
        return from_json(self._record.directory, found, text)

    def alerts(self) -> list[AlertRow]:
        """Return every alert, oldest first."""
        return [
            AlertRow(*row)
            for row in self._record.all(
                "SELECT step, time, kind, text, detail FROM alerts ORDER BY id"
            )
        ]

    def commands(self) -> list[CommandRow]:
        """Return every command in the order they were given."""
        with explained(self._record.directory):
            return read_commands(self._record.connection)

    def checkpoints(self) -> list[CheckpointRow]:
        """Return every checkpoint that was ever recorded, by step."""
        with self._record.snapshot():
            names: dict[str, list[str]] = {}
            for name, path in self._record.all(
                "SELECT name, path FROM checkpoint_names ORDER BY name"
            ):
                names.setdefault(path, []).append(name)
            rows = self._record.all(
                f"SELECT {_CHECKPOINT_COLUMNS} FROM checkpoints ORDER BY step, time, path"
            )
        return [_checkpoint(row, names) for row in rows]

    def evaluations(self) -> list[EvaluationRow]:
        """Return every evaluation by step."""
        return self._evaluations(f"{_EVALUATIONS} ORDER BY step")

    def last_evaluations(self, number: int) -> list[EvaluationRow]:
        """Return the last so many evaluations by step."""
        newest = f"{_EVALUATIONS} ORDER BY step DESC LIMIT ?"
        return self._evaluations(newest, number)[::-1]

    def count_evaluations(self) -> int:
        """Return how many evaluations there were."""
        return int(self._record.one("SELECT count(*) FROM evaluations")[0])

    def _evaluations(self, query: str, *values: int) -> list[EvaluationRow]:
        rows = self._record.all(query, values)
        return [
            EvaluationRow(step, at, epoch, duration_s, json.loads(metrics), self._counts(counts))
            for step, at, epoch, duration_s, metrics, counts in rows
        ]

    def _counts(self, text: str | None) -> PerClassCounts | None:
        return None if text is None else from_json(self._record.directory, PerClassCounts, text)

    def evaluated(self, last_step: int) -> list[tuple[int, dict[str, float]]]:
        """Return the step and the metrics of each evaluation up to `last_step`, by step."""
        rows = self._record.all(
            "SELECT step, metrics_json FROM evaluations WHERE step<=? ORDER BY step", (last_step,)
        )
        return [(step, json.loads(metrics)) for step, metrics in rows]

    def evaluation_times(self) -> list[float]:
        """Return when each evaluation was over, by step."""
        return [at for (at,) in self._record.all("SELECT time FROM evaluations ORDER BY step")]

    def devices(self) -> DevicesRow | None:
        """Return what was last known of the devices beside their readings."""
        row = self._record.one("SELECT time, facts_json FROM devices")
        return None if row is None else DevicesRow(row[0], json.loads(row[1]))

    def profiles(self) -> list[ProfileRow]:
        """Return the run's profiles, oldest first."""
        rows = self._record.all(
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
                from_json(self._record.directory, ProfileFacts, facts),
                json.loads(summary),
            )
            for name, at, state, first, last, facts, summary in rows
        ]


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
