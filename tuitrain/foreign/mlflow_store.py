"""MLflow's SQLite store: one file with all runs, read a run at a time by the order of its rows.

Opened for reading only. Source of the tables: `mlflow.store.tracking.dbmodels.models`, checked
against files of MLflow 3.17; infinities stand there as the largest numbers.
"""

import sqlite3
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuitrain.foreign.reader import Position, in_order
from tuitrain.foreign.settings import plain_value
from tuitrain.foreign.sqlite_file import LastLogged, opened
from tuitrain.runs.imported import Batch, Moment, Points

SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})
TABLES = frozenset({"experiments", "runs", "metrics", "params"})
"""What tells such a store from another file."""
_ROWS = 1 << 15
"""Of one piece."""
_ENDED: Mapping[str, tuple[str, str]] = {
    "FINISHED": ("finished", ""),
    "FAILED": ("failed", "MLflow says so"),
    "KILLED": ("stopped", "killed, MLflow says"),
}


def runs_of(path: Path) -> list[tuple[str, str]]:
    """Return the id and the name of each run that is not deleted, as EXPERIMENT/RUN.

    Raises:
        OSError: the file can't be read.
    """
    with opened(path) as store:
        rows = store.execute(
            "SELECT runs.run_uuid, experiments.name, runs.name FROM runs"
            " JOIN experiments USING (experiment_id)"
            " WHERE runs.lifecycle_stage='active' ORDER BY runs.start_time"
        ).fetchall()
    return [(str(run), f"{experiment}/{name or run}") for run, experiment, name in rows]


class StoreReader:
    """Reads one run of a store."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run = path, run
        self._last = LastLogged(path, self._logged)

    def changed(self) -> float:
        """Return when something of the run was logged last; others share its file."""
        return self._last.time()

    def _logged(self, store: sqlite3.Connection) -> float:
        (logged,) = store.execute(
            "SELECT max(timestamp) FROM latest_metrics WHERE run_uuid=?", (self._run,)
        ).fetchone()
        row = store.execute(
            "SELECT start_time, end_time FROM runs WHERE run_uuid=?", (self._run,)
        ).fetchone()
        times = [each for each in (logged, *(row or ())) if each is not None]
        return float(max(times, default=0) / 1000)

    def settings(self) -> Mapping[str, Any]:
        """Return the run's parameters."""
        with opened(self._path) as store:
            rows = store.execute(
                "SELECT key, value FROM params WHERE run_uuid=? ORDER BY key", (self._run,)
            ).fetchall()
        return {str(key): plain_value(str(value)) for key, value in rows}

    def read(self, position: Position) -> Batch:
        """Return the rows since `position`, up to a piece, and how the run ended if it has."""
        at = int(position.get("row", 0))
        last = dict(position.get("last", {}))
        with opened(self._path) as store:
            rows = store.execute(
                "SELECT rowid, key, value, timestamp, step, is_nan FROM metrics"
                " WHERE run_uuid=? AND rowid>? ORDER BY rowid LIMIT ?",
                (self._run, at, _ROWS),
            ).fetchall()
            row = store.execute("SELECT status FROM runs WHERE run_uuid=?", (self._run,)).fetchone()
        ended = _ENDED.get(str(row[0])) if row else None
        known = position.get("ended")
        if not rows and (list(ended) if ended else None) == known:
            return Batch()
        place: dict[str, Any] = {"row": rows[-1][0] if rows else at, "last": last}
        if ended:
            place["ended"] = list(ended)
        moments = {int(step): Moment(int(step), time / 1000) for _, _, _, time, step, _ in rows}
        ordered = [moments[step] for step in sorted(moments) if step >= 0]
        return Batch(list(_points(rows, last)), ordered, place, more=len(rows) == _ROWS)


def _points(rows: list[tuple[Any, ...]], last: dict[str, int]) -> Iterator[Points]:
    by_name: dict[str, list[tuple[int, float]]] = {}
    for _row, key, value, _time, step, is_nan in rows:
        by_name.setdefault(str(key), []).append((int(step), _number(value, is_nan)))
    for name, found in by_name.items():
        steps, values = [step for step, _ in found], [value for _, value in found]
        # Steps that come again are those of a training that was resumed.
        again = min(steps) <= last.get(name, -1)
        points = in_order(name, steps, values, replace=again)
        if points is not None:
            last[name] = points.steps[-1]
            yield points


def _number(value: float, is_nan: int) -> float:
    if is_nan:
        return float("nan")
    if abs(value) >= sys.float_info.max:
        return float("inf") if value > 0 else float("-inf")
    return float(value)
