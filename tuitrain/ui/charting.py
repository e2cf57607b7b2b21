"""What the run screen draws and how: groups of metrics, window, axis, scale, smoothing, cursor.

From a snapshot and these choices to charts, as values; knows nothing of widgets.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tuitrain.alerts.catalogue import OFF_THE_CURVE
from tuitrain.analysis.metric_groups import group_metrics as group_names
from tuitrain.errors import UsageError
from tuitrain.lang import said, term, tr
from tuitrain.runs.rows import BatchMark, MarkRow, SettingMark
from tuitrain.ui.feeds.snapshot import Request, RunSnapshot
from tuitrain.units import duration
from tuitrain.view.chart.figure import AxisKind, Chart, Line, Mark, line_from_series
from tuitrain.view.chart.labels import series_labels
from tuitrain.view.chart.scale import Reach, Ruler, Window, ruler, value_ruler
from tuitrain.view.chart.smooth import smooth_line
from tuitrain.view.chart.ticks import short_number
from tuitrain.view.compare import unique_labels
from tuitrain.view.format import metric_value, sanitise
from tuitrain.view.palette import assign_slots
from tuitrain.view.spans import Span, SpanLine

SMOOTHINGS = (None, 0.0, 0.6, 0.9, 0.97)
AXES: tuple[AxisKind, ...] = ("step", "epoch", "time", "samples", "power")
AXIS_WORDS = {"power": term("log step")}
"""Of axes that are not called as people would."""
_BY_TIMES = frozenset({"epoch", "time", "samples"})
"""Axes that take more than the steps themselves."""
Limits = Literal["automatic", "all"] | tuple[float, float]
"""Of the value axis: without few values far from the rest, with all of them, or as typed."""
_COLUMNS_A_CELL = 2
"""A braille cell is two dots wide."""


@dataclass(frozen=True, slots=True)
class ChartSettings:
    """How one chart is seen."""

    log: bool = False
    smoothing: float | None = None
    """None: as the noise of each curve asks for."""
    limits: Limits = "automatic"
    across: str = ""
    """What lies along its x axis, where that is another thing than along all: a metric, or a kind
    of axis."""
    pinned: bool = False
    """Before those that are not."""
    hidden: bool = False

    def next_smoothing(self) -> float | None:
        """Return none after automatic, then ever stronger smoothing, then automatic again."""
        place = SMOOTHINGS.index(self.smoothing) if self.smoothing in SMOOTHINGS else 0
        return SMOOTHINGS[(place + 1) % len(SMOOTHINGS)]

    @property
    def across_words(self) -> str:
        """Say what its x axis is, where that is its own."""
        if self.across in AXES:
            return tr("by {axis}", axis=tr(AXIS_WORDS.get(self.across, self.across)))
        named = sanitise(self.across)
        return tr("by {axis} at the nearest step", axis=named) if named else ""

    @property
    def smoothing_words(self) -> str:
        """Say how strongly curves are smoothed; nothing where that is left to their noise."""
        if self.smoothing is None:
            return ""
        return tr("smooth {by:g}", by=self.smoothing) if self.smoothing else tr("raw")

    @property
    def limits_words(self) -> str:
        """Say what the value axis spans where that is not automatic."""
        if isinstance(self.limits, tuple):
            return tr(" to ").join(map(short_number, self.limits))
        return tr("all values") if self.limits == "all" else ""

    def describe(self) -> str:
        """Say what is not as it is at first, for the title of a chart."""
        parts = [
            self.across_words, tr("log") if self.log else "", self.smoothing_words,
            self.limits_words, tr("pinned") if self.pinned else "",
        ]  # fmt: skip
        said = ", ".join(part for part in parts if part)
        return f" ({said})" if said else ""


_AS_AT_FIRST = ChartSettings()


def clean_settings(known: Mapping[str, object]) -> ChartSettings:
    """Return settings as a file has them; what is none of them, or of a wrong kind, is left out."""
    smoothing, limits, across = known.get("smoothing"), known.get("limits"), known.get("across")
    range_ = tuple(limits) if isinstance(limits, list) else ()
    numbers = all(type(end) in (int, float) and math.isfinite(end) for end in range_)
    fixed = len(range_) == 2 and numbers and range_[0] < range_[1]
    return ChartSettings(
        log=known.get("log") is True,
        smoothing=smoothing if smoothing in SMOOTHINGS else None,
        limits=range_ if fixed else "all" if limits == "all" else "automatic",
        across=across if isinstance(across, str) else "",
        pinned=known.get("pinned") is True,
        hidden=known.get("hidden") is True,
    )


def parse_across(text: str, names: Sequence[str], axes: Sequence[AxisKind]) -> str:
    """Return the metric or the kind of axis that is meant; empty: that of all charts.

    Args:
        text: a name, or the last part of one.
        names: of all metrics.
        axes: that the run can be shown on.

    Raises:
        UsageError: it is none of them.
    """
    wanted = text.strip()
    words = {AXIS_WORDS.get(kind, kind): kind for kind in axes}
    if not wanted or wanted in names or wanted in axes:
        return wanted
    if wanted in words:
        return words[wanted]
    meant = [name for name in names if name.rpartition("/")[2] == wanted]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(map(sanitise, [*words, *(meant or names)]))
    raise UsageError(f"{wanted!r}: it may be one of {listed}")


def parse_limits(text: str) -> tuple[float, float]:
    """Return the two numbers of a typed range.

    Raises:
        UsageError: they are not two finite numbers, the lower one first.
    """
    parts = text.replace(",", " ").split()
    try:
        low, high = map(float, parts)
    except ValueError:
        raise UsageError(f"{text!r}: two numbers are needed, as 0 2.5") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"{text!r}: the first number has to be below the second, both finite")
    return low, high


@dataclass(frozen=True, slots=True)
class Choices:
    """How the user wants to see curves."""

    window: Window | None = None
    """In steps; None: all of the run, growing with it."""
    axis: AxisKind = "step"
    pattern: str = ""
    """Metrics to show: part of the name, or a regular expression."""
    cursor: float | None = None
    """A step whose values are read out."""
    charts: Mapping[str, ChartSettings] = field(default_factory=dict)
    """By title; those left out are as at first."""
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By title, the part that is seen of an x axis of a metric's values; left out: all of it."""

    def settings_of(self, title: str) -> ChartSettings:
        """Return how a chart is seen."""
        return self.charts.get(title, _AS_AT_FIRST)

    @property
    def by_times(self) -> bool:
        """Whether any chart takes more than the steps themselves."""
        return bool(_BY_TIMES & {self.axis, *(each.across for each in self.charts.values())})

    def across_of(self, titles: Iterable[str]) -> tuple[str, ...]:
        """Return the metrics along the x axes of these charts."""
        found = (self.settings_of(title).across for title in titles)
        return tuple(dict.fromkeys(each for each in found if each and each not in AXES))

    def next_axis(self, axes: Sequence[AxisKind] = AXES) -> "Choices":
        """Return the choices with the next kind of axis, of those that there are."""
        place = axes.index(self.axis) if self.axis in axes else -1
        return replace(self, axis=axes[(place + 1) % len(axes)])

    def window_words(self) -> str:
        """Say which part of the run is seen, and how to see all; nothing where all is."""
        if self.window is None:
            return ""
        first, last = (f"{round(end):,}" for end in (self.window.first, self.window.last))
        return f" [{first}-{last}, {tr('0: all')}]"

    def span_words(self, title: str) -> str:
        """Say which part of its own x axis a chart shows, and how to see all of it."""
        if title not in self.spans:
            return ""
        first, last = map(short_number, self.spans[title])
        return f" [{first} .. {last}, {tr('0: all')}]"

    def matches(self, metric: str) -> bool:
        """Say whether a metric passes the filter; a broken expression is taken as plain text."""
        if not self.pattern:
            return True
        try:
            return re.search(self.pattern, metric, re.IGNORECASE) is not None
        except re.error:
            return self.pattern.lower() in metric.lower()


