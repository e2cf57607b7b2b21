"""A run's metrics: their points, and curves at the cost of the screen that shows them.

Reads only; knows nothing of terminals.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from tuitrain.runs.metrics import metric_mode
from tuitrain.runs.reading.connection import RecordConnection, meta_value
from tuitrain.runs.rows import MetricRow
from tuitrain.runs.series import (
    Column,
    Series,
    best_point,
    last_mean,
    last_point,
    reduce_metric,
    step_range,
)
from tuitrain.runs.storage.chunks import FOREVER, Chunk, read_chunks
from tuitrain.runs.storage.database import explained


class CurveReader:
    """Reads one run's metrics; every method raises RecordError when it can't."""

    def __init__(self, record: RecordConnection) -> None:
        """Read through an open record."""
        self._record = record

    def metric_names(self) -> list[str]:
        """Return the metrics' names in the order they first came."""
        return [
            name
            for (name,) in self._record.all(
                "SELECT name FROM metrics WHERE axis='step' ORDER BY id"
            )
        ]

    def layer_names(self) -> list[str]:
        """Return the names of what was measured of layers, as the model has them in order."""
        return [
            name
            for (name,) in self._record.all(
                "SELECT name FROM metrics WHERE axis='layer' ORDER BY id"
            )
        ]

    def metrics(self) -> list[MetricRow]:
        """Return every metric's last and best value."""
        with self._record.snapshot():
            rows = self._record.all("SELECT id, name FROM metrics WHERE axis='step' ORDER BY id")
            found = [self._metric(metric, name) for metric, name in rows]
        return [row for row in found if row is not None]

    def points(self, name: str) -> Iterator[tuple[int, float]]:
        """Yield every (step, value) of a metric by ascending steps; nothing for an unknown one."""
        for chunk in self.point_chunks(name):
            yield from zip(chunk.steps, chunk.values, strict=True)

    def point_chunks(
        self, name: str, last_step: int = FOREVER, first_step: int = 0
    ) -> Iterator[Chunk]:
        """Yield the points of a metric from `first_step` to `last_step` in pieces, both included.

        Nothing for an unknown one.
        """
        metric = self.metric_id(name)
        if metric is not None:
            with explained(self._record.directory):
                yield from read_chunks(self._record.connection, metric, first_step, last_step)

    def last_step(self, name: str, until: int = FOREVER) -> int:
        """Return the last step up to `until` at which a metric has a point; 0 where none has."""
        metric = self.metric_id(name)
        extent = None if metric is None else step_range(self._record.connection, metric)
        return 0 if extent is None else min(extent[1], until)

    def series(
        self,
        name: str,
        first_step: int | None = None,
        last_step: int | None = None,
        columns: int = 300,
        known: Series | None = None,
    ) -> Series:
        """Return a metric reduced to columns, by default from its first step to its last.

        Args:
            name: the metric; an unknown one has no columns.
            first_step: left edge.
            last_step: right edge, included.
            columns: how many the screen has.
            known: what an earlier call returned, if the run was not resumed since: then only its
                end is read anew.
        """
        with self._record.snapshot():
            metric = self.metric_id(name)
            extent = None if metric is None else step_range(self._record.connection, metric)
            if metric is None or extent is None:
                return Series(name, first_step or 0, last_step or 0, 0, ())
            first = extent[0] if first_step is None else first_step
            last = extent[1] if last_step is None else last_step
            if last < first:
                return Series(name, first, last, 0, ())
            return reduce_metric(
                self._record.connection, metric, name, first, last, columns=columns, known=known
            )

    def power_series(self, name: str, first: int, last: int, columns: int) -> Series:
        """Return a metric reduced to columns that are equally wide where steps are powers of ten.

        Each octave is reduced by itself, so that the first steps of a long run have their room.

        Args:
            name: the metric; an unknown one has no columns.
            first: left edge; what lies before step 1 is in the first octave.
            last: right edge, included.
            columns: how many the screen has.
        """
        edges = [first]
        while (after := max(2, edges[-1] * 2)) <= last:
            edges.append(after)
        wanted = max(1, columns // len(edges))
        found: list[Column] = []
        with self._record.snapshot():
            for place, (start, end) in enumerate(pairwise([*edges, last + 1])):
                part = self.series(name, start, end - 1, wanted)
                found += (replace(each, index=each.index + place * wanted) for each in part.columns)
        return Series(name, first, last, wanted * len(edges), tuple(found))

    def split(self, points: int = 1) -> dict[str, float]:
        """Return the last seconds a step of each part of it, by the names of `metric_names`.

        Args:
            points: the mean over the steps of the last so many, fewer where there are no more.
        """
        with self._record.snapshot():
            rows = self._record.all("SELECT id, name FROM metrics WHERE axis='split' ORDER BY id")
            found = {
                name: last_mean(self._record.connection, metric, points) for metric, name in rows
            }
        return {name: mean for name, mean in found.items() if mean is not None}

    def _metric(self, metric: int, name: str) -> MetricRow | None:
        last = last_point(self._record.connection, metric)
        if last is None:
            return None
        mode = (
            meta_value(self._record, "mode")
            if name == meta_value(self._record, "monitor")
            else None
        )
        mode = mode or metric_mode(name)
        best = best_point(self._record.connection, metric, mode) if mode else None
        step, value = best or (None, None)
        return MetricRow(name, last[1], last[0], value, step)

    def metric_id(self, name: str) -> int | None:
        """Return the number of a metric; None for an unknown one."""
        row = self._record.one("SELECT id FROM metrics WHERE name=?", (name,))
        return row[0] if row else None
