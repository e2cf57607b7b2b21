"""The first page of an evaluation: what was evaluated, each figure with its interval, calibration.

The words are those of `tuitrain evaluate`; only how they are laid out is of the screen.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain.analysis.statistics.calibration import BINS
from tuitrain.lang import said, term, tr
from tuitrain.view.evaluation.report import (
    baseline_text,
    calibration_text,
    heading_text,
    metrics_text,
)
from tuitrain.view.spans import Span, SpanLine, wrap_plain

_NEAR = 0.05
"""A bin's accuracy this close to its confidence is as sure as it should be."""
_LEGEND = term(
    "a sign for each fifteenth of confidence, from 0 to 100 %: = right as often as sure, "
    "within 5 points; - less often; + more often; . no samples"
)

Report = Mapping[str, Any]


def summary_lines(report: Report, width: int, *, live: bool) -> list[SpanLine]:
    """Return the page.

    Args:
        report: the evaluation's.
        width: in cells.
        live: the run trained on while it was evaluated.
    """
    head, *rest = map(said, heading_text(report).splitlines())
    blocks = [
        wrap_plain(head, width, "strong")
        + [row for text in rest for row in wrap_plain(text, width)],
        _live(report, width) if live else [],
        _metrics(report),
        wrap_plain(said(baseline_text(report)), width) if report["baseline"] else [],
        _calibration(report, width),
    ]
    return [line for block in blocks if block for line in (*block, ())][:-1]


def _live(report: Report, width: int) -> list[SpanLine]:
    words = tr(
        "the run is live: these are the weights of its checkpoint of step "
        "{step:,}; e evaluates what it has saved by then",
        step=report["step"],
    )
    return wrap_plain(words, width, "live")


def _metrics(report: Report) -> list[SpanLine]:
    head, *rows = metrics_text(report).splitlines()
    return [(Span(head, "quiet"),), *((Span(row),) for row in rows)]


def _calibration(report: Report, width: int) -> list[SpanLine]:
    if report["calibration"] is None:
        return []
    return [
        *wrap_plain(said(calibration_text(report)), width),
        (),
        calibration_strip(report["calibration"]["bins"]),
        *wrap_plain(tr(_LEGEND), width, "quiet"),
    ]


def calibration_strip(bins: Sequence[Sequence[float]]) -> SpanLine:
    """Return a sign for each bin of confidence, two cells wide.

    Args:
        bins: mean confidence, accuracy and samples of each that has any.
    """
    signs = [Span(". ", "quiet")] * BINS
    for confidence, accuracy, _samples in bins:
        signs[bin_of(confidence)] = _sign(confidence, accuracy)
    return (Span(tr("sure  "), "label"), *signs)


def bin_of(confidence: float) -> int:
    """Return the number of the bin that a confidence is in."""
    return min(max(math.ceil(confidence * BINS) - 1, 0), BINS - 1)


def _sign(confidence: float, accuracy: float) -> Span:
    if abs(accuracy - confidence) <= _NEAR:
        return Span("= ", "good")
    return Span("- ", "bad") if accuracy < confidence else Span("+ ", "mark")
