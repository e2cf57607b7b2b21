"""From evaluations to panels: confusion, ROC and precision-recall, calibration, residuals.

Knows what an evaluation has kept of its samples; nothing of what draws a panel.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tuitrain.analysis.evaluation import Evaluated, confusion_of
from tuitrain.analysis.statistics.calibration import calibrate, softmax
from tuitrain.analysis.statistics.ranking import (
    RankingCurve,
    mean_curve,
    precision_recall_curves,
    roc_curves,
)
from tuitrain.errors import UsageError
from tuitrain.plots.panels import STYLES, Figure, LinePanel, MatrixPanel, Panel, Trace
from tuitrain.trained.evaluation import Evaluation
from tuitrain.view.format import metric_value, sanitise

_MOST_CLASS_CURVES = 10
_SHOWN_CLASSES = 40
"""Of a confusion table of more classes: those with the most mistakes."""
_MOST_POINTS, _MOST_OUTPUTS = 4000, 12
_LOOSE = 0.05
_FAMILIES = {
    "classes": "classes", "numbers": "numbers", "tokens": "tokens", "pixels": "classes a pixel",
    "tensors": "whole tensors", "other": "something of its own",
}  # fmt: skip


def evaluated_figure(what: str, evaluations: Sequence[Evaluation], labels: Sequence[str]) -> Figure:
    """Return a figure of one or several evaluations.

    Args:
        what: confusion, roc, pr, calibration or residuals.
        evaluations: one a run.
        labels: what the runs are called.

    Raises:
        UsageError: an evaluation has no such thing.
    """
    for evaluation in evaluations:
        check_possible(what, evaluation)
    panels, legend = _MAKERS[what](evaluations, labels)
    title = f"{_NAMES[what]}: {labels[0]}" if len(labels) == 1 else _NAMES[what]
    about = evaluations[0].about
    note = f"{about['data']['samples']:,} samples of {sanitise(about['data']['name'])}"
    if len(evaluations) == 1:
        note += f", checkpoint {sanitise(about['checkpoint'])}, step {about['step']:,}"
    return Figure(title, tuple(panels), legend, (note,))


def evaluated_panels(
    kinds: Sequence[str], evaluations: Sequence[Evaluation], labels: Sequence[str]
) -> tuple[Panel, ...]:
    """Return the panels of several kinds, as `evaluated_figure` has them, each with its name.

    A kind that one of the evaluations has nothing of is left out.
    """
    found: list[Panel] = []
    for what in kinds:
        try:
            figure = evaluated_figure(what, evaluations, labels)
        except UsageError:
            continue
        found += [
            replace(panel, title=": ".join(filter(None, (_SHORT_NAMES[what], panel.title))))
            for panel in figure.panels
        ]
    return tuple(found)


def check_possible(what: str, evaluation: Evaluation) -> None:
    """Raise where an evaluation has nothing of a kind.

    Raises:
        UsageError: it has none.
    """
    found, run = evaluation.found, evaluation.about["run"]
    task, told = evaluation.about["task"], _FAMILIES[found.family]
    wanted = "numbers" if what == "residuals" else "classes"
    has = found.counts is not None and found.counts.confusion is not None
    if what == "confusion" and (has or found.family == "classes"):
        return
    if found.family != wanted or what == "confusion":
        raise UsageError(
            f"--what {what}: it is for tasks whose targets are {wanted}; {run} trains "
            f"{task}, whose targets are {told}"
        )
    if what in {"roc", "pr"} and not roc_curves(*_ranked(found)):
        raise UsageError(
            f"--what {what}: all samples that {run} was evaluated on have one and the same class"
        )


Made = tuple[list[Panel], tuple[tuple[str, int], ...]]


def _confusion(evaluations: Sequence[Evaluation], labels: Sequence[str]) -> Made:
    return [
        confusion_panel(evaluation.found, label if len(labels) > 1 else "")
        for evaluation, label in zip(evaluations, labels, strict=True)
    ], ()


def confusion_panel(found: Evaluated, title: str) -> MatrixPanel:
    """Return the table of an evaluation; of many classes those with the most mistakes."""
    if found.family == "classes":
        counts = confusion_of(found)
    else:
        counts = np.array(found.counts.confusion if found.counts is not None else ())
    names = [class_name(found, number) for number in range(len(counts))]
    note = ""
    if len(counts) > _SHOWN_CLASSES:
        mistakes = counts.sum(0) + counts.sum(1) - 2 * np.diag(counts)
        chosen = np.sort(np.argsort(-mistakes, kind="stable")[:_SHOWN_CLASSES])
        note = f"the {_SHOWN_CLASSES} of {len(counts):,} classes with the most mistakes"
        counts, names = counts[np.ix_(chosen, chosen)], [names[number] for number in chosen]
    rows = tuple(tuple(row) for row in counts.tolist())
    return MatrixPanel(title, tuple(names), rows, note)


# --- ranking ------------------------------------------------------------------------------------


def _ranked(found: Evaluated) -> tuple[np.ndarray, np.ndarray]:
    return softmax(found.arrays["scores"]), found.arrays["targets"]


def _roc(evaluations: Sequence[Evaluation], labels: Sequence[str]) -> Made:
    return _ranking(evaluations, labels, roc_curves, descending=False)


def _precision_recall(evaluations: Sequence[Evaluation], labels: Sequence[str]) -> Made:
    return _ranking(evaluations, labels, precision_recall_curves, descending=True)


def _ranking(
    evaluations: Sequence[Evaluation],
    labels: Sequence[str],
    curves_of: Callable[[np.ndarray, np.ndarray], list[RankingCurve]],
    *,
    descending: bool,
) -> Made:
    each = [curves_of(*_ranked(one.found)) for one in evaluations]
    if len(each) == 1:
        traces = _class_traces(each[0], evaluations[0].found, descending)
    else:
        traces = [
            _curve(_mean_of(curves, descending), f"{label}, area", number)
            for number, (curves, label) in enumerate(zip(each, labels, strict=True))
        ]
    x_label, y_label = ("recall", "precision") if descending else (
        "false positive rate", "true positive rate"
    )  # fmt: skip
    panel = LinePanel(
        "", x_label, y_label, tuple(traces), x_range=(0, 1), y_range=(0, 1 + _LOOSE / 5),
        diagonal=not descending, square=True,
    )  # fmt: skip
    return [panel], tuple((trace.label, trace.style) for trace in traces)


def _mean_of(curves: list[RankingCurve], descending: bool) -> RankingCurve:
    return curves[0] if len(curves) == 1 else mean_curve(curves, descending=descending)


def _class_traces(curves: list[RankingCurve], found: Evaluated, descending: bool) -> list[Trace]:
    """Return a trace of each class, of many those with the least areas, and of their mean."""
    if len(curves) == 1:
        return [_curve(curves[0], f"{class_name(found, curves[0].number)}, area", 0)]
    shown = sorted(curves, key=lambda curve: curve.area)[:_MOST_CLASS_CURVES]
    few = len(curves) > len(shown)
    shown.sort(key=lambda curve: curve.number)
    rest = f" of {len(curves):,} classes, shown are the {len(shown)} worst" if few else ""
    return [
        _curve(mean_curve(curves, descending=descending), f"mean{rest}, area", 6),
        *(
            _curve(
                curve, f"{class_name(found, curve.number)}, area", _beside_mean(place), thin=True
            )
            for place, curve in enumerate(shown)
        ),
    ]


def _beside_mean(place: int) -> int:
    """Return the style of a class: any but the grey of the mean."""
    return place + place // 6


def _curve(curve: RankingCurve, label: str, style: int, *, thin: bool = False) -> Trace:
    return Trace(
        f"{label} {metric_value(curve.area)}", style % STYLES, tuple(curve.x.tolist()),
        tuple(curve.y.tolist()), thin=thin,
    )  # fmt: skip


def class_name(found: Evaluated, number: int) -> str:
    """Return what a class is called."""
    return sanitise(found.classes[number]) if number < len(found.classes) else str(number)


# --- calibration and residuals ------------------------------------------------------------------


def _calibration(evaluations: Sequence[Evaluation], labels: Sequence[str]) -> Made:
    traces, shares = [], []
    for number, (evaluation, label) in enumerate(zip(evaluations, labels, strict=True)):
        found = calibrate(evaluation.found.arrays["scores"], evaluation.found.arrays["targets"])
        sure, right, samples = (tuple(map(float, part)) for part in zip(*found.bins, strict=True))
        name = f"{label}, " if len(labels) > 1 else ""
        traces.append(Trace(
            f"{name}ECE {metric_value(found.ece)}", number % STYLES, sure, right, marked=True
        ))  # fmt: skip
        share = tuple(value / sum(samples) for value in samples)
        shares.append(Trace("", number % STYLES, sure, share, marked=True))
    panels: list[Panel] = [
        LinePanel(
            "how often it is right", "confidence: probability of the predicted class", "accuracy",
            tuple(traces), x_range=(0, 1), y_range=(0, 1 + _LOOSE / 5), diagonal=True, square=True,
        ),
        LinePanel(
            "how often it is so sure", "confidence", "share of the samples", tuple(shares),
            x_range=(0, 1), y_range=(0, 1 + _LOOSE / 5), square=True,
        ),
    ]  # fmt: skip
    return panels, tuple((trace.label, trace.style) for trace in traces)


def _residuals(evaluations: Sequence[Evaluation], labels: Sequence[str]) -> Made:
    panels: list[Panel] = []
    for evaluation, label in zip(evaluations, labels, strict=True):
        arrays = evaluation.found.arrays
        outputs = arrays["targets"].shape[1]
        for output in range(min(outputs, _MOST_OUTPUTS)):
            which = f"output {output} of {outputs:,}" if outputs > 1 else ""
            name = " ".join(filter(None, (label if len(labels) > 1 else "", which)))
            panels.append(_residual_panel(
                arrays["targets"][:, output], arrays["outputs"][:, output], name
            ))  # fmt: skip
    return panels, ()


def _residual_panel(targets: np.ndarray, outputs: np.ndarray, title: str) -> LinePanel:
    known = np.isfinite(targets) & np.isfinite(outputs)
    errors = (outputs - targets)[known]
    chosen = np.flatnonzero(known)
    note = ""
    if len(chosen) > _MOST_POINTS:
        # Evenly over the set, so that the same samples are drawn each time.
        chosen = chosen[np.linspace(0, len(chosen) - 1, _MOST_POINTS).astype(int)]
        note = f"{_MOST_POINTS:,} of {len(targets):,} samples"
    elif len(chosen) < len(targets):
        note = f"{len(targets) - len(chosen):,} predictions are not finite"
    both = np.concatenate([targets[chosen], outputs[chosen]]) if len(chosen) else np.array([0.0, 1])
    low, high = float(both.min()), float(both.max())
    room = (high - low) * _LOOSE or 1.0
    if len(errors):
        mae = metric_value(float(np.abs(errors).mean()))
        note = f"mean absolute error {mae}" + (f"; {note}" if note else "")
    trace = Trace("", 0, tuple(targets[chosen].tolist()), tuple(outputs[chosen].tolist()),
                  form="points")  # fmt: skip
    reach = (low - room, high + room)
    return LinePanel(title, "true", "predicted", (trace,), x_range=reach, y_range=reach,
                     diagonal=True, square=True, note=note)  # fmt: skip


_MAKERS: dict[str, Callable[[Sequence[Evaluation], Sequence[str]], Any]] = {
    "confusion": _confusion,
    "roc": _roc,
    "pr": _precision_recall,
    "calibration": _calibration,
    "residuals": _residuals,
}
_SHORT_NAMES = {
    "confusion": "Confusion", "roc": "ROC", "pr": "Precision and recall",
    "calibration": "Calibration", "residuals": "Predicted against true",
}  # fmt: skip
_NAMES = {
    "confusion": "Confusion", "roc": "ROC, each class against the rest",
    "pr": "Precision and recall, each class against the rest", "calibration": "Calibration",
    "residuals": "Predicted against true",
}  # fmt: skip
