"""Memory over time as a chart: which readings of a device are drawn, its marks, its peak.

From reduced readings to values; knows nothing of how they are read or drawn.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tuitrain.lang import term, tr
from tuitrain.runs.rows import AlertRow, BatchMark, CheckpointRow, MarkRow
from tuitrain.runs.series import Series
from tuitrain.units import size, size_unit
from tuitrain.view.chart.figure import Chart, Line, Mark, MarkKind, line_from_series

_GAP_COLUMNS, _GAP_S = 4, 30.0
"""Readings come every second: without one for so long, nothing was read and nothing is drawn."""
_RUN_MARKS: Mapping[str, MarkKind] = {
    "pause": "pause", "continue": "continue", "resume": "resume", "batch": "batch",
}  # fmt: skip
LEGEND = term("e evaluation  c checkpoint  b batch size  ! out of memory")


class Curve(NamedTuple):
    """A reading that is drawn."""

    label: str
    name: str
    slot: int
    peak_name: str = ""
    """The reading of the most since the one before: what was there between two readings."""


class Drawn(NamedTuple):
    """A curve with its readings, reduced to columns."""

    curve: Curve
    series: Series
    peaks: Series | None = None


class Peak(NamedTuple):
    """The most that a reading ever was."""

    label: str
    bytes: float
    time: float


@dataclass(frozen=True, slots=True)
class Story:
    """What happened in a run that can be seen in its memory."""

    evaluations: Sequence[float] = ()
    """When each was over."""
    checkpoints: Sequence[CheckpointRow] = ()
    marks: Sequence[MarkRow] = ()
    alerts: Sequence[AlertRow] = ()


def curves_of(prefix: str, training: str | None) -> tuple[Curve, ...]:
    """Return what is drawn of a device; the worker's own view only of the one it trains on."""
    if prefix == "host":
        return (
            Curve("used", "host/memory_used_bytes", 5),
            Curve("run", "host/worker_rss_bytes", 0),
            Curve("ranks", "host/ranks_rss_bytes", 1),
            Curve("loaders", "host/loaders_rss_bytes", 2),
        )
    used = Curve("used", f"{prefix}/memory_used_bytes", 5)
    if prefix != training:
        return (
            used,
            Curve("run", f"{prefix}/worker_bytes", 0),
            Curve("others", f"{prefix}/others_bytes", 3),
        )
    return (
        Curve("tensors", "torch/allocated_bytes", 0, "torch/peak_allocated_bytes"),
        Curve(term("reserved"), "torch/reserved_bytes", 1),
        used,
        Curve(term("run's RSS"), "host/worker_rss_bytes", 2),
    )


def peak_curves(prefix: str, training: str | None) -> tuple[Curve, ...]:
    """Return the readings whose peak is named, the best first: the allocator sees every peak."""
    if prefix == "host":
        return (Curve("run", "host/worker_rss_bytes", 0),)
    used = Curve("used", f"{prefix}/memory_used_bytes", 5)
    if prefix != training:
        return (used,)
    return (
        Curve("tensors", "torch/peak_allocated_bytes", 0),
        Curve("tensors", "torch/allocated_bytes", 0),
        used,
    )


def memory_chart(
    drawn: Sequence[Drawn], window: tuple[float, float], begun: float, story: Story
) -> tuple[Chart, str]:
    """Return the chart, its horizontal axis from the run's begin, and the unit of its values.

    Args:
        drawn: the curves, each column with its maximum.
        window: the part seen, in seconds since the epoch.
        begun: when the run did, in seconds since the epoch.
        story: what is marked.
    """
    lines = [_line(each, begun) for each in drawn if each.series.columns]
    most = max((high for line in lines for high in line.high if math.isfinite(high)), default=0.0)
    factor, unit = size_unit(most)
    first, last = window[0] - begun, window[1] - begun
    chart = Chart(
        title="",
        lines=tuple(_scaled(line, factor) for line in lines),
        x_range=(first, max(last, first + 1)),
        marks=tuple(_marks(story, window, begun)),
        y_range=(0.0, most / factor * 1.05 or 1.0),
        axis="time",
    )
    return chart, unit


def peak_words(peak: Peak | None) -> str:
    """Say the most that was ever used, and when."""
    if peak is None:
        return ""
    at = time.strftime("%H:%M:%S", time.localtime(peak.time))
    return tr("peak {label} {bytes} at {at}", label=tr(peak.label), bytes=size(peak.bytes), at=at)


def _line(drawn: Drawn, begun: float) -> Line:
    curve, series = drawn.curve, drawn.series
    middles = tuple((c.first_step + c.last_step) / 2 - begun for c in series.columns)
    line = line_from_series(series, label=tr(curve.label), slot=curve.slot, x=middles)
    if drawn.peaks is not None:
        tops = {column.index: column.maximum for column in drawn.peaks.columns}
        highs = zip((tops.get(c.index, c.maximum) for c in series.columns), line.high, strict=True)
        line = replace(line, high=tuple(top if top > high else high for top, high in highs))
    column_s = (series.last_step - series.first_step + 1) / max(1, series.width)
    return _with_gaps(line, max(_GAP_S, _GAP_COLUMNS * column_s))


def _with_gaps(line: Line, longest_s: float) -> Line:
    """Return a line that is broken where nothing was read for long: the run was not there."""
    places = [
        place for place in range(1, len(line.x)) if line.x[place] - line.x[place - 1] > longest_s
    ]
    for place in reversed(places):
        middle = (line.x[place - 1] + line.x[place]) / 2
        line = replace(
            line,
            x=_inserted(line.x, place, middle),
            low=_inserted(line.low, place, math.nan),
            high=_inserted(line.high, place, math.nan),
            mean=_inserted(line.mean, place, math.nan),
            count=(*line.count[:place], 0, *line.count[place:]),
            nonfinite=(*line.nonfinite[:place], 0, *line.nonfinite[place:]),
        )
    return line


def _inserted(values: tuple[float, ...], place: int, value: float) -> tuple[float, ...]:
    return (*values[:place], value, *values[place:])


def _scaled(line: Line, factor: float) -> Line:
    low, high, mean = (
        tuple(value / factor for value in values) for values in (line.low, line.high, line.mean)
    )
    return replace(line, low=low, high=high, mean=mean)


def _marks(story: Story, window: tuple[float, float], begun: float) -> list[Mark]:
    found: list[tuple[float, MarkKind, str]] = [(at, "evaluation", "") for at in story.evaluations]
    found += [(row.time, "checkpoint", "") for row in story.checkpoints]
    for mark in story.marks:
        kind = _RUN_MARKS.get(mark.kind)
        if kind is not None:
            found.append((mark.time, kind, _mark_text(mark)))
    found += [(row.time, "alert", "oom") for row in story.alerts if row.kind == "oom"]
    return [
        Mark(at - begun, kind, said) for at, kind, said in found if window[0] <= at <= window[1]
    ]


def _mark_text(mark: MarkRow) -> str:
    if isinstance(mark.data, BatchMark):
        return tr("batch {size}", size=mark.data.new)
    return tr(mark.kind)
