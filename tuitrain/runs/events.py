"""What each event changes in the record.

Knows nothing of transactions or of numbering: `RunWriter` decides what is applied, and when.
"""

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from functools import singledispatchmethod
from typing import Any

from tuitrain import messages
from tuitrain.messages import Event, plain_data, storable
from tuitrain.metric_names import is_split_metric
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.storage.database import to_json
from tuitrain.runs.storage.points import PointStore

_RECENT_S, _MOVED_S = 60.0, 60.0
"""Readings stay single rows for so long, and then move to chunks so many seconds at a time."""

_UPSERT_CHECKPOINT = """
INSERT INTO checkpoints
    (path, step, time, digest, size_bytes, held_up_s, write_s, metrics_json)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    step = excluded.step, time = excluded.time, digest = excluded.digest,
    size_bytes = excluded.size_bytes, held_up_s = excluded.held_up_s, write_s = excluded.write_s,
    metrics_json = excluded.metrics_json, removed = NULL, removed_reason = '', superseded = 0
"""


class EventTables:
    """Writes events into the tables, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, directory: RunDirectory) -> None:
        """Write through `connection`; `directory` is where checkpoints are looked for."""
        self._connection = connection
        self._directory = directory
        self.points = PointStore(connection)
        self._attempt = 0
        self._replayed = False

    def apply(self, event: Event, attempt: int, *, replayed: bool) -> None:
        """Record one event.

        Args:
            event: what happened.
            attempt: the worker that said so.
            replayed: it comes out of a checkpoint after that worker's end, so what it says of
                the run's state and of the worker's environment is no longer so.
        """
        self._attempt, self._replayed = attempt, replayed
        self._apply(event)

    @singledispatchmethod
    def _apply(self, event: Event) -> None:
        raise TypeError(f"no table for {type(event).__name__}")

    @_apply.register
    def _(self, event: messages.WorkerStarted) -> None:
        self._connection.execute(
            "UPDATE attempts SET pid=? WHERE attempt=?", (event.pid, self._attempt)
        )
        if not self._replayed:
            self.change_state(event.time, "starting", "worker started")

    @_apply.register
    def _(self, event: messages.PreparationReported) -> None:
        if not self._replayed:
            self.change_state(event.time, "starting", event.text)

    @_apply.register
    def _(self, event: messages.TrainingPrepared) -> None:
        if self._replayed:
            return
        self.set_meta(
            total_steps=event.total_steps,
            steps_per_epoch=event.steps_per_epoch,
            parameters=event.parameters,
            device=event.device,
        )
        self.add_environment(plain_data(event.environment))
        self.change_state(event.time, "running", "", event.start_step)

    @_apply.register
    def _(self, event: messages.TrainingResumed) -> None:
        step = event.step if event.path else 0
        text = f"resumed from {event.path}" if event.path else "started again from zero"
        self.add_mark(
            step, event.time, "resume", text, {"path": event.path, "attempt": self._attempt}
        )

    @_apply.register
    def _(self, event: messages.StepsTaken) -> None:
        for points in event.points:
            count = len(points.values)
            steps = points.steps or range(points.first_step, points.first_step + count)
            axis = "split" if is_split_metric(points.name) else "step"
            self.points.append(points.name, steps, points.values, axis)
        self._connection.execute(
            "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)",
            (event.last_step, event.time, event.epoch, event.train_s),
        )

    @_apply.register
    def _(self, event: messages.Evaluated) -> None:
        for name, value in event.metrics.items():
            self.points.append(name, range(event.step, event.step + 1), (value,))
        counts = None if event.counts is None else to_json(plain_data(event.counts))
        self._connection.execute(
            "INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?, ?, ?, ?)",
            (
                event.step,
                event.time,
                event.epoch,
                event.duration_s,
                to_json(dict(event.metrics)),
                counts,
            ),
        )

    @_apply.register
    def _(self, event: messages.CheckpointSaved) -> None:
        self._connection.execute(
            _UPSERT_CHECKPOINT,
            (
                event.path,
                event.step,
                event.time,
                event.digest,
                event.size_bytes,
                event.held_up_s,
                event.write_s,
                to_json(dict(event.metrics)),
            ),
        )
        self._name_checkpoint(event.path, event.names)
        if "best" in event.names:
            data = {"path": event.path, "metrics": dict(event.metrics)}
            self.add_mark(event.step, event.time, "best", "best so far", data)

    @_apply.register
    def _(self, event: messages.CheckpointRemoved) -> None:
        self._connection.execute(
            "UPDATE checkpoints SET removed=?, removed_reason=? WHERE path=?",
            (event.time, event.reason, event.path),
        )
        self._connection.execute("DELETE FROM checkpoint_names WHERE path=?", (event.path,))

    @_apply.register
    def _(self, event: messages.SettingChanged) -> None:
        known = self._connection.execute(
            "SELECT new FROM settings WHERE step=? AND key=?", (event.step, event.key)
        ).fetchone()
        if known is None or known[0] != event.new:
            # Somebody decided anew: what was planned for later steps in a history that was given
            # up must not undo it.
            self._connection.execute(
                "DELETE FROM settings WHERE key=? AND step>=?", (event.key, event.step)
            )
            self._connection.execute(
                "INSERT INTO settings VALUES (?, ?, ?, ?, ?)",
                (event.step, event.key, event.time, event.old, event.new),
            )
        self._connection.execute(
            "DELETE FROM marks WHERE kind='setting' AND step=? AND substr(text, 1, ?)=?",
            (event.step, len(event.key) + 1, f"{event.key} "),
        )
        data = {"key": event.key, "old": event.old, "new": event.new}
        text = f"{event.key} {event.old:g} -> {event.new:g}"
        self.add_mark(event.step, event.time, "setting", text, data)

    @_apply.register
    def _(self, event: messages.PresetChanged) -> None:
        # A run that ended before its next checkpoint says so again: one mark is enough.
        self._connection.execute(
            "DELETE FROM marks WHERE kind='setting' AND step=? AND text=?", (event.step, event.text)
        )
        self.add_mark(event.step, event.time, "setting", event.text, {"key": event.key})

    @_apply.register
    def _(self, event: messages.TrainingPaused) -> None:
        self.add_mark(event.step, event.time, "pause", event.reason)
        if not self._replayed:
            self.change_state(event.time, "paused", event.reason, event.step)

    @_apply.register
    def _(self, event: messages.TrainingContinued) -> None:
        self.add_mark(event.step, event.time, "continue", "")
        if not self._replayed:
            self.change_state(event.time, "running", "", event.step)

    @_apply.register
    def _(self, event: messages.AlertRaised) -> None:
        self.add_alert(event.time, event.kind, event.text, event.step, event.detail)

    @_apply.register
    def _(self, event: messages.WorkerMeasured) -> None:
        self.add_samples(event.time, event.readings)

    @_apply.register
    def _(self, event: messages.MemoryAccounted) -> None:
        self.set_meta(memory={"step": event.step, **plain_data(event.account)})

    @_apply.register
    def _(self, event: messages.WorkCounted) -> None:
        self.set_meta(
            work={
                "flops_per_sample": event.flops_per_sample,
                "peak_flops": event.peak_flops,
                "peak_source": event.peak_source,
            }
        )

    @_apply.register
    def _(self, event: messages.BatchSplit) -> None:
        text = f"batches of {event.new} instead of {event.old}, {event.accumulate} a step"
        data = {"old": event.old, "new": event.new, "accumulate": event.accumulate}
        # A run killed before its next checkpoint runs out again where it did: one mark is enough.
        self._connection.execute(
            "DELETE FROM marks WHERE kind='batch' AND step=? AND data_json=?",
            (event.step, to_json(data)),
        )
        self.add_mark(event.step, event.time, "batch", f"{text}: {event.reason}", data)

    @_apply.register
    def _(self, event: messages.MemoryRanOut) -> None:
        account = {"time": event.time, "step": event.step, **plain_data(event.account)}
        self.set_meta(out_of_memory=account)

    @_apply.register
    def _(self, event: messages.ProfileWritten) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO profiles (name, time, state, first_step, last_step, facts_json)"
            " VALUES (?, ?, 'reading', ?, ?, ?)",
            (
                event.name,
                event.time,
                event.first_step,
                event.last_step,
                to_json(plain_data(event.facts)),
            ),
        )

    @_apply.register
    def _(self, event: messages.CommandDone) -> None:
        self.finish_command(event.command_id, event.time, event.outcome, event.text, event.step)

    @_apply.register
    def _(self, event: messages.TrainingEnded) -> None:
        if self._replayed:
            return
        step = event.step or self._last_step()
        self.change_state(event.time, event.state, event.reason, step, event.traceback)
        self.rest(event.time)

    def _last_step(self) -> int:
        """Return the last step on record: a worker that failed does not say where it was."""
        return int(
            self._connection.execute("SELECT ifnull(max(step), 0) FROM progress").fetchone()[0]
        )

    def rewind(self, event: messages.TrainingResumed) -> None:
        """Remove what was recorded after the step that training goes on from.

        Alerts, commands, pauses and resumes stay: they happened. Checkpoints of later steps stay
        listed, as superseded, under their users' own names but no longer as `last` or `best`.
        Changed settings stay on record for `RunWriter.applied_settings`.
        """
        step = event.step if event.path else 0
        self.points.remove_after(step)
        execute = self._connection.execute
        execute("DELETE FROM progress WHERE step>?", (step,))
        execute("DELETE FROM evaluations WHERE step>?", (step,))
        execute("DELETE FROM marks WHERE step>? AND kind IN ('setting', 'best', 'batch')", (step,))
        execute("UPDATE checkpoints SET superseded=1 WHERE step>? AND path<>?", (step, event.path))
        execute(
            "DELETE FROM checkpoint_names WHERE name IN ('last', 'best') AND path IN"
            " (SELECT path FROM checkpoints WHERE superseded)"
        )
        if event.path:
            self._know_checkpoint(event)

    def _know_checkpoint(self, event: messages.TrainingResumed) -> None:
        """List the checkpoint that was resumed from, though its own event may have been lost."""
        path = self._directory.path / event.path
        size_bytes = path.stat().st_size if path.exists() else 0
        self._connection.execute(
            "INSERT OR IGNORE INTO checkpoints"
            " (path, step, time, digest, size_bytes, held_up_s, write_s, metrics_json)"
            " VALUES (?, ?, ?, '', ?, 0, 0, '{}')",
            (event.path, event.step, event.time, size_bytes),
        )
        self._connection.execute(
            "UPDATE checkpoints SET superseded=0, removed=NULL, removed_reason='' WHERE path=?",
            (event.path,),
        )
        self._name_checkpoint(event.path, ("last",))

    def _name_checkpoint(self, path: str, names: Sequence[str]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO checkpoint_names VALUES (?, ?)",
            [(name, path) for name in names],
        )

    def change_state(
        self, time: float, state: str, reason: str, step: int | None = None, detail: str = ""
    ) -> None:
        """Enter a state."""
        self._connection.execute(
            "INSERT INTO states (time, state, reason, step, detail) VALUES (?, ?, ?, ?, ?)",
            (time, state, storable(reason), step, storable(detail)),
        )

    def rest(self, time: float) -> None:
        """Say that the record is complete, and that nobody is working on the run."""
        self.set_meta(at_rest=True)
        self._connection.execute("UPDATE attempts SET ended=? WHERE ended IS NULL", (time,))

    def add_mark(
        self, step: int, time: float, kind: str, text: str, data: Mapping[str, Any] | None = None
    ) -> None:
        """Put a mark on the curve."""
        self._connection.execute(
            "INSERT INTO marks (step, time, kind, text, data_json) VALUES (?, ?, ?, ?, ?)",
            (step, time, kind, storable(text), to_json(dict(data or {}))),
        )

    def add_alert(
        self, time: float, kind: str, text: str, step: int | None, detail: str = ""
    ) -> None:
        """Record an alert."""
        self._connection.execute(
            "INSERT INTO alerts (step, time, kind, text, detail) VALUES (?, ?, ?, ?, ?)",
            (step, time, kind, storable(text), storable(detail)),
        )

    def add_samples(self, time: float, samples: Mapping[str, float]) -> None:
        """Record readings, and move those of more than a minute ago to where they cost little."""
        self._connection.executemany(
            "INSERT INTO samples VALUES (?, ?, ?)",
            [(time, name, value) for name, value in samples.items()],
        )
        oldest = self._connection.execute("SELECT time FROM samples ORDER BY rowid LIMIT 1")
        row = oldest.fetchone()
        if row is not None and row[0] < time - _RECENT_S - _MOVED_S:
            self._move_samples(time - _RECENT_S)

    def _move_samples(self, before: float) -> None:
        rows = self._connection.execute(
            "SELECT name, time, value FROM samples WHERE time<? ORDER BY name, time", (before,)
        ).fetchall()
        readings: dict[str, dict[int, float]] = {}
        for name, at, value in rows:
            readings.setdefault(name, {})[int(at)] = math.nan if value is None else value
        for name, points in readings.items():
            self.points.append(name, list(points), list(points.values()), "time")
        self._connection.execute("DELETE FROM samples WHERE time<?", (before,))

    def finish_command(
        self, command_id: int, time: float, outcome: str, text: str, step: int | None
    ) -> None:
        """Record what became of a command."""
        self._connection.execute(
            "UPDATE commands SET taken=ifnull(taken, ?), done=?, outcome=?, text=?, step=?"
            " WHERE id=?",
            (time, time, outcome, storable(text), step, command_id),
        )

    def set_meta(self, **values: Any) -> None:
        """Set facts about the run."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [(key, to_json(value)) for key, value in values.items()],
        )

    def add_environment(self, facts: Mapping[str, Any]) -> None:
        """Add to what is known of the machine and its software."""
        row = self._connection.execute(
            "SELECT value_json FROM meta WHERE key='environment'"
        ).fetchone()
        known = json.loads(row[0]) if row else {}
        self.set_meta(environment={**known, **facts})
