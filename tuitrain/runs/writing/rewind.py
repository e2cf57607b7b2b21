"""What a resume takes back: everything on record after the step that it goes on from."""

from tuitrain.messages import TrainingResumed
from tuitrain.runs.storage.record_tables import RecordTables


def rewind(tables: RecordTables, event: TrainingResumed) -> None:
    """Remove what was recorded after the step that training goes on from.

    Alerts, commands, pauses and resumes stay: they happened. Checkpoints of later steps stay
    listed, as superseded, under their users' own names but no longer as `last` or `best`.
    Changed settings stay on record for `RunWriter.history`.
    """
    step = event.step if event.path else 0
    tables.points.remove_after(step)
    execute = tables.execute
    execute("DELETE FROM progress WHERE step>?", (step,))
    execute("DELETE FROM evaluations WHERE step>?", (step,))
    execute("DELETE FROM marks WHERE step>? AND kind IN ('setting', 'best', 'batch')", (step,))
    execute("UPDATE checkpoints SET superseded=1 WHERE step>? AND path<>?", (step, event.path))
    execute(
        "DELETE FROM checkpoint_names WHERE name IN ('last', 'best') AND path IN"
        " (SELECT path FROM checkpoints WHERE superseded)"
    )
    if event.path:
        _know_checkpoint(tables, event)


def _know_checkpoint(tables: RecordTables, event: TrainingResumed) -> None:
    """List the checkpoint that was resumed from, though its own event may have been lost."""
    path = tables.directory.path / event.path
    size_bytes = path.stat().st_size if path.exists() else 0
    tables.execute(
        "INSERT OR IGNORE INTO checkpoints"
        " (path, step, time, digest, size_bytes, held_up_s, write_s, metrics_json)"
        " VALUES (?, ?, ?, '', ?, 0, 0, '{}')",
        (event.path, event.step, event.time, size_bytes),
    )
    tables.execute(
        "UPDATE checkpoints SET superseded=0, removed=NULL, removed_reason='' WHERE path=?",
        (event.path,),
    )
    tables.name_checkpoint(event.path, ("last",))
