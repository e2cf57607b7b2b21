"""From the records of runs to charts of their metrics, at the cost of the width of a page.

Knows readers and settings; nothing of what draws a chart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import get_args

from tuitrain.analysis.compare import ComparedRun, differing_settings, flat_settings
from tuitrain.analysis.metric_groups import group_metrics
from tuitrain.errors import RecordError, UsageError
from tuitrain.plots.panels import STYLES, AxisKind, Event, Figure, LinePanel, Rulers, Trace
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import BatchMark, MarkRow, SettingMark
from tuitrain.runs.series import Column, Series
from tuitrain.view.chart.labels import series_labels
from tuitrain.view.chart.scale import Ruler, ruler, value_ruler
from tuitrain.view.chart.smooth import smooth, smoothing_for
from tuitrain.view.format import metric_value, sanitise, shorten

_COLUMNS = 1000
_LEAST_COLUMNS = 150
_ALL_COLUMNS = 120_000
"""Of a figure: a page with them takes about 5 MB, and opens at once."""
_RULER_POINTS = 200
_MOST_LABEL, _MOST_VALUE = 60, 24
_EVENTS, _MOST_EVENTS = ("setting", "batch", "pause", "resume"), 40
_AXES = ("step", "epoch", "time", "samples", "power")
"""Kinds of axis; all else is a metric."""
_MOST_CHARTS = 48
_TOGETHER = 7
"""Of more runs train and validation are charts of their own: colours do not suffice for both."""


@dataclass(frozen=True, slots=True)
class CurveChoices:
    """How curves are wanted."""

    metrics: tuple[str, ...] = ()
    """Full names, their last parts, or patterns as of files; empty: all."""
    axis: str = "step"
    """A kind of axis, or a metric."""
    log: bool = False
    smoothing: float | None = None
    """From 0 to below 1; None: as the noise of each curve asks for."""


def curve_figure(readers: Sequence[RunReader], choices: CurveChoices) -> Figure:
    """Return a figure of all chosen metrics of the runs.

    Raises:
        UsageError: a metric is none of theirs, or they have none at all.
        RecordError: a record can't be read.
    """
    names = _chosen_names(readers, choices.metrics)
    groups = group_metrics(names)
    if len(readers) > _TOGETHER:
        groups = [(name, (name,)) for _title, members in groups for name in members]
    groups, left_out = groups[:_MOST_CHARTS], groups[_MOST_CHARTS:]
    width = max(_LEAST_COLUMNS, min(_COLUMNS, _ALL_COLUMNS // (len(names) * len(readers))))
    _check_axis(readers, choices.axis)
    labels = run_labels(readers) if len(readers) > 1 else [""]
    runs = [
        _Run(reader, label, place, _rulers(reader))
        for place, (reader, label) in enumerate(zip(readers, labels, strict=True))
    ]
    events = _events(runs[0]) if len(runs) == 1 and _changeable(choices.axis) else ()
    panels = tuple(
        replace(_panel(title, members, runs, choices, width), events=events)
        for title, members in groups
    )
    legend = tuple((run.label, run.place % STYLES) for run in runs) if len(runs) > 1 else ()
    return Figure(_title(readers), panels, legend, _notes(panels, legend, left_out))


@dataclass(frozen=True, slots=True)
class _Run:
    reader: RunReader
    label: str
    """Empty: it is the only one."""
    place: int
    rulers: Rulers


def _title(readers: Sequence[RunReader]) -> str:
    if len(readers) > 1:
        return f"{len(readers)} runs"
    meta = readers[0].meta()
    return sanitise(f"{meta['name']}  ({meta['preset']})")


def _notes(
    panels: Sequence[LinePanel], legend: Sequence[object], left_out: Sequence[object]
) -> tuple[str, ...]:
    traces = [trace for panel in panels for trace in panel.traces]
    notes = []
    if any(trace.faint for trace in traces):
        notes.append("pale: as measured, strong: smoothed")
    if any(trace.low for trace in traces):
        notes.append("band: from the least to the largest value of the steps at one place")
    if legend and any(trace.thin for trace in traces):
        notes.append("thin: training, thick: validation")
    if any(trace.lost for trace in traces):
        notes.append("ticks at the lower edge: values that are NaN or infinite")
    if left_out:
        notes.append(f"{len(left_out):,} more charts are left out: name metrics with --metric")
    return tuple(notes)


# --- which metrics ------------------------------------------------------------------------------


def _chosen_names(readers: Sequence[RunReader], wanted: Sequence[str]) -> list[str]:
    known = list(dict.fromkeys(name for one in readers for name in one.curves.metric_names()))
    if not known:
        runs = ", ".join(reader.directory.id for reader in readers)
        raise UsageError(f"{runs}: no metric is on record yet, so there is no curve to plot")
    if not wanted:
        return known
    chosen = {name: [full for full in known if _is_called(full, name)] for name in wanted}
    for name, found in chosen.items():
        if not found:
            listed = ", ".join(map(sanitise, known))
            raise UsageError(
                f"--metric {sanitise(name)}: there is no such metric; it may be one of {listed}, a "
                "last part as loss, or a pattern as 'val/*'"
            )
    return [full for full in known if any(full in found for found in chosen.values())]


def _is_called(full: str, name: str) -> bool:
    return any(fnmatchcase(each, name) or each == name for each in (full, full.rpartition("/")[2]))


# --- what runs are called -----------------------------------------------------------------------


def run_labels(readers: Sequence[RunReader]) -> list[str]:
    """Return what tells runs apart: the settings that differ, else their names and ids."""
    names, settings = [str(reader.meta()["name"]) for reader in readers], []
    for reader in readers:
        try:
            settings.append(ComparedRun("", settings=flat_settings(reader.config())))
        except RecordError:
            settings.append(ComparedRun(""))
    told = _told_by_settings(settings)
    called = [
        name if names.count(name) == 1 else reader.directory.id
        for name, reader in zip(names, readers, strict=True)
    ]
    if not any(told) or max(map(len, told)) > _MOST_LABEL:
        return [sanitise(name) for name in called]
    return [
        sanitise(text if text and told.count(text) == 1 else f"{name} {text}".rstrip())
        for text, name in zip(told, called, strict=True)
    ]


def _told_by_settings(runs: Sequence[ComparedRun]) -> list[str]:
    differing = {
        key: values for key, values in differing_settings(runs).items() if key != "description"
    }
    lasts = [key.rpartition(".")[2] for key in differing]
    texts: list[list[str]] = [[] for _ in runs]
    for key, values in differing.items():
        last = key.rpartition(".")[2]
        shown = last if lasts.count(last) == 1 and last != "name" else key
        for parts, value in zip(texts, values, strict=True):
            if value is not None:
                parts.append(f"{shown}={shorten(value.strip(chr(34)), _MOST_VALUE)}")
    return [", ".join(parts) for parts in texts]


# --- traces -------------------------------------------------------------------------------------


def _rulers(reader: RunReader) -> Rulers:
    progress = reader.steps.progress()
    last = progress.step if progress else 0
    rows = reader.steps.step_times(0, last, _RULER_POINTS) if last else []
    # Of the steps before the first message only its end is known: they lie evenly before it.
    while len(rows) > 1 and replace(rows[0], step=rows[1].step) == rows[1]:
        del rows[0]
    return Rulers(ruler("epoch", rows), ruler("time", rows))


def _events(run: _Run) -> tuple[Event, ...]:
    """Return what a person did to a run, and where it was resumed."""
    rows = [row for row in run.reader.entries.marks() if row.kind in _EVENTS]
    return tuple(
        Event(row.step, sanitise(_event_text(row)), run.rulers) for row in rows[-_MOST_EVENTS:]
    )


def _event_text(row: MarkRow) -> str:
    match row.data:
        case SettingMark(key=key, new=float(new)):
            return f"{key.rpartition('.')[2]} {metric_value(new)}"
        case SettingMark():
            return row.text
        case BatchMark(new=size):
            return f"batch {size}"
    return row.kind


def _panel(
    title: str, metrics: tuple[str, ...], runs: Sequence[_Run], choices: CurveChoices, width: int
) -> LinePanel:
    labels = series_labels(metrics)
    traces: list[Trace] = []
    for run in runs:
        for place, name in enumerate(metrics):
            series = run.reader.curves.series(name, columns=width)
            label = f"{run.label} {labels[name]}".strip() if len(metrics) > 1 else run.label
            style = run.place if run.label else place
            thin = bool(run.label) and len(metrics) > 1 and name.startswith("train/")
            traces += _traces(series, label or labels[name], style % STYLES, thin, run, choices)
    return LinePanel(
        sanitise(title), _x_label(choices.axis), sanitise(metrics[0].rpartition("/")[2]),
        tuple(traces), axis=_changeable(choices.axis), log=choices.log,
    )  # fmt: skip


def _changeable(axis: str) -> AxisKind | None:
    """Return an axis that a reader of a page may change for another; None for others."""
    return next((kind for kind in get_args(AxisKind) if kind == axis), None)


def _x_label(axis: str) -> str:
    if axis == "power":
        return "step, as a power of ten"
    if axis in ("samples", *get_args(AxisKind)):
        return axis
    return f"{sanitise(axis)}, at the nearest step"


def _check_axis(readers: Sequence[RunReader], axis: str) -> None:
    """Refuse what lies along no curve.

    Raises:
        UsageError: it is no axis and no metric, or one that a run has not.
    """
    for reader in readers:
        names = reader.curves.metric_names()
        if axis == "samples" and not reader.facts().environment.train_samples:
            raise UsageError(f"--x samples: of {reader.directory.id} their number is not known")
        if axis not in (*_AXES, *names):
            listed = ", ".join([*_AXES, *map(sanitise, names)])
            raise UsageError(f"--x {sanitise(axis)}: it may be one of {listed}")


def _placed(run: _Run, x: tuple[float, ...], axis: str, width: int) -> tuple[float, ...]:
    """Return steps on an axis that is no reader's to change."""
    if _changeable(axis):
        return x
    if axis in ("samples", "power"):
        samples = run.reader.facts().environment.train_samples or 0
        epochs = run.rulers.epoch
        if axis == "samples":
            return tuple(epochs.at(step) * samples for step in x)
        return tuple(Ruler("power").at(step) for step in x)
    along = value_ruler(run.reader.curves.series(axis, columns=width))
    return tuple(along.at(step) for step in x)


