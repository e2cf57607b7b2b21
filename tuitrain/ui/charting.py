"""Charts of a run, seen as was chosen: lines, marks, cursor, and words beside them.

From a snapshot and choices to charts, as values; knows nothing of widgets.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tuitrain.alerts.catalogue import OFF_THE_CURVE
from tuitrain.lang import said, tr
from tuitrain.runs.rows import BatchMark, MarkRow, SettingMark
from tuitrain.ui.curve_choices import AS_AT_FIRST, AXES, ChartSettings, Choices
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.units import duration
from tuitrain.view.chart.figure import AxisKind, Chart, Line, Mark, line_from_series
from tuitrain.view.chart.labels import series_labels
from tuitrain.view.chart.scale import Reach, Ruler, Window, ruler, value_ruler
from tuitrain.view.chart.smooth import smooth_line
from tuitrain.view.compare import unique_labels
from tuitrain.view.format import metric_value, sanitise
from tuitrain.view.palette import assign_slots
from tuitrain.view.spans import Span, SpanLine

_COLUMNS_A_CELL = 2
"""A braille cell is two dots wide."""


def reach_of(snapshot: RunSnapshot) -> Reach:
    """Return where the steps of a run lie."""
    newest = snapshot.summary.step if snapshot.summary is not None else 0
    return Reach(snapshot.first_step, snapshot.end_step, newest)


def whole_window(snapshot: RunSnapshot) -> Window:
    """Return all the steps of a run."""
    return reach_of(snapshot).whole


def request_for(choices: Choices, cells: int) -> Request:
    """Return what to read for charts of so many cells' width."""
    columns = max(8, cells * _COLUMNS_A_CELL)
    window, by_powers = choices.window, choices.axis == "power"
    times = choices.by_times or choices.cursor is not None
    if window is None:
        return Request(columns=columns, times=times, by_powers=by_powers)
    first, last = max(0, round(window.first)), round(window.last)
    return Request(
        None, first, max(first + 1, last), columns=columns, times=times, by_powers=by_powers
    )


def along_of(snapshot: RunSnapshot, axis: AxisKind, across: str = "") -> Ruler:
    """Return the horizontal axis of a run.

    Args:
        snapshot: the run.
        axis: of all charts.
        across: of one chart, as its settings have it.
    """
    own = next((kind for kind in AXES if kind == across), None)
    if across and own is None:
        return value_ruler(snapshot.series.get(across))
    axis = own or axis
    return ruler(axis, snapshot.step_times, snapshot.facts.environment.train_samples or 0)


def axes_of(snapshot: RunSnapshot) -> Sequence[AxisKind]:
    """Return the axes that a run can be shown on."""
    known = snapshot.facts.environment.train_samples
    return AXES if known else tuple(axis for axis in AXES if axis != "samples")


def is_read_for(snapshot: RunSnapshot, choices: Choices) -> bool:
    """Return whether a run was read with what its axes take."""
    return not choices.by_times or bool(snapshot.step_times)


@dataclass(frozen=True, slots=True)
class Overlay:
    """Another run drawn over this one."""

    label: str
    snapshot: RunSnapshot


def named_overlays(runs: Sequence[RunSnapshot]) -> list[Overlay]:
    """Return the runs that could be read, each called by what tells it from the others."""
    known = [run for run in runs if run.summary is not None]
    names = [run.summary.name for run in known if run.summary is not None]
    labels = unique_labels(names, [run.id for run in known])
    return [Overlay(label, run) for label, run in zip(labels, known, strict=True)]


def last_values(snapshot: RunSnapshot, metrics: Sequence[str]) -> SpanLine:
    """Return the last value of each metric, a star at one that is the best."""
    slots, labels = assign_slots(metrics), series_labels(tuple(metrics))
    spans = []
    for name in metrics:
        row = snapshot.metrics.get(name)
        if row is None:
            continue
        star = "*" if row.best == row.last and name.startswith("val/") else ""
        label = labels[name] if "/" in name or len(metrics) > 1 else ""
        words = f" {label} {metric_value(row.last)}{star}" if label else metric_value(row.last)
        spans.append(Span(words, f"line{slots[name]}"))
    return tuple(spans)


def empty_words(snapshot: RunSnapshot, choices: Choices) -> str:
    """Say why no chart is in sight."""
    state = snapshot.state
    if state is None:
        return "" if snapshot.error else tr("reading the run ...")
    if choices.pattern and snapshot.metric_names:
        return tr("no metric matches the filter: / changes it, and empty shows all")
    if snapshot.metric_names:
        return tr("all charts are hidden (H shows them)")
    reason = f": {said(state.reason)}" if state.reason else ""
    return f"{tr('no points yet')} - {tr(state.state)}{reason}"


def cursor_words(snapshot: RunSnapshot, choices: Choices, cells: int) -> str:
    """Say where the cursor is, in steps, epochs and time, and what happened there.

    Args:
        snapshot: the run.
        choices: with a cursor.
        cells: of a chart's width; what happened within one column of the cursor is told.
    """
    step = choices.cursor
    if step is None:
        return ""
    parts = [tr("step {step:,.0f}", step=step)]
    if snapshot.step_times:
        epoch, spent = (ruler(kind, snapshot.step_times).at(step) for kind in ("epoch", "time"))
        parts += [f"{tr('epoch')} {epoch:.2f}", tr("{time} of training", time=duration(spent))]
    window = choices.window or whole_window(snapshot)
    near = max(0.5, window.span / max(1, cells) / 2)
    marks = marks_of(snapshot, ruler("step", ()), window)
    parts += [_told(mark) for mark in marks if abs(mark.x - step) <= near]
    return "  ".join(dict.fromkeys(parts))


