"""The top line of an evaluation: which run's which weights, and the figure that counts most."""

from collections.abc import Mapping
from typing import Any

from tuitrain.lang import tr
from tuitrain.view.evaluation.report import interval
from tuitrain.view.format import metric_value, sanitise
from tuitrain.view.spans import Span, SpanLine, line_width

_FIRST = ("mean_iou", "perplexity", "accuracy", "r2", "variance_explained", "loss")
"""The figure shown: the first of these that the task has."""

Report = Mapping[str, Any]


def top_parts(
    run: str, report: Report | None, *, waiting: bool, width: int
) -> tuple[SpanLine, SpanLine]:
    """Return what stands at either end of the line.

    Args:
        run: its id.
        report: of the evaluation that is shown; None: there is none yet.
        waiting: one is being made.
        width: of the line.
    """
    left = [Span(f" {sanitise(run)}", "title")]
    if report is not None:
        weights = ""
        if report["weights"] != "raw":
            weights = tr(", {kind} weights", kind=report["weights"])
        step = tr("step {step:,}", step=report["step"])
        words = f"  {sanitise(report['checkpoint'])} ({step}){weights}"
        left.append(Span(words, "live"))
    if waiting:
        return tuple(left), (Span(tr("evaluating "), "live"),)
    if report is None:
        return tuple(left), (Span(tr("no evaluation "), "quiet"),)
    return tuple(left), _main(report, width - line_width(tuple(left)))


def _main(report: Report, room: int) -> SpanLine:
    metrics = report["metrics"]
    name = next(name for name in (*_FIRST, *metrics) if name in metrics)
    figure = metrics[name]
    between = interval(figure)
    value = (Span(f" {sanitise(name)} "), Span(metric_value(figure["value"]), "strong"))
    whole = (*value, Span(f" ({between})", "quiet")) if between else value
    return (*(whole if line_width(whole) < room else value), Span(" "))
