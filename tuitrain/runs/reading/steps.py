"""How far a run came, when, and how fast.

Knows nothing of terminals.
"""

from itertools import pairwise

from tuitrain.runs.reading.connection import RecordConnection
from tuitrain.runs.reading.curves import CurveReader
from tuitrain.runs.rows import ProgressRow, SpeedRow
from tuitrain.runs.storage.chunks import read_chunks


class StepReader:
    """Reads how one run's steps went; every method raises RecordError when it can't."""

    def __init__(self, record: RecordConnection) -> None:
        """Read through an open record."""
        self._record = record

    def progress(self) -> ProgressRow | None:
        """Return where the run stands."""
        row = self._record.one(
            "SELECT step, time, epoch, train_s FROM progress ORDER BY step DESC LIMIT 1"
        )
        return ProgressRow(*row) if row else None

    def recent_progress(self, count: int) -> list[ProgressRow]:
        """Return the last `count` rows of where the run stood, oldest first."""
        rows = self._record.all(
            "SELECT step, time, epoch, train_s FROM progress ORDER BY step DESC LIMIT ?", (count,)
        )
        return [ProgressRow(*row) for row in reversed(rows)]

    def speed(self, messages: int) -> SpeedRow | None:
        """Return how fast training went over the last so many messages of the worker.

        Both speeds are over the very same steps, so that one follows from the other. None where
        no step took any time yet.
        """
        with self._record.snapshot():
            rows = self.recent_progress(messages)
            if len(rows) == 1:
                rows = [ProgressRow(0, rows[0].time, 0.0, 0.0), *rows]
            steps = rows[-1].step - rows[0].step if rows else 0
            took_s = rows[-1].train_s - rows[0].train_s if rows else 0.0
            if steps <= 0 or took_s <= 0:
                return None
            return SpeedRow(steps / took_s, self._samples_per_s(rows))

    def _samples_per_s(self, rows: list[ProgressRow]) -> float | None:
        """Return the mean over what was trained from the first of these rows to the last."""
        metric = CurveReader(self._record).metric_id("samples_per_s")
        if metric is None:
            return None
        chunks = read_chunks(self._record.connection, metric, rows[0].step + 1, rows[-1].step)
        rates = {
            step: rate
            for chunk in chunks
            for step, rate in zip(chunk.steps, chunk.values, strict=True)
        }
        # The worker's rate at a message is over the steps since the message before.
        told = [(rates.get(b.step), b.train_s - a.train_s) for a, b in pairwise(rows)]
        known = [(rate, took_s) for rate, took_s in told if rate is not None]
        whole_s = sum(took_s for _rate, took_s in known)
        return sum(rate * took_s for rate, took_s in known) / whole_s if whole_s > 0 else None

    def progress_at(self, step: int) -> ProgressRow | None:
        """Return when `step` was taken and in which epoch, between two messages by proportion."""
        columns = "SELECT step, time, epoch, train_s FROM progress WHERE step"
        before = self._record.one(f"{columns}<=? ORDER BY step DESC LIMIT 1", (step,))
        after = self._record.one(f"{columns}>=? ORDER BY step LIMIT 1", (step,))
        if not before or not after or before[0] == after[0]:
            row = after or before
            return ProgressRow(step, *row[1:]) if row else None
        share = (step - before[0]) / (after[0] - before[0])
        mixed = [low + (high - low) * share for low, high in zip(before, after, strict=True)]
        return ProgressRow(step, *mixed[1:])

    def step_times(self, first_step: int, last_step: int, columns: int = 300) -> list[ProgressRow]:
        """Return `progress_at` for up to `columns` + 1 steps, evenly from first to last."""
        count = max(1, min(columns, last_step - first_step))
        steps = [first_step + (last_step - first_step) * i // count for i in range(count + 1)]
        with self._record.snapshot():
            found = [self.progress_at(step) for step in steps]
        return [row for row in found if row is not None]
