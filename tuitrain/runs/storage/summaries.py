"""The pyramid over the points as it lies in the database, kept true at every level.

Knows nothing of events or transactions.
"""

import sqlite3
from collections.abc import Iterable

from tuitrain.runs.storage.chunks import FOREVER, read_chunks
from tuitrain.runs.storage.pyramid import (
    BASE_STEPS,
    FACTOR,
    LEVELS,
    Cell,
    base_cells,
    bucket_steps,
    merge,
)

_ADD_CELL = """
INSERT INTO summaries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (metric, level, bucket) DO UPDATE SET
    first_step = min(first_step, excluded.first_step),
    last_step = max(last_step, excluded.last_step),
    count = count + excluded.count,
    minimum = min(ifnull(minimum, excluded.minimum), ifnull(excluded.minimum, minimum)),
    maximum = max(ifnull(maximum, excluded.maximum), ifnull(excluded.maximum, maximum)),
    total = CASE WHEN finite = 0 THEN excluded.total WHEN excluded.finite = 0 THEN total
            ELSE total + excluded.total END,
    finite = finite + excluded.finite, nan = nan + excluded.nan,
    posinf = posinf + excluded.posinf, neginf = neginf + excluded.neginf
"""
_CELL_COLUMNS = "first_step, last_step, count, minimum, maximum, total, finite, nan, posinf, neginf"


class SummaryStore:
    """What the points of one run amount to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through `connection`, inside the caller's transactions."""
        self._connection = connection

    def add(self, metric: int, cells: Iterable[tuple[int, int, Cell]]) -> None:
        """Add what new points of a metric amount to, as (level, bucket, cell)."""
        self._connection.executemany(
            _ADD_CELL, ((metric, level, bucket, *cell) for level, bucket, cell in cells)
        )

    def remove_after(self, metric: int, step: int) -> None:
        """Take back what the points after `step` added, once they are removed."""
        for level in range(LEVELS):
            self._connection.execute(
                "DELETE FROM summaries WHERE metric=? AND level=? AND bucket>?",
                (metric, level, step // bucket_steps(level)),
            )
        self.rebuild(metric, step, step)

    def rebuild(self, metric: int, first: int, last: int) -> None:
        """Make the summaries of every bucket that overlaps these steps anew, from below."""
        low, high = first // BASE_STEPS, last // BASE_STEPS
        steps: list[int] = []
        values: list[float] = []
        end = min(FOREVER, (high + 1) * BASE_STEPS - 1)
        for chunk in read_chunks(self._connection, metric, low * BASE_STEPS, end):
            steps.extend(chunk.steps)
            values.extend(chunk.values)
        self._replace(metric, 0, low, high, base_cells(steps, values))
        for level in range(1, LEVELS):
            low, high = low // FACTOR, high // FACTOR
            self._replace(metric, level, low, high, self._from_below(metric, level, low, high))

    def _from_below(self, metric: int, level: int, low: int, high: int) -> dict[int, Cell]:
        rows = self._connection.execute(
            f"SELECT bucket, {_CELL_COLUMNS} FROM summaries"
            " WHERE metric=? AND level=? AND bucket BETWEEN ? AND ? ORDER BY bucket",
            (metric, level - 1, low * FACTOR, (high + 1) * FACTOR - 1),
        )
        groups: dict[int, list[Cell]] = {}
        for bucket, *columns in rows:
            groups.setdefault(bucket // FACTOR, []).append(Cell(*columns))
        return {bucket: merge(cells) for bucket, cells in groups.items()}

    def _replace(
        self, metric: int, level: int, low: int, high: int, cells: dict[int, Cell]
    ) -> None:
        self._connection.execute(
            "DELETE FROM summaries WHERE metric=? AND level=? AND bucket BETWEEN ? AND ?",
            (metric, level, low, high),
        )
        self.add(metric, ((level, bucket, cell) for bucket, cell in cells.items()))