def _told(mark: Mark) -> str:
    kind = tr(mark.kind)
    return kind if mark.text in ("", kind) else f"{kind} {mark.text}"


def build_chart(
    snapshot: RunSnapshot,
    overlays: Sequence[Overlay],
    metrics: Sequence[str],
    choices: Choices,
    settings: ChartSettings = AS_AT_FIRST,
    *,
    with_words: bool = True,
    span: tuple[float, float] | None = None,
) -> Chart:
    """Return the chart of one group of metrics.

    Args:
        snapshot: the run.
        overlays: runs drawn over it.
        metrics: of the group.
        choices: how all charts are to be seen.
        settings: how this one is.
        with_words: let marks say what they are where there is room; of charts beside each other
            one does, and all show the symbols.
        span: the part seen of an axis of values; None: all of it.
    """
    along = along_of(snapshot, choices.axis, settings.across)
    window = choices.window or whole_window(snapshot)
    slots = assign_slots([*metrics, *(f"{o.label} {name}" for o in overlays for name in metrics)])
    weight = settings.smoothing
    lines = _lines(snapshot, metrics, slots, weight, along, "")
    for overlay in overlays:
        other = along_of(overlay.snapshot, choices.axis, settings.across)
        lines += _lines(overlay.snapshot, metrics, slots, weight, other, f"{overlay.label} ")
    return Chart(
        title="",
        lines=tuple(lines),
        x_range=(span or value_span(lines)) if along.kind == "value" else x_range(along, window),
        marks=tuple(
            mark if with_words else replace(mark, text="")
            for mark in marks_of(snapshot, along, window)
        ),
        axis=along.kind,
        across=settings.across if along.kind == "value" else "",
        log=settings.log,
        cursor=cursor_at(along, choices.cursor),
        cursor_step=choices.cursor,
        y_range=settings.limits if isinstance(settings.limits, tuple) else None,
        clip=settings.limits == "automatic",
    )


def cursor_at(along: Ruler, step: float | None) -> float | None:
    """Return where a cursor stands on an axis; None without one, or where that is not known."""
    at = math.nan if step is None else along.at(step)
    return at if math.isfinite(at) else None


def value_span(lines: Sequence[Line]) -> tuple[float, float]:
    """Return what an axis of values spans: all that there are."""
    known = [x for line in lines for x in line.x if math.isfinite(x)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return (
        (low, high) if high > low else (low - abs(low) / 10 - 1e-12, high + abs(low) / 10 + 1e-12)
    )


def x_range(along: Ruler, window: Window) -> tuple[float, float]:
    """Return where a window begins and ends on an axis."""
    first, last = along.at(window.first), along.at(window.last)
    known = along.steps[-1] if along.steps else window.last
    if 0 < known < window.last:
        # Where the steps to come will lie, if they go on as those before them.
        last *= window.last / known
    return (first, last) if last > first else (first, first + 1)


def _lines(
    snapshot: RunSnapshot,
    metrics: Sequence[str],
    slots: Mapping[str, int],
    smoothing: float | None,
    along: Ruler,
    prefix: str,
) -> list[Line]:
    lines: list[Line] = []
    labels = series_labels(tuple(metrics))
    for name in metrics:
        series = snapshot.series.get(name)
        if series is None or not series.columns:
            continue
        label = f"{prefix}{labels[name]}"
        line = line_from_series(series, label=label, slot=slots[f"{prefix}{name}"])
        lines += (along.place(part) for part in smooth_line(line, smoothing))
    return lines


def marks_of(snapshot: RunSnapshot, along: Ruler, window: Window) -> list[Mark]:
    """Return what happened to a run within a window, in its place on the axis.

    On an axis of values nothing is: a value is not passed once.
    """
    if along.kind == "value":
        return []
    found: list[tuple[int, Mark]] = []
    for row in snapshot.marks:
        if row.kind in ("setting", "batch", "pause", "continue", "resume"):
            found.append((row.step, Mark(along.at(row.step), row.kind, _mark_text(row))))  # type: ignore[arg-type]
    best = [row for row in snapshot.marks if row.kind == "best"][-1:]
    found += [(row.step, Mark(along.at(row.step), "best", tr("best"))) for row in best]
    for checkpoint in snapshot.checkpoints:
        own = ", ".join(name for name in checkpoint.names if name not in ("last", "best"))
        mark = Mark(along.at(checkpoint.step), "checkpoint", sanitise(own))
        found.append((checkpoint.step, mark))
    for alert in snapshot.alerts:
        if alert.kind in OFF_THE_CURVE:
            continue
        if alert.step:
            found.append((alert.step, Mark(along.at(alert.step), "alert", sanitise(alert.kind))))
    return [mark for step, mark in found if window.first <= step <= window.last]


def _mark_text(row: MarkRow) -> str:
    match row.data:
        case SettingMark(new=None):
            return sanitise(row.text.rpartition(".")[2])
        case SettingMark(key=key, new=float(new)):
            return sanitise(f"{key.rpartition('.')[2]} {metric_value(new)}")
        case BatchMark(new=size):
            return tr("batch {size}", size=size)
    return tr(row.kind)
