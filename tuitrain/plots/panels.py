"""What a figure is made of, as frozen values: lines, tables of numbers, pictures.

Knows nothing of runs, and nothing of what draws it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tuitrain.view.chart.scale import Ruler
from tuitrain.view.format import metric_value
from tuitrain.view.images.pixels import Image

AxisKind = Literal["step", "epoch", "time"]
Form = Literal["line", "points"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
"""Of Okabe and Ito (2008), which the colour-blind tell apart; without the yellow, which is faint on
white, and with a grey for the black."""
DASHES = 3
"""Ways to draw a line: solid, dashed, dotted."""
_FEW_VALUES = 12
"""So many are read as numbers, more are seen as a line."""
STYLES = len(COLOURS) * DASHES
"""Lines that all look different."""


@dataclass(frozen=True, slots=True)
class Rulers:
    """Where a run's steps lie on the other axes."""

    epoch: Ruler
    time: Ruler
    """Seconds of training."""

    def at(self, axis: AxisKind, step: float) -> float:
        """Return a step's place on an axis."""
        return step if axis == "step" else (self.epoch if axis == "epoch" else self.time).at(step)


@dataclass(frozen=True, slots=True)
class Trace:
    """One line, or a cloud of points; a `y` that is NaN is a gap."""

    label: str
    """Empty: it is in no legend."""
    style: int
    """Of STYLES."""
    x: tuple[float, ...]
    """Steps, where the panel has rulers."""
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    """With `high` the least and the largest of what `y` is the mean of; empty: nothing else."""
    high: tuple[float, ...] = ()
    lost: tuple[float, ...] = ()
    """Where along x values are NaN or infinite."""
    form: Form = "line"
    faint: bool = False
    """What lies behind another one."""
    thin: bool = False
    ruler: Rulers | None = None
    marked: bool = False
    """Each point of a line has a marker."""

    def place(self, axis: AxisKind) -> tuple[float, ...]:
        """Return `x` on an axis."""
        if self.ruler is None or axis == "step":
            return self.x
        return tuple(self.ruler.at(axis, step) for step in self.x)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the run at a step."""

    step: float
    text: str
    ruler: Rulers

    def place(self, axis: AxisKind) -> float:
        """Return where it is on an axis."""
        return self.ruler.at(axis, self.step)


@dataclass(frozen=True, slots=True)
class LinePanel:
    """One chart."""

    title: str
    x_label: str
    y_label: str
    traces: tuple[Trace, ...]
    axis: AxisKind | None = None
    """What `x` is where it may be changed; None: what the label says."""
    log: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    diagonal: bool = False
    """A line from corner to corner: what chance, or a perfect model, would give."""
    square: bool = False
    note: str = ""
    events: tuple[Event, ...] = ()
    """Of a chart with an `axis`."""


@dataclass(frozen=True, slots=True)
class MatrixPanel:
    """A table of counts, row by row true classes, columns predicted ones."""

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One sample with what is said of it."""

    caption: tuple[str, ...]
    """Lines."""
    wrong: bool
    image: Image | None = None
    values: tuple[float, ...] = ()
    text: str = ""
    """One of the three is what the sample is."""

    @property
    def words(self) -> str:
        """The sample as it is read: a text, or a few numbers; empty: it is seen."""
        if self.values and len(self.values) <= _FEW_VALUES:
            return " ".join(metric_value(value) for value in self.values)
        return self.text


@dataclass(frozen=True, slots=True)
class PicturePanel:
    """Samples in rows."""

    title: str
    pictures: tuple[Picture, ...]
    note: str = ""


Panel = LinePanel | MatrixPanel | PicturePanel


@dataclass(frozen=True, slots=True)
class Figure:
    """What goes into one file."""

    title: str
    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, int], ...] = field(default=())
    """What the styles of all charts are, (label, style); empty: each chart has its own legend."""
    notes: tuple[str, ...] = ()


def finite(values: tuple[float, ...]) -> Iterator[float]:
    """Yield the values that are finite."""
    return (value for value in values if math.isfinite(value))
