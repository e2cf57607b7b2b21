"""Errors of predicted numbers: their quantiles, and how they are spread."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuitrain.lang import said, tr
from tuitrain.view.bars import progress_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.ticks import number_labels
from tuitrain.view.evaluation.report import baseline_text, residuals_text
from tuitrain.view.format import pad
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_BINS = 15
_MOST_BAR = 50


def residual_lines(
    report: Mapping[str, Any], errors: np.ndarray, output: int, width: int, look: TerminalStyle
) -> list[SpanLine]:
    """Return the quantiles of errors and a histogram of one output's.

    Args:
        report: the evaluation's.
        errors: predicted less true [n, outputs].
        output: which one is drawn.
        width: in cells.
        look: what the terminal can show.
    """
    head, *rows = residuals_text(report).splitlines()
    several = errors.shape[1] > 1
    title = tr("errors of output {output}", output=output) if several else tr("errors")
    return [
        *wrap_plain(said(baseline_text(report)), width),
        (),
        (Span(head, "quiet"),),
        *((Span(row),) for row in rows),
        (),
        (Span(tr("{title}: predicted less true, and how many samples", title=title), "strong"),),
        *histogram_lines(errors[:, output], width, look),
    ]


def histogram_lines(values: np.ndarray, width: int, look: TerminalStyle) -> list[SpanLine]:
    """Return a bar for each of some ranges of equal width; empty where nothing is finite."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return [(Span(tr("no finite error"), "bad"),)]
    numbers, edges = np.histogram(finite, bins=_BINS)
    middles = ((edges[:-1] + edges[1:]) / 2).tolist()
    labels = number_labels(middles, float(edges[1] - edges[0]) or 1.0)
    longest, most = max(map(len, labels)), int(numbers.max())
    digits = len(f"{most:,}")
    room = max(1, min(_MOST_BAR, width - longest - digits - 3))
    return [
        (
            Span(f"{pad(label, longest, 'right')} ", "label"),
            Span(progress_bar(number / most, room, look).rstrip("░-").ljust(room), "line0"),
            Span(f" {number:>{digits},}"),
        )
        for label, number in zip(labels, numbers.tolist(), strict=True)
    ]
