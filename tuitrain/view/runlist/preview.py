"""A run in a chart and a few words, for whoever goes through the list.

Pure functions to spans; knows nothing of screens or of how runs are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.lang import tr
from tuitrain.runs.labels import Labels
from tuitrain.view.cells import cell_text
from tuitrain.view.chart.chart import draw_chart
from tuitrain.view.chart.figure import Chart, Line, Size, TerminalStyle
from tuitrain.view.format import display_width, sanitise, shorten
from tuitrain.view.presetrows import wrapped
from tuitrain.view.spans import Span, SpanLine, first_lines, fit_line

_WORDS_SHARE = 0.42
"""Of the width, beside the chart."""
_NOT_COMPARED = frozenset({"name", "description", "task"})


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of one run."""

    path: str
    metric: str = ""
    """Whose curve it is; empty: there is none."""
    curve: Line | None = None
    changes: tuple[tuple[str, str, str], ...] | None = None
    """Key, value and the preset's value of settings that differ; None: the preset is not there."""
    labels: Labels = Labels()  # noqa: RUF009
    fault: str = ""
    """Why the record can't be read, where that is so."""


def setting_changes(
    settings: Mapping[str, Any], preset: Mapping[str, Any]
) -> tuple[tuple[str, str, str], ...]:
    """Return the settings that are not the preset's: key, value and the preset's value.

    What a run does not say was no setting yet when it was made.
    """
    return tuple(
        (key, _plain(value), _plain(preset.get(key)))
        for key, value in settings.items()
        if key not in _NOT_COMPARED and value != preset.get(key)
    )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else cell_text("", value)


def preview_lines(preview: Preview, width: int, height: int, look: TerminalStyle) -> list[SpanLine]:
    """Return `height` lines: the curve, and beside it what makes the run another one."""
    beside = int(width * _WORDS_SHARE)
    words = first_lines(_words(preview, beside), height, beside)
    chart = _chart_lines(preview, Size(width - beside - 2, height), look)
    blank: SpanLine = ()
    rows = range(height)
    right = [words[row] if row < len(words) else blank for row in rows]
    left = [chart[row] if row < len(chart) else blank for row in rows]
    return [
        (*fit_line(one, width - beside - 2), Span("  "), *other)
        for one, other in zip(left, right, strict=True)
    ]


def _chart_lines(preview: Preview, size: Size, look: TerminalStyle) -> Sequence[SpanLine]:
    if preview.fault:
        return wrapped([sanitise(preview.fault)], size.width, "bad")
    line = preview.curve
    if line is None:
        return [(Span(tr("no curve yet"), "quiet"),)]
    last = max(line.x[-1], line.x[0] + 1)
    chart = Chart(sanitise(preview.metric), (line,), (line.x[0], last))
    return draw_chart(chart, size, look).lines


def _words(preview: Preview, width: int) -> list[SpanLine]:
    labels = preview.labels
    lines: list[SpanLine] = []
    if labels.tags:
        lines += wrapped([sanitise(f"{tr('tags')} {', '.join(labels.tags)}")], width)
    if labels.note:
        lines += wrapped([sanitise(f"{tr('note')} {labels.note}")], width)
    if preview.changes is None:
        return [*lines, (Span(tr("its preset is not there to compare with"), "quiet"),)]
    if not preview.changes:
        return [*lines, (Span(tr("settings as in its preset"), "quiet"),)]
    lines.append((Span(tr("not as in its preset"), "quiet"),))
    for key, value, usual in preview.changes:
        now = shorten(sanitise(value), max(4, width - display_width(key) - 3))
        lines.append((Span(f"{sanitise(key)} "), Span(now, "strong"), _was(usual)))
    return lines


def _was(usual: str) -> Span:
    return Span(f" ({shorten(sanitise(usual), 20)})", "quiet")
