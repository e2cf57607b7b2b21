"""The curve of a run among many, and of runs that differ in their seed alone: mean and band.

From reduced series to lines; knows nothing of records or of screens.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tuitrain.analysis.seeds import Spread, spread_of
from tuitrain.lang import term
from tuitrain.runs.series import Series
from tuitrain.view.chart.figure import Line, line_from_series
from tuitrain.view.chart.scale import Ruler
from tuitrain.view.chart.smooth import smooth_line
from tuitrain.view.chart.spikes import spike_places

Band = Literal["", "range", "std"]
"""What stands for seeds: each run alone, or their mean with its reach or deviation."""
BAND_WORDS = {
    "": term("each run"),
    "range": term("mean, min..max of seeds"),
    "std": term("mean, std of seeds"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of one run, and where its steps lie on the axis."""

    series: Series
    along: Ruler


def run_lines(
    measured: Measured, label: str, slot: int, smoothing: float | None, *, slim: bool
) -> list[Line]:
    """Return the curve of a run; what was smoothed lies behind it.

    Args:
        measured: the metric.
        label: the run's.
        slot: its colour and marker.
        smoothing: as the chart asks for; None: as its noise does.
        slim: leave out all but the curve and values far from it, as among many.
    """
    line = measured.along.place(line_from_series(measured.series, label=label, slot=slot))
    parts = smooth_line(line, smoothing)
    return [_slim(parts[-1])] if slim else list(parts)


def _slim(line: Line) -> Line:
    """Return a line without its band, except where that reaches far."""
    spikes = spike_places(line.low, line.high, line.mean)
    low, high = list(line.mean), list(line.mean)
    for place in spikes:
        low[place], high[place] = line.low[place], line.high[place]
    return replace(line, low=tuple(low), high=tuple(high))


def band_line(
    group: Sequence[Measured], label: str, slot: int, smoothing: float | None, band: Band
) -> list[Line]:
    """Return the mean of several runs with the band of their spread; nothing without points.

    Runs are taken together column by column: of a column that only some reached, only those count.

    Args:
        group: the metric of each run, reduced to columns of the same steps; others are left out.
        label: the group's.
        slot: its colour and marker.
        smoothing: of each run before they are taken together.
        band: `range` or `std`.
    """
    grid = _grid(group[0].series) if group else None
    columns: dict[int, list[tuple[float, float]]] = {}
    for measured in group:
        if _grid(measured.series) != grid:
            continue
        (line,) = run_lines(measured, label, slot, smoothing, slim=True)
        for column, x, mean in zip(measured.series.columns, line.x, line.mean, strict=True):
            columns.setdefault(column.index, []).append((x, mean))
    points = [_point(columns[index], band) for index in sorted(columns)]
    if not points:
        return []
    at, lows, highs, means = (tuple(point[part] for point in points) for part in range(4))
    return [Line(label, at, lows, highs, means, slot)]


def _grid(series: Series) -> tuple[int, int, int]:
    return series.first_step, series.last_step, series.width


def _point(places: Sequence[tuple[float, float]], band: Band) -> tuple[float, float, float, float]:
    x = sum(place for place, _ in places) / len(places)
    spread = spread_of([mean for _, mean in places])
    if spread is None:
        return x, math.nan, math.nan, math.nan
    low, high = limits_of(spread, band)
    return x, low, high, spread.mean


def limits_of(spread: Spread, band: Band) -> tuple[float, float]:
    """Return the ends of a band."""
    if band == "std":
        return spread.mean - spread.deviation, spread.mean + spread.deviation
    return spread.low, spread.high
