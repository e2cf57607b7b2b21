"""Rows of a table or of JSON lines as points: which columns are step, epoch and time, and the rest.

Knows no file.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tuitrain.foreign.reader import LAST_STEP, Position, in_order
from tuitrain.runs.imported import Moment, Points

STEP_NAMES = (
    "step", "global_step", "_step", "trainer/global_step", "steps", "iteration", "iter",
    "iterations", "update", "updates", "num_timesteps", "timesteps", "time/total_timesteps",
    "total_timesteps",
)  # fmt: skip
EPOCH_NAMES = ("epoch", "epochs", "_epoch")
TIME_NAMES = ("_timestamp", "timestamp", "wall_time", "walltime", "time", "datetime", "date")
_EARLIEST_S, _EARLIEST_MS = 1e8, 1e11
"""Smaller numbers are no times since the epoch: seconds since the begin, as likely."""
_MOST_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Keys:
    """Which of the names in a log are no metrics."""

    step: str | None
    epoch: str | None
    time: str | None

    @property
    def known(self) -> bool:
        """Say whether the rows tell where they stand."""
        return self.step is not None or self.epoch is not None


def keys_of(names: Iterable[str]) -> Keys:
    """Return which of the names are step, epoch and time."""
    by_lower = {name.lower(): name for name in names}

    def first(wanted: tuple[str, ...]) -> str | None:
        return next((by_lower[name] for name in wanted if name in by_lower), None)

    return Keys(first(STEP_NAMES), first(EPOCH_NAMES), first(TIME_NAMES))


def number(value: object) -> float | None:
    """Return a cell as a number; None where it is none. NaN and infinities are numbers."""
    if isinstance(value, bool) or value is None:
        return None
    if not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _whole(step: float | None) -> int | None:
    """Return a step as it can be on record; None where it can't."""
    return int(step) if step is not None and 0 <= step <= LAST_STEP else None


def seconds(value: object) -> float | None:
    """Return a cell as a time since the epoch; None where it is none."""
    found = number(value)
    if found is None and isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            return None
    if found is None or not math.isfinite(found) or found < _EARLIEST_S:
        return None
    return found / 1000 if found >= _EARLIEST_MS else found


def flat(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Return nested mappings as one, names joined by slashes; lists are left out."""
    found: dict[str, Any] = {}
    for name, each in value.items():
        if isinstance(each, Mapping):
            if depth < _MOST_DEPTH:
                found |= flat(each, f"{prefix}{name}/", depth + 1)
        elif not isinstance(each, list):
            found[f"{prefix}{name}"] = each
    return found


def json_row(line: bytes) -> dict[str, Any] | None:
    """Return a line as a flat mapping; None where it is no JSON object."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return flat(value) if isinstance(value, dict) else None


@dataclass(slots=True)
class RowPoints:
    """Gathers the points of successive rows.

    A step that goes back while the epoch goes on is counted from the epoch's begin, and is counted
    on; one that goes back otherwise is a training that was resumed, whose points replace those of
    the same metric from there on.
    """

    keys: Keys
    row: int = 0
    offset: int = 0
    last: int = -1
    epoch: float = 0.0
    ends: dict[str, int] = field(default_factory=dict)
    """The last step of each metric."""
    fractional: bool = False
    """Only an epoch tells where a row stands, and it has a fraction: rows are numbered."""
    moments: list[Moment] = field(default_factory=list)
    _open: dict[str, tuple[list[int], list[float], bool]] = field(default_factory=dict)
    _done: list[Points] = field(default_factory=list)

    @classmethod
    def go_on(cls, keys: Keys, position: Position) -> "RowPoints":
        """Go on where `state` said."""
        known = position.get("rows", {})
        return cls(keys, **{**known, "ends": dict(known.get("ends", {}))})

    def state(self) -> dict[str, Any]:
        """Return what the next call of `go_on` needs."""
        return {
            "row": self.row,
            "offset": self.offset,
            "last": self.last,
            "epoch": self.epoch,
            "ends": self.ends,
            "fractional": self.fractional,
        }

    def add(self, row: Mapping[str, Any], read_at: float) -> None:
        """Add a row; `read_at` is its time where it has none itself."""
        keys = self.keys
        epoch = number(row.get(keys.epoch)) if keys.epoch else None
        step = self._step(row, epoch)
        self.row += 1
        if step is None:
            return
        if epoch is not None and math.isfinite(epoch):
            self.epoch = epoch
        time = seconds(row.get(keys.time)) if keys.time else None
        for name, cell in row.items():
            if name in (keys.step, keys.epoch) or (name == keys.time and time is not None):
                continue
            value = number(cell)
            if value is not None:
                self._add(name, step, value)
        self.moments.append(Moment(step, read_at if time is None else time, self.epoch))

    def _step(self, row: Mapping[str, Any], epoch: float | None) -> int | None:
        """Return the step of a row; None where it has none."""
        if self.keys.step is None:
            self.fractional = self.fractional or (epoch is not None and not epoch.is_integer())
            if self.keys.epoch is None or self.fractional:
                return self.row
            return _whole(epoch)
        step = _whole(number(row.get(self.keys.step)))
        if step is None:
            return None
        if step < self.last and epoch is not None and epoch > self.epoch:
            self.offset += self.last + (step == 0)
        self.last = step
        return step + self.offset

    def _add(self, name: str, step: int, value: float) -> None:
        behind = step < self.ends.get(name, -1)
        if behind:
            self._close(name)
        steps, values, _replace = self._open.setdefault(name, ([], [], behind))
        steps.append(step)
        values.append(value)
        self.ends[name] = step

    def _close(self, name: str) -> None:
        if name in self._open:
            steps, values, replace = self._open.pop(name)
            points = in_order(name, steps, values, replace=replace)
            if points is not None:
                self._done.append(points)

    def changes(self) -> list[Points]:
        """Return all points gathered, each metric's in the order in which they were logged."""
        for name in list(self._open):
            self._close(name)
        return self._done

    def progress(self) -> list[Moment]:
        """Return the moments by ascending steps."""
        by_step = {moment.step: moment for moment in self.moments}
        return [by_step[step] for step in sorted(by_step)]
