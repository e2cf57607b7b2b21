"""What the curves of a chart say at its cursor, as text beside or above them.

Pure functions of a chart; knows nothing of keys or of a screen.
"""

from collections.abc import Sequence

from tuitrain.lang import tr
from tuitrain.units import duration
from tuitrain.view.chart.chart import Reading, values_at
from tuitrain.view.chart.figure import AxisKind, Chart
from tuitrain.view.chart.ticks import short_number
from tuitrain.view.format import metric_value
from tuitrain.view.spans import Span, SpanLine, line_width

_LEFT_OUT = Span(" ...", "quiet")


def readings(chart: Chart, width: int) -> list[Span]:
    """Return a span for each curve's value at the cursor; none where there is no cursor.

    A value from further away than a column of the chart, as that of a curve of few points, says
    from where it is.

    Args:
        chart: with a cursor or without.
        width: of the chart, in cells.
    """
    if chart.cursor is None:
        return []
    near = abs(chart.x_range[1] - chart.x_range[0]) / max(1, width)
    return [
        Span(f" {_words(each, chart.axis, chart.cursor, near)}", f"line{each.slot}")
        for each in values_at(chart, chart.cursor)
    ]


def _words(reading: Reading, axis: AxisKind, cursor: float, near: float) -> str:
    value = metric_value(reading.value)
    if reading.raw is not None:
        value = tr("raw {raw} smooth {smooth}", raw=metric_value(reading.raw), smooth=value)
    from_afar = abs(reading.x - cursor) > near
    where = tr(" (at {place})", place=place_text(axis, reading.x)) if from_afar else ""
    return f"{reading.label} {value}{where}"


def place_text(axis: AxisKind, x: float) -> str:
    """Return a place on a horizontal axis as people read it."""
    if axis == "time":
        return duration(x)
    if axis == "power":
        return short_number(10**x)
    if axis == "value":
        return metric_value(x)
    return f"{x:.2f}" if axis == "epoch" else f"{x:,.0f}"


def pack(spans: Sequence[Span], width: int, most: int) -> list[SpanLine]:
    """Put spans on as many lines as they take, at most so many; dots say that some are left out."""
    lines: list[list[Span]] = [[]]
    for span in spans:
        last = len(lines) == most
        room = width - (line_width((_LEFT_OUT,)) if last else 0)
        if lines[-1] and line_width((*lines[-1], span)) > room:
            if last:
                lines[-1].append(_LEFT_OUT)
                break
            lines.append([])
        lines[-1].append(span)
    return [tuple(line) for line in lines]
