"""How curves are seen, as chosen by keys or typed: window, axis, filter, cursor, single charts.

Values alone; knows nothing of runs, nor of how charts are made.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tuitrain.analysis.metric_groups import group_metrics as group_names
from tuitrain.errors import UsageError
from tuitrain.lang import term, tr
from tuitrain.view.chart.figure import AxisKind
from tuitrain.view.chart.scale import Window
from tuitrain.view.chart.ticks import short_number
from tuitrain.view.format import sanitise

SMOOTHINGS = (None, 0.0, 0.6, 0.9, 0.97)
AXES: tuple[AxisKind, ...] = ("step", "epoch", "time", "samples", "power")
AXIS_WORDS = {"power": term("log step")}
"""Of axes that are not called as people would."""
_BY_TIMES = frozenset({"epoch", "time", "samples"})
"""Axes that take more than the steps themselves."""
Limits = Literal["automatic", "all"] | tuple[float, float]
"""Of the value axis: without few values far from the rest, with all of them, or as typed."""


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
            return tr("by {axis}", axis=axis_word(self.across))
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


AS_AT_FIRST = ChartSettings()


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


def axis_word(kind: str) -> str:
    """Return what a kind of axis is called, as it is shown and may be typed."""
    return tr(AXIS_WORDS.get(kind, kind))


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
    words = {axis_word(kind): kind for kind in axes}
    meanings = {AXIS_WORDS.get(kind, kind): kind for kind in axes} | words
    if not wanted or wanted in names or wanted in axes:
        return wanted
    if wanted in meanings:
        return meanings[wanted]
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
        return self.charts.get(title, AS_AT_FIRST)

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
