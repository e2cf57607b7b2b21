"""A chart as text of a file: SVG to look at, CSV to calculate with.

Pure functions of a chart; knows nothing of where a file lies.
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from html import escape

from tuitrain.view.chart.annotate import MARK_SYMBOLS
from tuitrain.view.chart.chart import drawn_lines
from tuitrain.view.chart.figure import Chart, Line, Size
from tuitrain.view.chart.layout import plan_layout
from tuitrain.view.chart.ticks import Tick, axis_ticks, log_ticks, value_ticks
from tuitrain.view.format import sanitise
from tuitrain.view.palette import SLOTS

_WIDTH, _HEIGHT = 960, 540
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 64, 40
_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a07800", "#3a8fc4", "#5b4ea3", "#6b6b6b",
)  # fmt: skip
"""By slot; after Okabe and Ito, those that are faint on white made darker."""
_FEW_POINTS = 60
"""Up to so many, each is a dot."""
_LETTER = 7.5

Point = tuple[float, float]


def chart_csv(chart: Chart) -> str:
    """Return a row for each column of each curve, in the units of the chart's axes.

    `smoothed` is empty where a curve is drawn as it was measured.
    """
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(
        [
            "series",
            chart.across or chart.axis,
            "count",
            "nonfinite",
            "minimum",
            "maximum",
            "mean",
            "smoothed",
        ]
    )
    raw = {(line.label, line.slot): line for line in chart.lines if line.faint}
    for line in chart.lines:
        if not line.faint:
            rows.writerows(_rows(line, raw.get((line.label, line.slot))))
    return file.getvalue()


def _rows(line: Line, raw: Line | None) -> Iterator[list[object]]:
    measured = raw or line
    for place, x in enumerate(measured.x):
        yield [
            sanitise(line.label),
            x,
            measured.count[place] if measured.count else 1,
            measured.nonfinite[place] if measured.nonfinite else 0,
            measured.low[place],
            measured.high[place],
            measured.mean[place],
            line.mean[place] if raw is not None and place < len(line.mean) else "",
        ]


def chart_svg(chart: Chart, title: str) -> str:
    """Return a picture of a chart: bands, curves, marks of events, axes and a legend.

    Args:
        chart: as it is on the screen, with its window, scale and limits.
        title: what stands above it.
    """
    lines = drawn_lines(chart)
    area = plan_layout(chart, lines, Size(120, 30)).area
    sheet = _Sheet(area.x_range, area.y_range)
    most = 7
    up = log_ticks(*area.y_range, most) if chart.log else value_ticks(*area.y_range, most)
    parts = [
        *_head(title),
        *sheet.axes(axis_ticks(chart.axis, *area.x_range, 100), up),
        '<g clip-path="url(#canvas)">',
        *(part for line in lines for part in sheet.band(line)),
        *(part for line in reversed(lines) for part in sheet.curve(line)),
        *(part for mark in chart.marks for part in sheet.mark(mark.x, mark.kind, mark.text)),
        "</g>",
        *_legend([line for line in lines if not line.faint]),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _head(title: str) -> list[str]:
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<clipPath id="canvas"><rect x="{_LEFT}" y="{_TOP}" width="{width}" '
        f'height="{height}"/></clipPath>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="16" font-weight="bold">{_text(title)}</text>',
    ]


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    x = float(_LEFT)
    for line in lines:
        colour = _colour(line)
        yield f'<rect x="{x:.0f}" y="40" width="18" height="4" fill="{colour}"/>'
        yield f'<text x="{x + 24:.0f}" y="47">{_text(line.label)}</text>'
        x += 24 + _LETTER * len(line.label) + 20


class _Sheet:
    """Where numbers lie on the picture."""

    def __init__(self, x_range: Point, y_range: Point) -> None:
        self._x, self._y = x_range, y_range

    def axes(self, across: Sequence[Tick], up: Sequence[Tick]) -> Iterator[str]:
        """Yield lines through the ticks, and their labels."""
        right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        for tick in up:
            y = bottom - tick.share * (bottom - _TOP)
            if _TOP - 1 <= y <= bottom + 1:
                yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>'
                yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick.label}</text>'
        for tick in across:
            x = _LEFT + tick.share * (right - _LEFT)
            yield f'<path d="M{x:.1f} {bottom}v5" stroke="#888"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{tick.label}</text>'
        yield f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#888"/>'

    def band(self, line: Line) -> Iterator[str]:
        """Yield the reach of each column, pale; of a raw curve its mean as well."""
        colour = _colour(line)
        if line.low != line.high:
            for run in _unbroken(line, line.low, line.high):
                highs = [self._place(x, high) for x, _low, high in run]
                lows = [self._place(x, low) for x, low, _high in reversed(run)]
                points = " ".join([*highs, *lows])
                yield f'<polygon points="{points}" fill="{colour}" fill-opacity="0.2"/>'
        if line.faint:
            yield from self._paths(line, f'stroke="{colour}" stroke-opacity="0.3"')

    def curve(self, line: Line) -> Iterator[str]:
        """Yield the mean, and dots where there are few points."""
        if line.faint:
            return
        colour = _colour(line)
        yield from self._paths(line, f'stroke="{colour}" stroke-width="2"')
        if len(line.x) <= _FEW_POINTS:
            for run in _unbroken(line, line.mean, line.mean):
                for x, mean, _ in run:
                    across, up = self._place(x, mean).split(",")
                    yield f'<circle cx="{across}" cy="{up}" r="3" fill="{colour}"/>'

    def _paths(self, line: Line, style: str) -> Iterator[str]:
        for run in _unbroken(line, line.mean, line.mean):
            points = " ".join(self._place(x, mean) for x, mean, _ in run)
            yield f'<polyline points="{points}" fill="none" {style}/>'

    def mark(self, x: float, kind: str, text: str) -> Iterator[str]:
        """Yield a line where something happened, and what."""
        if not self._x[0] <= x <= self._x[1]:
            return
        across = self._across(x)
        yield f'<path d="M{across:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#999" '
        yield 'stroke-dasharray="2 4"/>'
        words = _text(text or MARK_SYMBOLS.get(kind, ""))
        yield f'<text x="{across + 3:.1f}" y="{_TOP + 12}" font-size="11">{words}</text>'

    def _place(self, x: float, y: float) -> str:
        bottom, top = self._y
        # What lies far beyond an edge is cut there: no reader of SVG takes any number.
        share = min(max((y - bottom) / (top - bottom), -2.0), 3.0)
        up = _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)
        return f"{self._across(x):.1f},{up:.1f}"

    def _across(self, x: float) -> float:
        first, last = self._x
        share = min(max((x - first) / (last - first), -2.0), 3.0)
        return _LEFT + share * (_WIDTH - _RIGHT - _LEFT)


def _unbroken(
    line: Line, low: Sequence[float], high: Sequence[float]
) -> list[list[tuple[float, float, float]]]:
    """Return the runs of columns without a gap."""
    runs: list[list[tuple[float, float, float]]] = [[]]
    for point in zip(line.x, low, high, strict=True):
        if all(map(math.isfinite, point)):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _colour(line: Line) -> str:
    return _COLOURS[line.slot % SLOTS]


def _text(text: str) -> str:
    return escape(sanitise(text))
