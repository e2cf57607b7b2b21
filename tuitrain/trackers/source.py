"""What is new in a run's record, as rows by step: the one form in which every tracker takes it.

Knows records; nothing of trackers.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import AlertRow, ProgressRow
from tuitrain.trackers.pictures import Shown, shown_since

MOST_POINTS = 4096
"""Points of one metric in one piece: with 20 metrics about 10 MB."""
_TIMES = 300
"""Steps of a piece whose time is looked up; those between get theirs by proportion."""


@dataclass(frozen=True, slots=True)
class Row:
    """The values that one step has."""

    step: int
    time: float
    """Seconds since the epoch."""
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class News:
    """What was new in the record."""

    rows: Sequence[Row] = ()
    """By ascending steps; a step may come again with values of other metrics."""
    alerts: Sequence[AlertRow] = ()
    shown: Sequence[Shown] = ()
    """Images and texts by ascending steps, none of a step whose values come later."""
    more: bool = False
    """There is more to be read at once."""

    def __bool__(self) -> bool:
        return bool(self.rows or self.alerts or self.shown)


@dataclass(slots=True)
class Place:
    """How far a tracker has the record."""

    after: int = -1
    """The last step that it has of every metric that `last` does not name."""
    last: dict[str, int] = field(default_factory=dict)
    """The last step of each metric."""
    alerts: int = 0
    """How many alerts it has."""
    shown: int = -1
    """The last step whose images and texts it has."""

    @property
    def step(self) -> int:
        """The last step that it has of any metric."""
        return max([self.after, *self.last.values()])


class RecordSource:
    """Reads a record from a place on, piece by piece."""

    def __init__(self, reader: RunReader, place: Place) -> None:
        """Read from `place`, which moves on with what is taken."""
        self._reader = reader
        self.place = place

    def take(self) -> News:
        """Return what is new, a piece of it where it is much.

        Nothing is held open when this returns: a tracker may take its time over it.

        Raises:
            RecordError: the record can't be read.
        """
        with self._reader.snapshot():
            points = {name: self._next(name) for name in self._reader.curves.metric_names()}
            full = [found[-1][0] for found in points.values() if len(found) == MOST_POINTS]
            until = min(full, default=None)
            rows = self._rows(points, until)
            alerts = self._reader.entries.alerts()[self.place.alerts :]
            shown, looked_at = shown_since(self._reader, self.place.shown, until)
        more = until is not None or looked_at > self.place.shown
        self.place.alerts += len(alerts)
        self.place.shown = looked_at
        return News(rows, alerts, shown, more)

    def _next(self, name: str) -> list[tuple[int, float]]:
        first = self.place.last.get(name, self.place.after) + 1
        chunks = self._reader.curves.point_chunks(name, first_step=first)
        pairs = chain.from_iterable(zip(each.steps, each.values, strict=True) for each in chunks)
        return list(islice(pairs, MOST_POINTS))

    def _rows(
        self, points: Mapping[str, Sequence[tuple[int, float]]], until: int | None
    ) -> list[Row]:
        by_step: dict[int, dict[str, float]] = {}
        for name, found in points.items():
            for step, value in found:
                if until is not None and step > until:
                    break
                by_step.setdefault(step, {})[name] = value
                self.place.last[name] = step
        steps = sorted(by_step)
        times = self._times(steps)
        return [Row(step, time, by_step[step]) for step, time in zip(steps, times, strict=True)]

    def _times(self, steps: Sequence[int]) -> Iterator[float]:
        if not steps:
            return
        known = self._reader.steps.step_times(steps[0], steps[-1], _TIMES)
        places = [row.step for row in known]
        created = float(self._reader.meta()["created"])
        for step in steps:
            yield _time_of(step, known, places, created)


def _time_of(
    step: int, known: Sequence[ProgressRow], places: Sequence[int], created: float
) -> float:
    if not known:
        return created
    right = bisect_right(places, step)
    before, after = known[max(0, right - 1)], known[min(right, len(known) - 1)]
    if after.step <= before.step or step <= before.step:
        return before.time
    return before.time + (after.time - before.time) * (step - before.step) / (
        after.step - before.step
    )


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by their full keys: numbers, truth values and texts; lists as texts."""
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flat_settings(value, f"{name}.")
        elif isinstance(value, (bool, int, float, str)):
            yield name, value
        else:
            yield name, str(value)
