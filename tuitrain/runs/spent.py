"""What a run's time went into beside its steps: evaluations, checkpoints, pauses.

Reads through a connection it is given; knows nothing of how shares are shown.
"""

import sqlite3
from collections.abc import Sequence
from itertools import pairwise

from tuitrain.runs.rows import AttemptRow, StateRow


def read_spent(connection: sqlite3.Connection) -> tuple[float, float]:
    """Return the seconds spent in evaluations, and held up by checkpoints."""
    row = connection.execute(
        "SELECT (SELECT total(duration_s) FROM evaluations),"
        " (SELECT total(held_up_s) FROM checkpoints)"
    ).fetchone()
    return float(row[0]), float(row[1])


def held_s(states: Sequence[StateRow], attempts: Sequence[AttemptRow], open_end: float) -> float:
    """Return how long workers lived in a paused run; a released one has none.

    Args:
        states: oldest first.
        attempts: oldest first.
        open_end: when a state, or a worker, that has no end yet is taken to end.
    """
    ends = [after.time for _before, after in pairwise(states)] + [open_end]
    pauses = [
        (row.time, end) for row, end in zip(states, ends, strict=False) if row.state == "paused"
    ]
    lives = [(row.started, open_end if row.ended is None else row.ended) for row in attempts]
    return sum(
        max(0.0, min(end, died) - max(begun, born)) for begun, end in pauses for born, died in lives
    )
