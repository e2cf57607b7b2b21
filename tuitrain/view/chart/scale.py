"""The horizontal axis: which part of it is seen, and steps as epochs or as time.

Pure values; knows nothing of keys or of a screen.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuitrain.runs.rows import ProgressRow
from tuitrain.runs.series import Series
from tuitrain.view.chart.figure import AxisKind, Line

SMALLEST_SHARE = 1e-6
"""Zooming in ends at this share of the whole."""
_MOST_POWER = 300.0
_ROOM_SHARE = 16
_ROOM_S = 3.0
"""A growing curve is given room of a 16th, and of as many seconds, at the most twice that."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of an axis that is seen."""

    first: float
    last: float

    @property
    def span(self) -> float:
        """How much is seen."""
        return self.last - self.first

    def zoom(self, factor: float, around: float | None = None) -> "Window":
        """Return a window `factor` times as wide, below 1 is closer; `around` keeps its place."""
        middle = (self.first + self.last) / 2 if around is None else around
        return Window(
            middle - (middle - self.first) * factor, middle + (self.last - middle) * factor
        )

    def pan(self, share: float) -> "Window":
        """Return the window moved to the right by a share of its width."""
        return Window(self.first + self.span * share, self.last + self.span * share)

    def clamp(self, whole: "Window") -> "Window":
        """Return the nearest window that lies within `whole`, of the same width where it fits."""
        width = min(max(self.span, whole.span * SMALLEST_SHARE), whole.span)
        first = min(max(self.first, whole.first), whole.last - width)
        return Window(first, min(first + width, whole.last))

    def follow(self, end: float) -> "Window":
        """Return the window moved so that it ends at `end`."""
        return Window(end - self.span, end)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the steps of a run, or of several runs together, lie."""

    first: int
    end: int
    """The right edge: beyond the newest step where more are to come."""
    newest: int

    @property
    def whole(self) -> Window:
        """All the steps there are, with room for more; at least two wide, for one point."""
        return Window(self.first, max(self.first + 1, self.end))


def joined(reaches: Sequence[Reach]) -> Reach:
    """Return the reach of several runs together; that of a run without steps for none."""
    if not reaches:
        return Reach(1, 1, 0)
    return Reach(
        min(each.first for each in reaches),
        max(each.end for each in reaches),
        max(each.newest for each in reaches),
    )


def roomy_end(step: int, steps_per_s: float | None, total_steps: int | None) -> int:
    """Return a right edge beyond `step` that stays for a while as steps are taken.

    While it stays, only the last column of a curve changes; else each step would shift them all.
    """
    least = max(step / _ROOM_SHARE, (steps_per_s or 0.0) * _ROOM_S, 1.0)
    room = 1 << math.ceil(math.log2(least))
    end = (step // room + 1) * room
    return max(step, min(end, total_steps)) if total_steps else end


@dataclass(frozen=True, slots=True)
class Ruler:
    """What steps are on an axis: two ascending columns, straight between their rows.

    Values of a metric need not ascend, and nothing lies between them: each step has that of the
    nearest one.
    """

    kind: AxisKind
    steps: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def at(self, step: float) -> float:
        """Return a step's place on the axis; beyond the rows, the place of the outermost."""
        if self.kind == "power":
            return math.log10(max(1.0, step))
        if self.kind == "value":
            return _nearest(self.steps, self.values, step)
        return step if self.kind == "step" else _between(self.steps, self.values, step)

    def step_at(self, value: float) -> float:
        """Return the step at a place on the axis."""
        if self.kind == "power":
            return float(10.0 ** min(value, _MOST_POWER))
        if self.kind == "value":
            near = min(self.values, key=lambda each: abs(each - value), default=math.nan)
            return self.steps[self.values.index(near)] if self.values else math.nan
        return value if self.kind == "step" else _between(self.values, self.steps, value)

    def place(self, line: Line) -> Line:
        """Return a line whose `x` are steps with its `x` on this axis."""
        placed = tuple(self.at(step) for step in line.x)
        return replace(line, x=placed, steps=line.x if self.kind == "value" else ())


def ruler(kind: AxisKind, progress: Sequence[ProgressRow], samples: int = 0) -> Ruler:
    """Return the axis of a run, from its progress by ascending steps.

    Samples are those of an epoch, of which there are `samples`, times the epochs. Powers of ten
    are those of steps.

    Time is the time spent in training steps: pauses, checkpoints and evaluations take no place
    on the axis, and a run that was resumed days later goes on where it stood.
    """
    if kind in ("step", "power"):
        return Ruler(kind)
    if kind == "samples" and not samples:
        return Ruler(kind)
    rows = [(0.0, 0.0)]
    for row in progress:
        value = {"epoch": row.epoch, "samples": row.epoch * samples}.get(kind, row.train_s)
        if row.step > rows[-1][0] and math.isfinite(value):
            rows.append((float(row.step), max(value, rows[-1][1])))
    return Ruler(kind, tuple(step for step, _ in rows), tuple(value for _, value in rows))


def value_ruler(series: Series | None) -> Ruler:
    """Return the axis of a metric's values, each where its column's middle step is."""
    columns = series.columns if series is not None else ()
    known = [
        ((column.first_step + column.last_step) / 2, column.mean)
        for column in columns
        if math.isfinite(column.mean)
    ]
    return Ruler("value", tuple(step for step, _ in known), tuple(value for _, value in known))


def _nearest(steps: tuple[float, ...], values: tuple[float, ...], step: float) -> float:
    if not steps or math.isnan(step):
        return math.nan
    after = bisect.bisect_left(steps, step)
    if after == 0 or (after < len(steps) and steps[after] - step <= step - steps[after - 1]):
        return values[after]
    return values[after - 1]


def _between(keys: tuple[float, ...], values: tuple[float, ...], key: float) -> float:
    if not keys or math.isnan(key):
        return math.nan
    after = bisect.bisect_left(keys, key)
    if after == 0:
        return values[0]
    if after == len(keys):
        return values[-1]
    low, high = keys[after - 1], keys[after]
    share = (key - low) / (high - low)
    return values[after - 1] + (values[after] - values[after - 1]) * share
