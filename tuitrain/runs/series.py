"""Reducing a metric to screen columns from the pyramid, and finding its best value in it.

Knows nothing of how a column is drawn.
"""

import math
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from tuitrain.runs.metrics import Mode
from tuitrain.runs.storage.chunks import FOREVER, Chunk, read_chunks
from tuitrain.runs.storage.pyramid import FACTOR, LEVELS, Cell, bucket_steps, merge, summarise

_CELLS_A_COLUMN = 4
"""A summary may blur the border between two columns by at most a quarter of one."""

_GROUPED_CELLS = """
SELECT min(first_step), max(last_step), sum(count), min(minimum), max(maximum),
    CASE WHEN sum(finite > 0 AND total IS NULL) THEN NULL ELSE sum(total) END,
    sum(finite), sum(nan), sum(posinf), sum(neginf)
FROM summaries WHERE metric=? AND level=? AND bucket>=? AND bucket<?
GROUP BY ((first_step + last_step) / 2 - ?) * ? / ?
"""
"""One row a column: merging its 4 to 32 cells here takes a tenth of the time it takes in Python."""


class _Grid(NamedTuple):
    """Columns of a screen: so many over so many steps from the first on."""

    first: int
    width: int
    span: int

    def column_of(self, cell: Cell) -> int:
        """Return the column that the middle of a cell lies in."""
        return ((cell.first_step + cell.last_step) // 2 - self.first) * self.width // self.span


@dataclass(frozen=True, slots=True)
class Column:
    """The points of one screen column; without a finite value the three numbers are NaN."""

    index: int
    """From 0 at the left."""
    first_step: int
    last_step: int
    count: int
    minimum: float
    maximum: float
    mean: float
    nonfinite: int
    """How many of the points are NaN or infinite."""


@dataclass(frozen=True, slots=True)
class Series:
    """A metric from `first_step` to `last_step`, reduced to at most `width` columns."""

    name: str
    first_step: int
    last_step: int
    width: int
    columns: tuple[Column, ...]
    """Those that have points."""


def reduce_metric(
    connection: sqlite3.Connection,
    metric: int,
    name: str,
    first: int,
    last: int,
    *,
    columns: int,
    known: Series | None = None,
    recent: Iterable[tuple[int, float]] = (),
) -> Series:
    """Return the points from `first` to `last`, both included, in at most `columns` columns.

    Args:
        connection: to the record.
        metric: its number.
        name: its name.
        first: left edge.
        last: right edge.
        columns: how many the screen has.
        known: the same earlier, if nothing but later points came since: only its end is read anew.
        recent: points that are not stored with the metric yet.
    """
    span = last - first + 1
    grid = _Grid(first, max(1, min(columns, span)), span)
    kept, start = _kept(known, grid)
    level = _level_for(span / grid.width)
    if level < 0:
        filled = _from_points(connection, metric, start, last, grid)
    else:
        end = _last_step(connection, metric)
        cells = _cells(connection, metric, start, last, level=level, end=end, grid=grid)
        filled = _from_cells(cells, grid)
    for step, value in recent:
        if start <= step <= last:
            cell = summarise(step, step, [value])
            index = grid.column_of(cell)
            filled[index] = merge([filled[index], cell]) if index in filled else cell
    made = tuple(_column(index, filled[index]) for index in sorted(filled))
    return Series(name, first, last, grid.width, (*kept, *made))


def _kept(known: Series | None, grid: _Grid) -> tuple[tuple[Column, ...], int]:
    """Return the columns that stay as they are, and the first step to read.

    The last two are read anew: a summary that was too short to reach over the border between them
    may do so now.
    """
    if known is None or len(known.columns) < 3:
        return (), grid.first
    if (known.first_step, known.width, known.last_step) != (
        grid.first,
        grid.width,
        grid.first + grid.span - 1,
    ):
        return (), grid.first
    return known.columns[:-2], known.columns[-2].first_step


def best_point(connection: sqlite3.Connection, metric: int, mode: Mode) -> tuple[int, float] | None:
    """Return the first (step, value) that no finite value is better than, or None without one.

    Walks down the pyramid, at most eight buckets a level.
    """
    side = "minimum" if mode == "min" else "maximum"
    aggregate = "min" if mode == "min" else "max"
    low, high, best = 0, FOREVER, None
    for level in reversed(range(LEVELS)):
        scope = "metric=? AND level=? AND bucket BETWEEN ? AND ?"
        keys = (metric, level, low, high)
        if best is None:
            query = f"SELECT {aggregate}({side}) FROM summaries WHERE {scope}"
            best = connection.execute(query, keys).fetchone()[0]
            if best is None:
                return None
        query = f"SELECT min(bucket) FROM summaries WHERE {scope} AND {side}=?"
        bucket = connection.execute(query, (*keys, best)).fetchone()[0]
        low, high = bucket * FACTOR, bucket * FACTOR + FACTOR - 1
    first = low // FACTOR * bucket_steps(0)
    for chunk in read_chunks(connection, metric, first, first + bucket_steps(0) - 1):
        for step, value in zip(chunk.steps, chunk.values, strict=True):
            if value == best:
                return step, value
    return None


def last_point(connection: sqlite3.Connection, metric: int) -> tuple[int, float] | None:
    """Return the newest (step, value)."""
    step = _last_step(connection, metric)
    for chunk in read_chunks(connection, metric, step, step):
        return chunk.steps[-1], chunk.values[-1]
    return None


def last_mean(connection: sqlite3.Connection, metric: int, points: int) -> float | None:
    """Return the mean of a metric's last points; None where none of them is finite.

    A point stands for the steps since the one before it, and counts as many times; the very
    first one, whose steps are not known, counts only where it is alone.
    """
    rows = connection.execute(
        "SELECT first_step, count FROM chunks WHERE metric=? ORDER BY first_step DESC LIMIT ?",
        (metric, points + 1),
    ).fetchall()
    first, found = FOREVER, 0
    for start, count in rows:
        if found <= points:
            first, found = start, found + count
    chunks = list(read_chunks(connection, metric, first))
    steps = [step for chunk in chunks for step in chunk.steps][-points - 1 :]
    values = [value for chunk in chunks for value in chunk.values][-points - 1 :]
    weights = [1.0] if len(steps) == 1 else [0.0, *(b - a for a, b in pairwise(steps))]
    finite = [(v, w) for v, w in zip(values, weights, strict=True) if math.isfinite(v) and w]
    whole = sum(weight for _value, weight in finite)
    return sum(value * weight for value, weight in finite) / whole if whole else None


def step_range(connection: sqlite3.Connection, metric: int) -> tuple[int, int] | None:
    """Return the first and the last step that has a point."""
    row = connection.execute(
        "SELECT min(first_step) FROM chunks WHERE metric=?", (metric,)
    ).fetchone()
    return None if row[0] is None else (row[0], _last_step(connection, metric))


def _last_step(connection: sqlite3.Connection, metric: int) -> int:
    row = connection.execute(
        "SELECT last_step FROM chunks WHERE metric=? ORDER BY first_step DESC LIMIT 1", (metric,)
    ).fetchone()
    return row[0] if row else 0


def _level_for(column_steps: float) -> int:
    """Return the highest level whose buckets are fine enough, -1 for the points themselves."""
    level = -1
    while level + 1 < LEVELS and bucket_steps(level + 1) * _CELLS_A_COLUMN <= column_steps:
        level += 1
    return level


def _cells(
    connection: sqlite3.Connection,
    metric: int,
    first: int,
    last: int,
    *,
    level: int,
    end: int,
    grid: _Grid,
) -> Iterator[Cell]:
    """Yield cells that cover exactly first..last; ragged edges from the levels below.

    Those of one level in one column come as one. `end` is the metric's last step: the bucket it
    lies in counts as whole.
    """
    if first > last:
        return
    if level < 0:
        for chunk in read_chunks(connection, metric, first, last):
            yield summarise(chunk.steps[0], chunk.steps[-1], chunk.values)
        return
    size = bucket_steps(level)
    low = -(-first // size)
    high = FOREVER // size if last >= end else (last + 1) // size
    below = partial(_cells, connection, metric, level=level - 1, end=end, grid=grid)
    if low >= high:
        yield from below(first, last)
        return
    yield from below(first, min(last, low * size - 1))
    rows = connection.execute(_GROUPED_CELLS, (metric, level, low, high, *grid))
    yield from map(Cell._make, rows.fetchall())
    yield from below(max(first, high * size), last)


def _from_cells(cells: Iterable[Cell], grid: _Grid) -> dict[int, Cell]:
    groups: dict[int, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(grid.column_of(cell), []).append(cell)
    return {index: merge(group) for index, group in groups.items()}


def _from_points(
    connection: sqlite3.Connection, metric: int, first: int, last: int, grid: _Grid
) -> dict[int, Cell]:
    steps: dict[int, list[int]] = {}
    values: dict[int, list[float]] = {}
    for chunk in read_chunks(connection, metric, first, last):
        for index, part in _split(chunk, grid):
            steps.setdefault(index, []).extend((part.steps[0], part.steps[-1]))
            values.setdefault(index, []).extend(part.values)
    return {index: summarise(steps[index][0], steps[index][-1], values[index]) for index in values}


def _split(chunk: Chunk, grid: _Grid) -> Iterator[tuple[int, Chunk]]:
    """Cut a chunk at the borders of columns."""
    first, width, span = grid
    step, end = chunk.steps[0], chunk.steps[-1]
    while step <= end:
        index = (step - first) * width // span
        border = first - (-(index + 1) * span // width) - 1
        part = chunk.between(step, min(end, border))
        if part.steps:
            yield index, part
        step = border + 1


def _column(index: int, cell: Cell) -> Column:
    low = math.nan if cell.minimum is None else cell.minimum
    high = math.nan if cell.maximum is None else cell.maximum
    nonfinite = cell.points - cell.finite
    return Column(
        index, cell.first_step, cell.last_step, cell.points, low, high, cell.mean, nonfinite
    )
