"""The charts of a workspace: a metric each, with a curve for each entry that is seen.

From what is shown and how to charts and to the values at the cursor; knows no widget.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tuitrain.lang import tr
from tuitrain.ui.charting import (
    ChartSettings,
    Choices,
    along_of,
    cursor_at,
    marks_of,
    value_span,
    x_range,
)
from tuitrain.ui.screens.workspace.shown import ShownRuns
from tuitrain.view.chart.chart import Reading, values_at
from tuitrain.view.chart.figure import Chart, Line
from tuitrain.view.chart.readout import place_text
from tuitrain.view.chart.scale import Ruler
from tuitrain.view.format import metric_value
from tuitrain.view.workspace.entries import Entry
from tuitrain.view.workspace.lines import Band, Measured, band_line, run_lines

_FEW = 4
"""Of more curves than these each is but a line."""


@dataclass(frozen=True, slots=True)
class _Made:
    """Lines, and all that they were made from."""

    group: tuple[Measured, ...]
    asked: tuple[object, ...]
    lines: list[Line]

    def is_of(self, group: Sequence[Measured], asked: tuple[object, ...]) -> bool:
        """Return whether they would come out the same; series are compared by who they are."""
        return (
            self.asked == asked
            and len(self.group) == len(group)
            and all(a.series is b.series for a, b in zip(self.group, group, strict=True))
            and all(a.along == b.along for a, b in zip(self.group, group, strict=True))
        )


class MadeLines:
    """The lines of all charts, made again only where what they show is another."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], _Made] = {}

    def lines(
        self,
        key: tuple[str, str],
        group: Sequence[Measured],
        asked: tuple[object, ...],
        make: Callable[[], list[Line]],
    ) -> list[Line]:
        """Return lines that were made before, or make them.

        Args:
            key: an entry's, and the metric.
            group: what the lines show.
            asked: all else that they depend on.
            make: makes them.
        """
        known = self._made.get(key)
        if known is None or not known.is_of(group, asked):
            known = self._made[key] = _Made(tuple(group), asked, make())
        return known.lines


def chart_of(
    shown: ShownRuns, made: MadeLines, metric: str, choices: Choices, *, with_words: bool
) -> Chart:
    """Return the chart of one metric.

    Args:
        shown: the runs.
        made: lines that may still be right.
        metric: of them.
        choices: how charts are to be seen.
        with_words: let marks of the run on top say what they are.
    """
    settings, leader = choices.settings_of(metric), shown.leader
    along = along_of(leader, choices.axis, settings.across)
    window = choices.window or shown.runs.reach.whole
    marks = marks_of(leader, along, window) if shown.top else ()
    lines = _lines(shown, made, metric, choices, settings)
    return Chart(
        title="",
        lines=tuple(lines),
        x_range=_x_range(shown, choices, settings, lines, choices.spans.get(metric)),
        marks=tuple(mark if with_words else replace(mark, text="") for mark in marks),
        axis=along.kind,
        across=settings.across if along.kind == "value" else "",
        log=settings.log,
        cursor=cursor_at(along, choices.cursor),
        cursor_step=choices.cursor,
        y_range=settings.limits if isinstance(settings.limits, tuple) else None,
        clip=settings.limits == "automatic",
    )


def _lines(
    shown: ShownRuns, made: MadeLines, metric: str, choices: Choices, settings: ChartSettings
) -> list[Line]:
    entries, band, lines = shown.visible, shown.band, []
    for entry in entries:
        slim = len(entries) > _FEW or shown.is_dim(entry)
        group = _group(shown, entry, metric, choices, settings)
        asked = (entry, settings.smoothing, band, slim)
        make = partial(_entry_lines, group, entry, settings.smoothing, band, slim=slim)
        own = made.lines((entry.key, metric), group, asked, make) if group else []
        lines += [replace(line, faint=True) for line in own] if shown.is_dim(entry) else own
    return lines


def _group(
    shown: ShownRuns, entry: Entry, metric: str, choices: Choices, settings: ChartSettings
) -> list[Measured]:
    return [
        Measured(series, _along(shown, run_id, choices, settings))
        for run_id in entry.members
        if (series := shown.runs.snapshot(run_id).series.get(metric)) is not None and series.columns
    ]


def _entry_lines(
    group: Sequence[Measured], entry: Entry, smoothing: float | None, band: Band, *, slim: bool
) -> list[Line]:
    if len(entry.members) > 1:
        return band_line(group, entry.label, entry.slot, smoothing, band)
    return run_lines(group[0], entry.label, entry.slot, smoothing, slim=slim)


def _along(shown: ShownRuns, run_id: str, choices: Choices, settings: ChartSettings) -> Ruler:
    return along_of(shown.runs.snapshot(run_id), choices.axis, settings.across)


def _x_range(
    shown: ShownRuns,
    choices: Choices,
    settings: ChartSettings,
    lines: Sequence[Line],
    span: tuple[float, float] | None,
) -> tuple[float, float]:
    """Return what the axis spans: of other axes than steps each run has its own."""
    window = choices.window or shown.runs.reach.whole
    runs = [run_id for entry in shown.visible for run_id in entry.members]
    along = [_along(shown, run_id, choices, settings) for run_id in runs]
    if along and along[0].kind == "value":
        return span or value_span(lines)
    if along and along[0].kind in ("step", "power"):
        return x_range(along[0], window)
    ranges = [x_range(each, window) for each in along]
    known = [ends for ends in ranges if all(map(math.isfinite, ends))]
    if not known:
        return 0.0, 1.0
    return min(first for first, _ in known), max(last for _, last in known)


def values_words(shown: ShownRuns, chart: Chart) -> tuple[str, dict[str, str]]:
    """Return where on a chart values are read, and the value of each entry by its key.

    At the cursor where there is one, else the newest; of seeds the band as well.
    """
    at = math.inf if chart.cursor is None else chart.cursor
    where = (
        tr("last") if chart.cursor is None else tr("at {place}", place=place_text(chart.axis, at))
    )
    values: dict[str, str] = {}
    for entry in shown.visible:
        own = [replace(line, faint=False) if shown.is_dim(entry) else line
               for line in chart.lines if line.label == entry.label]  # fmt: skip
        found = values_at(replace(chart, lines=tuple(own)), min(at, chart.x_range[1]))
        if found:
            values[entry.key] = _value_words(found[0], own, shown, entry)
    return where, values


def _value_words(reading: Reading, lines: Sequence[Line], shown: ShownRuns, entry: Entry) -> str:
    value = metric_value(reading.value)
    if len(entry.members) > 1:
        line = lines[0]
        place = line.x.index(reading.x)
        low, high = line.low[place], line.high[place]
        if shown.band == "std":
            return f"{value} +-{metric_value(high - reading.value)}"
        return f"{value} ({metric_value(low)}..{metric_value(high)})"
    if reading.raw is None:
        return value
    return tr("{raw} smooth {smooth}", raw=metric_value(reading.raw), smooth=value)
