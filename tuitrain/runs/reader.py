"""Reading one run's record, live or long over, at a cost that the screen sets.

Never writes, and knows nothing of terminals; the state `lost` is concluded here.
"""

import json
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Self

from tuitrain.errors import RecordError
from tuitrain.messages import FINAL_STATES
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reading.connection import RecordConnection, meta_value
from tuitrain.runs.reading.curves import CurveReader
from tuitrain.runs.reading.entries import EntryReader
from tuitrain.runs.reading.readings import ReadingReader
from tuitrain.runs.reading.steps import StepReader
from tuitrain.runs.rows import AttemptRow, RunFacts, StateRow, TimeBreakdown
from tuitrain.runs.series import best_point
from tuitrain.runs.spent import SAMPLES_S, held_s, last_sample, last_sign, read_spent
from tuitrain.runs.storage.database import explained, from_plain
from tuitrain.runs.summary import RunSummary

STARTING_S = 10.0
"""A queued run without a supervisor is lost only after this long: one may be on its way."""


class RunReader:
    """Reads one run's record; every method raises RecordError when it can't be read.

    Attributes:
        directory: the run.
        entries: marks, alerts, commands, checkpoints, evaluations, profiles, devices.
        curves: metrics.
        readings: of GPU, host and worker over time.
        steps: how far it came, and how fast.
    """

    def __init__(self, directory: RunDirectory, clock: Callable[[], float] = time.time) -> None:
        """Open the record.

        Args:
            directory: the run.
            clock: seconds since the epoch, for durations of what is under way.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        self.directory = directory
        self._clock = clock
        self._record = record = RecordConnection(directory)
        self.entries = EntryReader(record)
        self.curves = CurveReader(record)
        self.readings = ReadingReader(record)
        self.steps = StepReader(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._record.close()

    def snapshot(self) -> AbstractContextManager[None]:
        """Return a context in which several reads see one and the same state of the record."""
        return self._record.snapshot()

    def version(self) -> int:
        """Return a number that changes whenever anybody has written; it costs microseconds."""
        return int(self._record.one("PRAGMA data_version")[0])

    def meta(self) -> dict[str, Any]:
        """Return what is known of the run as a whole, as JSON data as it was recorded."""
        return {key: json.loads(text) for key, text in self._record.all("SELECT * FROM meta")}

    def facts(self) -> RunFacts:
        """Return what was found out about the run as a whole."""
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
        with self._record.snapshot():
            newest = _newest_state(self._record)
            at_rest = meta_value(self._record, "at_rest")
            created = meta_value(self._record, "created")
            watched = meta_value(self._record, "watched")
            script = meta_value(self._record, "script")
        if alive or at_rest or newest.state in FINAL_STATES:
            return newest
        just_created = newest.state == "queued" and 0 <= self._clock() - created < STARTING_S
        if just_created or is_alive(self.directory):
            return newest
        reason = f"was {newest.state} when its supervisor disappeared; resumable"
        if script:
            reason = (
                f"was {newest.state} when its supervisor disappeared; how it ended is not known"
            )
        if watched:
            reason = f"was {newest.state} when its log was last read; `tuitrain watch` reads on"
        return StateRow(_last_sign(self._record), "lost", reason, newest.step, "")

    def states(self) -> list[StateRow]:
        """Return every state the run entered, oldest first."""
        rows = self._record.all("SELECT time, state, reason, step, detail FROM states ORDER BY id")
        return [StateRow(*row) for row in rows]

    def attempts(self) -> list[AttemptRow]:
        """Return the workers that the run has had, oldest first."""
        rows = self._record.all(
            "SELECT attempt, started, pid, ended FROM attempts ORDER BY attempt"
        )
        return [AttemptRow(*row) for row in rows]

    def spent(self) -> TimeBreakdown:
        """Return what the run's time went into."""
        state = self.state()
        with self._record.snapshot():
            attempts, progress = self.attempts(), self.steps.progress()
            evaluation_s, checkpoint_s = read_spent(self._record.connection)
            states = self.states()
        return TimeBreakdown(
            worked_s=_worked_s(attempts, self._open_end(state)),
            train_s=progress.train_s if progress else 0.0,
            evaluation_s=evaluation_s,
            checkpoint_s=checkpoint_s,
            paused_s=held_s(states, attempts, self._open_end(state)),
        )

    def summary(self) -> RunSummary:
        """Return the run's gist, as lists show it."""
        state = self.state()
        with self._record.snapshot():
            meta, progress, attempts = self.meta(), self.steps.progress(), self.attempts()
            monitor = meta.get("monitor") or ""
            metric = self.curves.metric_id(monitor)
            best = (
                None
                if metric is None
                else best_point(self._record.connection, metric, meta["mode"])
            )
        return RunSummary(
            id=self.directory.id,
            name=meta["name"],
            preset=meta["preset"],
            state=state.state,
            reason=state.reason,
            created=meta["created"],
            started=attempts[0].started if attempts else None,
            ended=state.time if state.state in FINAL_STATES | {"lost"} else None,
            duration_s=_worked_s(attempts, self._open_end(state)),
            step=progress.step if progress else 0,
            total_steps=meta.get("total_steps"),
            epoch=progress.epoch if progress else 0.0,
            best_metric=monitor if best else None,
            best_value=best[1] if best else None,
            device=meta.get("device") or "",
            path=str(self.directory.path),
        )

    def recorded_now(self, now: float) -> float:
        """Return the present time of a live run, as its supervisor would put it down.

        Args:
            now: seconds since the epoch. Where the clock was set since the supervisor began, or is
                another machine's, the last reading of devices says more.
        """
        with explained(self.directory):
            sample = last_sample(self._record.connection)
        begun = self._record.one("SELECT started FROM attempts ORDER BY attempt DESC LIMIT 1")
        if sample is None or begun is None or sample < begun[0]:
            return now
        return now if abs(now - sample) <= SAMPLES_S else sample

    def _open_end(self, state: StateRow) -> float:
        if state.state in FINAL_STATES | {"lost"}:
            return state.time
        return self.recorded_now(self._clock())


def _newest_state(record: RecordConnection) -> StateRow:
    row = record.one("SELECT time, state, reason, step, detail FROM states ORDER BY id DESC")
    if row is None:
        raise RecordError(f"{record.directory.database_path} holds no state of the run.")
    return StateRow(*row)


def _last_sign(record: RecordConnection) -> float:
    with explained(record.directory):
        return last_sign(record.connection)


def _worked_s(attempts: Sequence[AttemptRow], open_end: float) -> float:
    """Return how long workers lived; one without an end until now, or the last sign of it."""
    return sum(
        max(0.0, (row.ended if row.ended is not None else open_end) - row.started)
        for row in attempts
    )
