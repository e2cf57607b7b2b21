"""Reading one run's record, live or long over, at a cost that the screen sets.

Never writes, and knows nothing of terminals; the state `lost` is concluded here.
"""

import json
import time
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from tuitrain.errors import RecordError
from tuitrain.messages import FINAL_STATES
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_alive
from tuitrain.runs.metrics import metric_mode
from tuitrain.runs.record import RecordReader
from tuitrain.runs.rows import (
    AttemptRow,
    MetricRow,
    ProgressRow,
    RunFacts,
    SpeedRow,
    StateRow,
    TimeBreakdown,
)
from tuitrain.runs.series import (
    Series,
    best_point,
    last_mean,
    last_point,
    reduce_metric,
    step_range,
)
from tuitrain.runs.spent import SAMPLES_S, held_s, last_sample, last_sign, read_spent
from tuitrain.runs.storage.chunks import FOREVER, Chunk, read_chunks
from tuitrain.runs.storage.database import explained, from_plain
from tuitrain.runs.storage.readings import (
    latest_reading_time,
    latest_readings,
    read_readings,
    reading_names,
    reduce_readings,
)
from tuitrain.runs.summary import RunSummary

STARTING_S = 10.0
"""A queued run without a supervisor is lost only after this long: one may be on its way."""


class RunReader(RecordReader):
    """Reads one run's record; every method raises RecordError when it can't be read."""

    def __init__(self, directory: RunDirectory, clock: Callable[[], float] = time.time) -> None:
        """Open the record.

        Args:
            directory: the run.
            clock: seconds since the epoch, for durations of what is under way.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        super().__init__(directory)
        self._clock = clock

    def meta(self) -> dict[str, Any]:
        """Return what is known of the run as a whole, as JSON data as it was recorded."""
        return {key: json.loads(text) for key, text in self._all("SELECT * FROM meta")}

    def facts(self) -> RunFacts:
        """Return what is known of the run as a whole."""
        return from_plain(self.directory, RunFacts, self.meta())

    def config(self) -> dict[str, Any]:
        """Return the resolved preset.

        Raises:
            RecordError: config.toml is missing or damaged.
        """
        path = self.directory.config_path
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RecordError(f"{path} can't be read: {error}") from error

    def state(self) -> StateRow:
        """Return the state the run is in; `lost` when it should be alive and is not."""
        # Asked before the record is read: a supervisor's last word comes before its end.
        alive = is_alive(self.directory)
        with self._snapshot():
            newest = self._newest_state()
            at_rest = self._meta_value("at_rest")
            created = self._meta_value("created")
        if alive or at_rest or newest.state in FINAL_STATES:
            return newest
        just_created = newest.state == "queued" and 0 <= self._clock() - created < STARTING_S
        if just_created or is_alive(self.directory):
            return newest
        reason = f"was {newest.state} when its supervisor disappeared; resumable"
        return StateRow(self._last_sign(), "lost", reason, newest.step, "")

    def metric_names(self) -> list[str]:
        """Return the metrics' names in the order they first came."""
        return [
            name for (name,) in self._all("SELECT name FROM metrics WHERE axis='step' ORDER BY id")
        ]

    def metrics(self) -> list[MetricRow]:
        """Return every metric's last and best value."""
        with self._snapshot():
            rows = self._all("SELECT id, name FROM metrics WHERE axis='step' ORDER BY id")
            found = [self._metric(metric, name) for metric, name in rows]
        return [row for row in found if row is not None]

    def points(self, name: str) -> Iterator[tuple[int, float]]:
        """Yield every (step, value) of a metric by ascending steps; nothing for an unknown one."""
        for chunk in self.point_chunks(name):
            yield from zip(chunk.steps, chunk.values, strict=True)

    def point_chunks(self, name: str, last_step: int = FOREVER) -> Iterator[Chunk]:
        """Yield the points of a metric up to `last_step` in pieces; nothing for an unknown one."""
        metric = self._metric_id(name)
        if metric is not None:
            with explained(self.directory):
                yield from read_chunks(self._connection, metric, 0, last_step)

    def last_step(self, name: str, until: int = FOREVER) -> int:
        """Return the last step up to `until` at which a metric has a point; 0 where none has."""
        metric = self._metric_id(name)
        extent = None if metric is None else step_range(self._connection, metric)
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
        with self._snapshot():
            metric = self._metric_id(name)
            extent = None if metric is None else step_range(self._connection, metric)
            if metric is None or extent is None:
                return Series(name, first_step or 0, last_step or 0, 0, ())
            first = extent[0] if first_step is None else first_step
            last = extent[1] if last_step is None else last_step
            if last < first:
                return Series(name, first, last, 0, ())
            return reduce_metric(
                self._connection, metric, name, first, last, columns=columns, known=known
            )

    def sample_names(self) -> list[str]:
        """Return what was sampled."""
        with explained(self.directory):
            return reading_names(self._connection)

    def samples(
        self, name: str, first_time: float = 0.0, last_time: float = float("inf")
    ) -> list[tuple[float, float]]:
        """Return the readings of one name as (time, value); one without a value is NaN."""
        with self._snapshot():
            return list(read_readings(self._connection, name, first_time, last_time))

    def sample_series(self, name: str, first_s: int, last_s: int, columns: int = 300) -> Series:
        """Return the readings of a name reduced to columns; its steps are seconds since the epoch.

        Args:
            name: what was read; an unknown one has no columns.
            first_s: left edge, in whole seconds since the epoch.
            last_s: right edge, included.
            columns: how many the screen has.
        """
        with self._snapshot():
            return reduce_readings(self._connection, name, first_s, last_s, columns)

    def split(self, points: int = 1) -> dict[str, float]:
        """Return the last seconds a step of each part of it, by the names of `metric_names`.

        Args:
            points: the mean over the steps of the last so many, fewer where there are no more.
        """
        with self._snapshot():
            rows = self._all("SELECT id, name FROM metrics WHERE axis='split' ORDER BY id")
            found = {name: last_mean(self._connection, metric, points) for metric, name in rows}
        return {name: mean for name, mean in found.items() if mean is not None}

    def spent(self) -> TimeBreakdown:
        """Return what the run's time went into."""
        state = self.state()
        with self._snapshot():
            attempts, progress = self.attempts(), self.progress()
            evaluation_s, checkpoint_s = read_spent(self._connection)
            states = self.states()
        return TimeBreakdown(
            worked_s=self._worked_s(attempts, state),
            train_s=progress.train_s if progress else 0.0,
            evaluation_s=evaluation_s,
            checkpoint_s=checkpoint_s,
            paused_s=held_s(states, attempts, self._open_end(state)),
        )

    def progress(self) -> ProgressRow | None:
        """Return where the run stands."""
        row = self._one(
            "SELECT step, time, epoch, train_s FROM progress ORDER BY step DESC LIMIT 1"
        )
        return ProgressRow(*row) if row else None

    def recent_progress(self, count: int) -> list[ProgressRow]:
        """Return the last `count` rows of where the run stood, oldest first."""
        rows = self._all(
            "SELECT step, time, epoch, train_s FROM progress ORDER BY step DESC LIMIT ?", (count,)
        )
        return [ProgressRow(*row) for row in reversed(rows)]

    def speed(self, messages: int) -> SpeedRow | None:
        """Return how fast training went over the last so many messages of the worker.

        Both speeds are over the very same steps, so that one follows from the other. None where
        no step took any time yet.
        """
        with self._snapshot():
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
        metric = self._metric_id("samples_per_s")
        if metric is None:
            return None
        chunks = read_chunks(self._connection, metric, rows[0].step + 1, rows[-1].step)
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

    def latest_samples(self) -> dict[str, float]:
        """Return the newest reading of everything that was sampled of late."""
        with explained(self.directory):
            return latest_readings(self._connection)

    def latest_sample_time(self) -> float | None:
        """Return when the newest reading was taken; None where nothing was read."""
        with explained(self.directory):
            return latest_reading_time(self._connection)

    def progress_at(self, step: int) -> ProgressRow | None:
        """Return when `step` was taken and in which epoch, between two messages by proportion."""
        columns = "SELECT step, time, epoch, train_s FROM progress WHERE step"
        before = self._one(f"{columns}<=? ORDER BY step DESC LIMIT 1", (step,))
        after = self._one(f"{columns}>=? ORDER BY step LIMIT 1", (step,))
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
        with self._snapshot():
            found = [self.progress_at(step) for step in steps]
        return [row for row in found if row is not None]

    def summary(self) -> RunSummary:
        """Return the run's gist, as lists show it."""
        state = self.state()
        with self._snapshot():
            meta, progress, attempts = self.meta(), self.progress(), self.attempts()
            monitor = meta.get("monitor") or ""
            metric = self._metric_id(monitor)
            best = None if metric is None else best_point(self._connection, metric, meta["mode"])
        return RunSummary(
            id=self.directory.id,
            name=meta["name"],
            preset=meta["preset"],
            state=state.state,
            reason=state.reason,
            created=meta["created"],
            started=attempts[0].started if attempts else None,
            ended=state.time if state.state in FINAL_STATES | {"lost"} else None,
            duration_s=self._worked_s(attempts, state),
            step=progress.step if progress else 0,
            total_steps=meta.get("total_steps"),
            epoch=progress.epoch if progress else 0.0,
            best_metric=monitor if best else None,
            best_value=best[1] if best else None,
            device=meta.get("device") or "",
            path=str(self.directory.path),
        )

    def _worked_s(self, attempts: list[AttemptRow], state: StateRow) -> float:
        """Return how long workers lived; one without an end until now, or the last sign of it."""
        open_end = self._open_end(state)
        return sum(
            max(0.0, (row.ended if row.ended is not None else open_end) - row.started)
            for row in attempts
        )

    def recorded_now(self, now: float) -> float:
        """Return the present time of a live run, as its supervisor would put it down.

        Args:
            now: seconds since the epoch. Where the clock was set since the supervisor began, or is
                another machine's, the last reading of devices says more.
        """
        with explained(self.directory):
            sample = last_sample(self._connection)
        begun = self._one("SELECT started FROM attempts ORDER BY attempt DESC LIMIT 1")
        if sample is None or begun is None or sample < begun[0]:
            return now
        return now if abs(now - sample) <= SAMPLES_S else sample

    def _open_end(self, state: StateRow) -> float:
        if state.state in FINAL_STATES | {"lost"}:
            return state.time
        return self.recorded_now(self._clock())

    def _last_sign(self) -> float:
        with explained(self.directory):
            return last_sign(self._connection)

    def _newest_state(self) -> StateRow:
        row = self._one("SELECT time, state, reason, step, detail FROM states ORDER BY id DESC")
        if row is None:
            raise RecordError(f"{self.directory.database_path} holds no state of the run.")
        return StateRow(*row)

    def _metric(self, metric: int, name: str) -> MetricRow | None:
        last = last_point(self._connection, metric)
        if last is None:
            return None
        mode = self._meta_value("mode") if name == self._meta_value("monitor") else None
        mode = mode or metric_mode(name)
        best = best_point(self._connection, metric, mode) if mode else None
        step, value = best or (None, None)
        return MetricRow(name, last[1], last[0], value, step)

    def _metric_id(self, name: str) -> int | None:
        row = self._one("SELECT id FROM metrics WHERE name=?", (name,))
        return row[0] if row else None

    def _meta_value(self, key: str) -> Any:
        row = self._one("SELECT value_json FROM meta WHERE key=?", (key,))
        return json.loads(row[0]) if row else None