def _traces(
    series: Series, label: str, style: int, thin: bool, run: _Run, choices: CurveChoices
) -> list[Trace]:
    columns = series.columns
    if not columns:
        return []
    steps = tuple((column.first_step + column.last_step) / 2 for column in columns)
    x = _placed(run, steps, choices.axis, series.width)
    rulers = run.rulers if _changeable(choices.axis) else None
    means = tuple(_mean(column) for column in columns)
    weight = choices.smoothing if choices.smoothing is not None else smoothing_for(means)
    # Along values that come back a band would cover itself.
    is_band = choices.axis in _AXES and any(column.count > 1 for column in columns)
    trace = Trace(
        label, style, x, means,
        low=tuple(column.minimum for column in columns) if is_band else (),
        high=tuple(column.maximum for column in columns) if is_band else (),
        lost=tuple(at for at, column in zip(x, columns, strict=True) if column.nonfinite),
        thin=thin, ruler=rulers, marked=len(columns) <= 2,
    )  # fmt: skip
    if not weight:
        return [trace]
    counts = tuple(column.count for column in columns)
    front = Trace(label, style, x, smooth(means, weight, counts), thin=thin, ruler=rulers)
    behind = Trace(
        "", style, x, means, trace.low, trace.high, trace.lost, faint=True, thin=thin,
        ruler=rulers,
    )  # fmt: skip
    return [behind, front]


def _mean(column: Column) -> float:
    # The sum of huge values overflows where their bounds do not.
    if math.isfinite(column.mean):
        return column.mean
    return column.minimum / 2 + column.maximum / 2
