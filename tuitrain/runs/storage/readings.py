"""Readings of GPU, host and worker by time: recent ones as rows, older ones as chunks.

Reads through a connection it is given; knows nothing of what the names mean.
"""

import math
import sqlite3
from collections.abc import Iterator

from tuitrain.runs.series import Series, reduce_metric
from tuitrain.runs.storage.chunks import FOREVER, read_chunks

_MOST_ROWS = 500
"""Rows looked at for the latest readings: eight GPUs and the host give about 150 a second."""
_LATEST_S = 5.0
"""What was not read for so long is no latest reading any more."""


def reading_names(connection: sqlite3.Connection) -> list[str]:
    """Return the names of everything that was ever read, sorted."""
    rows = connection.execute(
        "SELECT name FROM metrics WHERE axis='time' UNION SELECT name FROM samples ORDER BY name"
    )
    return [name for (name,) in rows.fetchall()]


def read_readings(
    connection: sqlite3.Connection, name: str, first_time: float, last_time: float
) -> Iterator[tuple[float, float]]:
    """Yield (time, value) by time; older ones to the second, one without a value as NaN."""
    metric = _metric_of(connection, name)
    if metric is not None:
        first = 0 if first_time == -math.inf else math.ceil(first_time)
        last = FOREVER if last_time == math.inf else math.floor(last_time)
        for chunk in read_chunks(connection, metric, max(0, first), last):
            yield from zip(map(float, chunk.steps), chunk.values, strict=True)
    rows = connection.execute(
        "SELECT time, value FROM samples WHERE name=? AND time BETWEEN ? AND ? ORDER BY time",
        (name, first_time, last_time),
    )
    for at, value in rows.fetchall():
        yield at, math.nan if value is None else value


def latest_readings(connection: sqlite3.Connection) -> dict[str, float]:
    """Return the newest reading of everything that was read of late."""
    rows = connection.execute(
        f"SELECT time, name, value FROM samples ORDER BY rowid DESC LIMIT {_MOST_ROWS}"
    ).fetchall()
    newest = max((at for at, _name, _value in rows), default=0.0)
    latest: dict[str, float] = {}
    for at, name, value in rows:
        if at >= newest - _LATEST_S:
            latest.setdefault(name, math.nan if value is None else value)
    return latest


def latest_reading_time(connection: sqlite3.Connection) -> float | None:
    """Return when the newest reading was taken, in seconds since the epoch."""
    row = connection.execute("SELECT time FROM samples ORDER BY rowid DESC LIMIT 1").fetchone()
    return None if row is None else float(row[0])


def reduce_readings(
    connection: sqlite3.Connection, name: str, first_s: int, last_s: int, columns: int
) -> Series:
    """Return the readings of whole seconds since the epoch in at most `columns` columns."""
    recent = connection.execute(
        "SELECT time, value FROM samples WHERE name=? ORDER BY time", (name,)
    ).fetchall()
    points = [(int(at), math.nan if value is None else value) for at, value in recent]
    # A name without stored points yet has no number, and no number is -1.
    metric = _metric_of(connection, name)
    number = -1 if metric is None else metric
    return reduce_metric(connection, number, name, first_s, last_s, columns=columns, recent=points)


def _metric_of(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute(
        "SELECT id FROM metrics WHERE name=? AND axis='time'", (name,)
    ).fetchone()
    return None if row is None else int(row[0])