def reach_of(snapshot: RunSnapshot) -> Reach:
    """Return where the steps of a run lie."""
    newest = snapshot.summary.step if snapshot.summary is not None else 0
    return Reach(snapshot.first_step, snapshot.end_step, newest)


def whole_window(snapshot: RunSnapshot) -> Window:
    """Return all the steps of a run."""
    return reach_of(snapshot).whole


def group_metrics(names: Sequence[str], choices: Choices) -> list[tuple[str, tuple[str, ...]]]:
    """Return (title, metrics) for each chart: train and validation of one metric share one.

    Those that are pinned come first, those that are hidden do not.
    """
    groups = group_names(name for name in names if choices.matches(name))
    seen = [group for group in groups if not choices.settings_of(group[0]).hidden]
    return sorted(seen, key=lambda group: not choices.settings_of(group[0]).pinned)


def group_single(names: Sequence[str], choices: Choices) -> list[tuple[str, tuple[str, ...]]]:
    """Return (title, metrics) for charts of one metric each, in the order of `group_metrics`."""
    found = [name for _, metrics in group_names(filter(choices.matches, names)) for name in metrics]
    seen = [name for name in found if not choices.settings_of(name).hidden]
    seen.sort(key=lambda name: not choices.settings_of(name).pinned)
    return [(name, (name,)) for name in seen]


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
        return tr("no metric matches the filter")
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
    settings: ChartSettings = _AS_AT_FIRST,
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
