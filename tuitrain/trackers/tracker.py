"""What every tracker is to the record: one protocol, and what it is told of the run.

Knows no tracker's library.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tuitrain.errors import TuitrainError
from tuitrain.runs.rows import MetricRow
from tuitrain.trackers.source import News, Place


class TrackerError(TuitrainError):
    """A tracker can't be written to; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """What a tracker is told of a run when it begins."""

    id: str
    name: str
    preset: str
    created: float
    """Seconds since the epoch."""
    folder: Path
    """Where the tracker's library may keep files of its own."""
    settings: Mapping[str, Any]
    """As in the preset, without what says where alerts and metrics go."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run stands when its tracker is closed."""

    state: str
    reason: str
    time: float
    """Seconds since the epoch."""
    metrics: Sequence[MetricRow]
    """The last and best value of each."""


@dataclass(slots=True)
class Kept:
    """What is remembered of a tracker between two attempts of a run."""

    attempt: int = 0
    """The newest attempt whose begin the tracker knows of."""
    place: Place = field(default_factory=Place)
    is_whole: bool = True
    """The tracker was closed, so that it has all up to `place` and nothing else."""
    known_as: str = ""
    """What the tracker itself calls the run."""
    generation: int = 0
    """How often the run was begun anew there, because it can't take points back."""


class Tracker(Protocol):
    """Takes a run's metrics and alerts, in the order in which they were recorded.

    Attributes:
        place: from which on the record is to be read.
        known_as: what the tracker itself calls the run.
        generation: how often it was begun anew there.
    """

    place: Place
    known_as: str
    generation: int

    def write(self, news: News) -> None:
        """Write what is new.

        Raises:
            TrackerError: it can't be written.
        """
        ...

    def close(self, ending: Ending) -> None:
        """Write how the run stands, and let go.

        Raises:
            TrackerError: it can't be written.
        """
        ...
