"""What a chart is made of: lines, marks, a size and a look, as frozen values.

Plain data only: knows nothing of how it is drawn, and nothing of a screen.
"""

import math
from dataclasses import dataclass
from typing import Literal

from tuitrain.runs.series import Column, Series

AxisKind = Literal["step", "epoch", "time", "samples", "power", "value"]
"""Of powers of ten, `x` is the exponent; `value` is that of a metric."""
MarkKind = Literal[
    "setting", "pause", "continue", "resume", "checkpoint", "best", "alert", "evaluation", "batch"
]


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one run, reduced to columns of ascending `x`; NaN in a column is a gap."""

    label: str
    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    slot: int
    """Which colour and marker, 0 to 7."""
    faint: bool = False
    """The raw curve behind a smoothed one."""
    count: tuple[int, ...] = ()
    """Points a column; left out: one each."""
    steps: tuple[float, ...] = ()
    """Of each column, where `x` are values that several may share; left out: `x` tells them."""
    nonfinite: tuple[int, ...] = ()
    """How many of them are NaN or infinite; left out: known from the gaps alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at `x`."""

    x: float
    kind: MarkKind
    text: str = ""
    """A few words, shown where there is room."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw; ranges are in the units of the lines' `x` and values."""

    title: str
    """Drawn on a row of its own; empty: no such row."""
    lines: tuple[Line, ...]
    x_range: tuple[float, float]
    marks: tuple[Mark, ...] = ()
    y_range: tuple[float, float] | None = None
    """None: all that is finite and within `x_range`."""
    axis: AxisKind = "step"
    log: bool = False
    cursor: float | None = None
    cursor_step: float | None = None
    """The step that the cursor stands for; values are read at it where lines have theirs."""
    clip: bool = False
    """Without a `y_range`: let few values far from the rest lie outside."""
    across: str = ""
    """The metric along an axis of values."""
    gutter: int = 0
    """Least cells of the labels at the left, so that charts above each other share their edge."""


@dataclass(frozen=True, slots=True)
class Size:
    """In terminal cells."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TerminalStyle:
    """What the terminal can show."""

    ascii: bool = False
    colour: bool = True


def line_from_series(
    series: Series, *, label: str, slot: int, x: tuple[float, ...] | None = None
) -> Line:
    """Return a reduced metric as a line, each column at the middle of its steps.

    Args:
        series: the metric as the reader reduced it.
        label: what the line is called on the chart.
        slot: its colour and marker.
        x: other positions, one a column, where the axis is not one of steps.
    """
    columns = series.columns
    return Line(
        label=label,
        x=x if x is not None else middle_steps(series),
        low=tuple(column.minimum for column in columns),
        high=tuple(column.maximum for column in columns),
        mean=tuple(_mean(column) for column in columns),
        slot=slot,
        count=tuple(column.count for column in columns),
        nonfinite=tuple(column.nonfinite for column in columns),
    )


def middle_steps(series: Series) -> tuple[float, ...]:
    """Return the middle of each column's steps."""
    return tuple((column.first_step + column.last_step) / 2 for column in series.columns)


def _mean(column: Column) -> float:
    # The sum of huge values overflows where their bounds do not.
    if math.isfinite(column.mean):
        return column.mean
    return column.minimum / 2 + column.maximum / 2
