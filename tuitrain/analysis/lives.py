"""A run over the time of day: when it worked, stood still, waited in the queue, or had nobody.

Follows from its states and its workers' lives; draws nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tuitrain.runs.rows import AttemptRow, StateRow

Kind = Literal["worked", "paused", "queued", "down"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a run was in one of these ways."""

    kind: Kind
    start: float
    end: float

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.end - self.start


def stretches(
    states: Sequence[StateRow], attempts: Sequence[AttemptRow], until: float
) -> list[Stretch]:
    """Return a run's time from its first worker or wait until `until`, in order.

    Args:
        states: oldest first.
        attempts: its workers, oldest first; one that has no end lives until `until`.
        until: seconds since the epoch: now for a live run, else when it came to rest.
    """
    waits = [row.time for row in states if row.state == "queued" and row.reason]
    begins = [row.started for row in attempts] + waits
    if not begins:
        return []
    lives = [(row.started, until if row.ended is None else row.ended) for row in attempts]
    times = {
        min(begins),
        until,
        *(row.time for row in states),
        *(t for life in lives for t in life),
    }
    inside = sorted(time for time in times if min(begins) <= time <= until)
    found: list[Stretch] = []
    for start, end in pairwise(inside):
        kind = _kind(states, lives, start)
        if found and found[-1].kind == kind:
            found[-1] = Stretch(kind, found[-1].start, end)
        else:
            found.append(Stretch(kind, start, end))
    return found


def _kind(states: Sequence[StateRow], lives: Sequence[tuple[float, float]], at: float) -> Kind:
    state = next((row.state for row in reversed(states) if row.time <= at), "")
    if any(born <= at < died for born, died in lives):
        return "paused" if state == "paused" else "worked"
    return "queued" if state == "queued" else "down"
