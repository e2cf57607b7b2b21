"""What each event changes in the record.

Knows nothing of transactions or of numbering: `EventRecorder` decides what is applied, and when.
"""

import json
from dataclasses import dataclass
from functools import singledispatch

from tuitrain import messages
from tuitrain.messages import Event, plain_data
from tuitrain.metric_names import axis_of
from tuitrain.runs.rows import BatchMark, BestMark, ResumeMark, SettingMark
from tuitrain.runs.storage.database import to_json
from tuitrain.runs.storage.record_tables import RecordTables
from tuitrain.whole_file import written_whole

_UPSERT_CHECKPOINT = """
INSERT INTO checkpoints
    (path, step, time, digest, size_bytes, held_up_s, write_s, metrics_json)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    step = excluded.step, time = excluded.time, digest = excluded.digest,
    size_bytes = excluded.size_bytes, held_up_s = excluded.held_up_s, write_s = excluded.write_s,
    metrics_json = excluded.metrics_json, removed = NULL, removed_reason = '', superseded = 0
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an event comes from."""

    attempt: int
    """The worker that said so."""
    replayed: bool
    """It comes out of a checkpoint after that worker's end, so what it says of the run's state and
    of the worker's environment is no longer so."""


def apply_event(event: Event, tables: RecordTables, source: Source) -> None:
    """Record one event, inside the caller's transaction."""
    _apply(event, tables, source)


@singledispatch
def _apply(event: Event, _tables: RecordTables, _source: Source) -> None:
    raise TypeError(f"no table for {type(event).__name__}")


@_apply.register
def _(event: messages.WorkerStarted, tables: RecordTables, source: Source) -> None:
    tables.execute("UPDATE attempts SET pid=? WHERE attempt=?", (event.pid, source.attempt))
    if not source.replayed:
        tables.change_state(event.time, "starting", "worker started")


@_apply.register
def _(event: messages.PreparationReported, tables: RecordTables, source: Source) -> None:
    if not source.replayed:
        tables.change_state(event.time, "starting", event.text)


@_apply.register
def _(event: messages.TrainingPrepared, tables: RecordTables, source: Source) -> None:
    if source.replayed:
        return
    tables.set_meta(
        total_steps=event.total_steps,
        steps_per_epoch=event.steps_per_epoch,
        parameters=event.parameters,
        device=event.device,
    )
    tables.add_environment(plain_data(event.environment))
    tables.change_state(event.time, "running", "", event.start_step)


@_apply.register
def _(event: messages.TrainingResumed, tables: RecordTables, source: Source) -> None:
    step = event.step if event.path else 0
    text = f"resumed from {event.path}" if event.path else "started again from zero"
    tables.add_mark(step, event.time, "resume", text, ResumeMark(event.path, source.attempt))


@_apply.register
def _(event: messages.StepsTaken, tables: RecordTables, _source: Source) -> None:
    for points in event.points:
        count = len(points.values)
        steps = points.steps or range(points.first_step, points.first_step + count)
        axis = axis_of(points.name)
        tables.points.append(points.name, steps, points.values, axis)
    tables.execute(
        "INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)",
        (event.last_step, event.time, event.epoch, event.train_s),
    )


@_apply.register
def _(event: messages.ActivityBegun, tables: RecordTables, _source: Source) -> None:
    tables.set_meta(activity={"what": event.what, "time": event.time})


