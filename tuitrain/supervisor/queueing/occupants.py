"""Who has the places that others wait for, and for how long: runs by their lease, others by NVML.

Concludes; prints nothing.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tuitrain.errors import TuitrainError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.supervisor.queueing.leases import tenant_of
from tuitrain.supervisor.queueing.places import Place, Places
from tuitrain.supervisor.queueing.wish import Wish
from tuitrain.units import rough_time

_SPEED_OF = 50
"""Messages of steps over which speed is taken."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Occupant:
    """Why a place is not free."""

    place: str
    """Its title."""
    user: str = ""
    what: str = ""
    """A run's id or a command; else in words why it does not count as free."""
    since: float | None = None
    path: str = ""
    """The folder of the run."""
    memory_bytes: float = 0.0

    @property
    def words(self) -> str:
        """Say who has which place, without what changes by the minute."""
        who = f"{self.user}, {self.what}" if self.user else self.what
        return f"{self.place}: {who}"


def occupants(folder: Path, places: Places, wish: Wish) -> list[Occupant]:
    """Return who has each place that is not free for a wish, in the order of places."""
    free = set(places.free(wish))
    return [_occupant(folder, place, wish) for place in places.all() if place.name not in free]


def _occupant(folder: Path, place: Place, wish: Wish) -> Occupant:
    tenant = tenant_of(folder, place.name)
    if tenant is not None:
        return Occupant(place.title, tenant.user, tenant.run, tenant.since or None, tenant.path)
    if place.suits(wish):
        return Occupant(place.title, what="free, but not for half a minute yet")
    if not place.processes:
        return Occupant(place.title, what=f"{place.used_bytes / 1024**3:.1f} GiB in use")
    first = place.processes[0]
    return Occupant(
        place.title,
        str(first["user"] or "somebody"),
        str(first["command"] or f"process {first['pid']}"),
        _started(first["pid"]) if first["user"] else None,
        memory_bytes=place.used_bytes,
    )


def _started(pid: int) -> float | None:
    with suppress(psutil.Error):
        return float(psutil.Process(pid).create_time())
    return None


def occupied_words(found: Sequence[Occupant]) -> str:
    """Say who has places, the first few of them."""
    named = "; ".join(each.words for each in found[:_MOST_NAMED])
    more = len(found) - _MOST_NAMED
    return f"{named}; and {more} more" if more > 0 else named


def occupant_line(occupant: Occupant, now: float) -> str:
    """Say who has a place, for how long, and how long its own record says that it will take."""
    parts = [occupant.words]
    if occupant.since is not None:
        parts.append(f"for {rough_time(max(0.0, now - occupant.since))}")
    text = ", ".join(parts)
    left_s = time_left(occupant.path) if occupant.path else None
    return text if left_s is None else f"{text}; about {rough_time(left_s)} by its own record"


def time_left(path: str) -> float | None:
    """Return how long a run will still take at its present speed; None where nobody can tell."""
    try:
        with RunReader(RunDirectory(Path(path)), time.time) as reader:
            total, progress = reader.facts().total_steps, reader.steps.progress()
            speed = reader.steps.speed(_SPEED_OF)
    except (TuitrainError, OSError):
        # Another user's, perhaps: their runs are closed to us.
        return None
    if not total or progress is None or speed is None or not speed.steps_per_s:
        return None
    return max(0.0, (total - progress.step) / speed.steps_per_s)
