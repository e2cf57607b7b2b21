"""What a run's time went into beside its steps: evaluations, checkpoints, pauses; its last sign.

Reads through a connection it is given; knows nothing of how shares are shown.
"""

import sqlite3
from collections.abc import Sequence
from itertools import pairwise

from tuitrain.runs.rows import AttemptRow, StateRow

SAMPLES_S = 5.0
"""A live supervisor reads the devices more often than this."""


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


def last_sample(connection: sqlite3.Connection) -> float | None:
    """Return when devices were last read, as a live supervisor does every second."""
    row = connection.execute("SELECT time FROM samples ORDER BY rowid DESC LIMIT 1").fetchone()
    return None if row is None else float(row[0])


def last_sign(connection: sqlite3.Connection) -> float:
    """Return the time of the last sign of life in the record; 0 where there is none.

    By the order in which signs came, not by their times: the clock may have been set between two
    supervisors, and a step on record may be of the one before.
    """
    state = connection.execute("SELECT time FROM states ORDER BY id DESC LIMIT 1").fetchone()
    step = connection.execute("SELECT time FROM progress ORDER BY step DESC LIMIT 1").fetchone()
    sample = last_sample(connection)
    signs = [float(state[0])] if state else []
    signs += [] if sample is None else [sample]
    if step and (sample is None or step[0] <= sample + SAMPLES_S):
        signs.append(float(step[0]))
    return max(signs, default=0.0)