@_apply.register
def _(event: messages.Evaluated, tables: RecordTables, _source: Source) -> None:
    for name, value in event.metrics.items():
        tables.points.append(name, range(event.step, event.step + 1), (value,))
    counts = None if event.counts is None else to_json(plain_data(event.counts))
    tables.execute(
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
def _(event: messages.CheckpointSaved, tables: RecordTables, _source: Source) -> None:
    tables.execute(
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
    tables.name_checkpoint(event.path, event.names)
    if "best" in event.names:
        data = BestMark(event.path, dict(event.metrics))
        tables.add_mark(event.step, event.time, "best", "best so far", data)


@_apply.register
def _(event: messages.CheckpointRemoved, tables: RecordTables, _source: Source) -> None:
    tables.execute(
        "UPDATE checkpoints SET removed=?, removed_reason=? WHERE path=?",
        (event.time, event.reason, event.path),
    )
    tables.execute("DELETE FROM checkpoint_names WHERE path=?", (event.path,))


@_apply.register
def _(event: messages.SettingChanged, tables: RecordTables, _source: Source) -> None:
    known = tables.execute(
        "SELECT new FROM settings WHERE step=? AND key=?", (event.step, event.key)
    ).fetchone()
    if known is None or known[0] != event.new:
        # Somebody decided anew: what was planned for later steps in a history that was given
        # up must not undo it.
        tables.execute("DELETE FROM settings WHERE key=? AND step>=?", (event.key, event.step))
        tables.execute(
            "INSERT INTO settings VALUES (?, ?, ?, ?, ?)",
            (event.step, event.key, event.time, event.old, event.new),
        )
    tables.execute(
        "DELETE FROM marks WHERE kind='setting' AND step=? AND substr(text, 1, ?)=?",
        (event.step, len(event.key) + 1, f"{event.key} "),
    )
    data = SettingMark(event.key, event.old, event.new)
    text = f"{event.key} {event.old:g} -> {event.new:g}"
    tables.add_mark(event.step, event.time, "setting", text, data)


@_apply.register
def _(event: messages.PresetChanged, tables: RecordTables, _source: Source) -> None:
    # A run that ended before its next checkpoint says so again: one mark is enough.
    tables.execute(
        "DELETE FROM marks WHERE kind='setting' AND step=? AND text=?", (event.step, event.text)
    )
    tables.add_mark(event.step, event.time, "setting", event.text, SettingMark(event.key))


@_apply.register
def _(event: messages.TrainingPaused, tables: RecordTables, source: Source) -> None:
    tables.add_mark(event.step, event.time, "pause", event.reason)
    if not source.replayed:
        tables.change_state(event.time, "paused", event.reason, event.step)


@_apply.register
def _(event: messages.TrainingContinued, tables: RecordTables, source: Source) -> None:
    tables.add_mark(event.step, event.time, "continue", "")
    if not source.replayed:
        tables.change_state(event.time, "running", "", event.step)


@_apply.register
def _(event: messages.AlertRaised, tables: RecordTables, _source: Source) -> None:
    tables.add_alert(event.time, event.kind, event.text, event.step, event.detail)


@_apply.register
def _(event: messages.WorkerMeasured, tables: RecordTables, _source: Source) -> None:
    tables.add_samples(event.time, event.readings)


@_apply.register
def _(event: messages.MemoryAccounted, tables: RecordTables, _source: Source) -> None:
    tables.set_meta(memory={"step": event.step, **plain_data(event.account)})


@_apply.register
def _(event: messages.WorkCounted, tables: RecordTables, _source: Source) -> None:
    tables.set_meta(
        work={
            "flops_per_sample": event.flops_per_sample,
            "peak_flops": event.peak_flops,
            "peak_source": event.peak_source,
        }
    )


@_apply.register
def _(event: messages.BatchSplit, tables: RecordTables, _source: Source) -> None:
    text = f"batches of {event.new} instead of {event.old}, {event.accumulate} a step"
    data = BatchMark(event.old, event.new, event.accumulate)
    # A run killed before its next checkpoint runs out again where it did: one mark is enough.
    tables.execute(
        "DELETE FROM marks WHERE kind='batch' AND step=? AND data_json=?",
        (event.step, to_json(plain_data(data))),
    )
    tables.add_mark(event.step, event.time, "batch", f"{text}: {event.reason}", data)


@_apply.register
def _(event: messages.MemoryRanOut, tables: RecordTables, _source: Source) -> None:
    account = {"time": event.time, "step": event.step, **plain_data(event.account)}
    tables.set_meta(out_of_memory=account)


@_apply.register
def _(event: messages.ProfileWritten, tables: RecordTables, _source: Source) -> None:
    tables.execute(
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
def _(event: messages.CommandDone, tables: RecordTables, _source: Source) -> None:
    tables.finish_command(event.command_id, event.time, event.outcome, event.text, event.step)


@_apply.register
def _(event: messages.ScriptSeen, tables: RecordTables, source: Source) -> None:
    row = tables.execute("SELECT value_json FROM meta WHERE key='script'").fetchone()
    known = json.loads(row[0]) if row else {}
    tables.set_meta(script={**known, "ability": event.ability, "by": list(event.by)})
    if event.total_steps:
        tables.set_meta(total_steps=event.total_steps)
    newest = tables.execute("SELECT state FROM states ORDER BY id DESC LIMIT 1").fetchone()
    if not source.replayed and newest == ("starting",):
        tables.change_state(event.time, "running", "")


@_apply.register
def _(event: messages.ScriptConfigured, tables: RecordTables, _source: Source) -> None:
    with written_whole(tables.directory.config_path) as draft:
        draft.write_text(event.config, encoding="utf-8")
    tables.set_meta(config=event.config)


@_apply.register
def _(event: messages.TrainingEnded, tables: RecordTables, source: Source) -> None:
    if source.replayed:
        return
    step = event.step or tables.last_step()
    tables.change_state(event.time, event.state, event.reason, step, event.traceback)
    tables.rest(event.time)
