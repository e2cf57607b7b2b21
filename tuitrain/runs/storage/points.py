"""Writing and removing points, with what they amount to.

Knows nothing of events or transactions: the caller opens those, and calls `forget` after a
rollback.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.runs.storage.chunks import pack, pack_steps, read_chunks
from tuitrain.runs.storage.pyramid import pyramid
from tuitrain.runs.storage.summaries import SummaryStore

_FULL_CHUNK_POINTS = 512
"""Messages are gathered into chunks of up to this many points: slow runs send few in each."""


@dataclass(slots=True)
class _Tail:
    """The last chunk of a metric, so that the next message can be added to it."""

    chunk_id: int
    first_step: int
    last_step: int
    count: int
    step_blob: bytes | None
    value_blob: bytes


class PointStore:
    """The points of one run."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through `connection`, inside the caller's transactions."""
        self._connection = connection
        self._summaries = SummaryStore(connection)
        self._metric_ids: dict[str, int] = {}
        self._tails: dict[int, _Tail | None] = {}

    def forget(self) -> None:
        """Drop what is remembered of the database, as it may no longer be so."""
        self._metric_ids.clear()
        self._tails.clear()

    def append(
        self, name: str, steps: Sequence[int], values: Sequence[float], axis: str = "step"
    ) -> None:
        """Add points; a step that already has one gets the new value.

        Args:
            name: the metric.
            steps: ascending.
            values: one a step.
            axis: what the steps are, as `tables` names it; it is kept with the metric's name.
        """
        if not steps:
            return
        metric = self._metric_id(name, axis)
        tail = self._tail(metric)
        if tail is not None and steps[0] <= tail.last_step:
            self._merge(metric, steps, values)
            return
        if tail is not None and tail.count + len(steps) <= _FULL_CHUNK_POINTS:
            self._extend(tail, steps, values)
        else:
            self._insert(metric, steps, values)
        self._summaries.add(metric, pyramid(steps, values))

    def remove_after(self, step: int) -> None:
        """Remove every metric's points after `step`; readings by time happened, and stay."""
        rows = self._connection.execute("SELECT id FROM metrics WHERE axis<>'time'").fetchall()
        for (metric,) in rows:
            self._remove_after(metric, step)
        self._drop_empty()

    def remove_metric_after(self, name: str, step: int) -> None:
        """Remove one metric's points after `step`."""
        row = self._connection.execute("SELECT id FROM metrics WHERE name=?", (name,)).fetchone()
        if row is not None:
            self._remove_after(row[0], step)
            self._drop_empty()

    def _drop_empty(self) -> None:
        self._connection.execute(
            "DELETE FROM metrics WHERE NOT EXISTS"
            " (SELECT 1 FROM chunks WHERE chunks.metric = metrics.id)"
        )
        self.forget()

    def _metric_id(self, name: str, axis: str) -> int:
        if name not in self._metric_ids:
            self._connection.execute(
                "INSERT OR IGNORE INTO metrics (name, axis) VALUES (?, ?)", (name, axis)
            )
            row = self._connection.execute("SELECT id FROM metrics WHERE name=?", (name,))
            self._metric_ids[name] = row.fetchone()[0]
        return self._metric_ids[name]

    def _tail(self, metric: int) -> _Tail | None:
        if metric not in self._tails:
            row = self._connection.execute(
                "SELECT id, first_step, last_step, count, step_blob, value_blob FROM chunks"
                " WHERE metric=? ORDER BY first_step DESC LIMIT 1",
                (metric,),
            ).fetchone()
            self._tails[metric] = _Tail(*row) if row else None
        return self._tails[metric]

    def _insert(self, metric: int, steps: Sequence[int], values: Sequence[float]) -> None:
        step_blob, value_blob = pack_steps(steps), pack("d", values)
        cursor = self._connection.execute(
            "INSERT INTO chunks (metric, first_step, last_step, count, step_blob, value_blob)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (metric, steps[0], steps[-1], len(steps), step_blob, value_blob),
        )
        self._tails[metric] = _Tail(
            cursor.lastrowid or 0, steps[0], steps[-1], len(steps), step_blob, value_blob
        )

    def _extend(self, tail: _Tail, steps: Sequence[int], values: Sequence[float]) -> None:
        follows = steps[-1] - tail.first_step + 1 == tail.count + len(steps)
        if not follows:
            old = tail.step_blob or pack("q", range(tail.first_step, tail.last_step + 1))
            tail.step_blob = old + pack("q", steps)
        tail.value_blob += pack("d", values)
        tail.last_step = steps[-1]
        tail.count += len(steps)
        self._connection.execute(
            "UPDATE chunks SET last_step=?, count=?, step_blob=?, value_blob=? WHERE id=?",
            (tail.last_step, tail.count, tail.step_blob, tail.value_blob, tail.chunk_id),
        )

    def _merge(self, metric: int, steps: Sequence[int], values: Sequence[float]) -> None:
        """Add points among or over older ones: rare, as when one step is evaluated twice."""
        first, last = self._touched_range(metric, steps[0], steps[-1])
        points: dict[int, float] = {}
        for chunk in read_chunks(self._connection, metric, first, last):
            points.update(zip(chunk.steps, chunk.values, strict=True))
        points.update(zip(steps, values, strict=True))
        self._connection.execute(
            "DELETE FROM chunks WHERE metric=? AND first_step BETWEEN ? AND ?",
            (metric, first, last),
        )
        merged = sorted(points)
        self._insert(metric, merged, [points[step] for step in merged])
        self._tails.pop(metric)
        self._summaries.rebuild(metric, merged[0], merged[-1])

    def _touched_range(self, metric: int, first: int, last: int) -> tuple[int, int]:
        """Widen a range of steps to the whole of every chunk that it overlaps."""
        row = self._connection.execute(
            "SELECT min(first_step), max(last_step) FROM chunks WHERE metric=?"
            " AND last_step>=? AND first_step<=?",
            (metric, first, last),
        ).fetchone()
        if row[0] is None:
            return first, last
        return min(first, row[0]), max(last, row[1])

    def _remove_after(self, metric: int, step: int) -> None:
        self._trim_chunk(metric, step)
        self._connection.execute(
            "DELETE FROM chunks WHERE metric=? AND first_step>?", (metric, step)
        )
        self._summaries.remove_after(metric, step)

    def _trim_chunk(self, metric: int, step: int) -> None:
        """Cut the chunk that reaches over `step`, if there is one."""
        row = self._connection.execute(
            "SELECT id, first_step, last_step FROM chunks WHERE metric=? AND first_step<=?"
            " ORDER BY first_step DESC LIMIT 1",
            (metric, step),
        ).fetchone()
        if row is None or row[2] <= step:
            return
        chunk_id, first, _last = row
        kept = next(iter(read_chunks(self._connection, metric, first, step)))
        self._connection.execute("DELETE FROM chunks WHERE id=?", (chunk_id,))
        self._insert(metric, kept.steps, kept.values)
