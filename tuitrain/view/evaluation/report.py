"""An evaluation's report as text: figures with intervals, classes, mistakes.

Knows the report's JSON form; nothing of how it came to be.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain import units
from tuitrain.lang import said, term, tr
from tuitrain.view.format import Align, metric_value, sanitise, table

_MATRIX_CLASSES = 16
_SHOWN_CLASSES = 50
_INTERVAL = term("95 % INTERVAL")

Report = Mapping[str, Any]


def report_text(report: Report) -> str:
    """Return a report as blocks of lines."""
    blocks = [
        heading_text(report), metrics_text(report), baseline_text(report), _classes(report),
        _ious(report), calibration_text(report), residuals_text(report), _groups(report),
        _confusion(report), _worst(report),
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block)


def heading(about: Report) -> str:
    """Return which run's which checkpoint was evaluated."""
    raw = about["weights"] == "raw"
    weights = "" if raw else tr(", {kind} weights", kind=about["weights"])
    words = tr(
        "{run}, checkpoint {name} (step {step:,})",
        run=sanitise(about["run"]),
        name=sanitise(about["checkpoint"]),
        step=about["step"],
    )
    return f"{words}{weights}"


def heading_text(report: Report) -> str:
    """Return what was evaluated, on what."""
    data = report["data"]
    names = ", ".join(map(sanitise, data["settings"]))
    changed = tr(" with {names}", names=names) if names else ""
    words = tr(
        "{n:,} samples of {data}, on {device} in {time}",
        n=data["samples"],
        data=f"{sanitise(data['name'])}{changed}",
        device=report["device"],
        time=units.duration(report["duration_s"]),
    )
    other = tr("other data settings: the model may have been trained on some of these")
    return "\n".join([heading(report), words, *([other] if changed else [])])


def metrics_text(report: Report) -> str:
    """Return each figure with its interval."""
    rows = [
        (sanitise(name), metric_value(figure["value"]), interval(figure))
        for name, figure in report["metrics"].items()
    ]
    return table((tr("METRIC"), tr("VALUE"), tr(_INTERVAL)), rows, ("left", "right", "left"))


def interval(figure: Report) -> str:
    """Return the interval of a figure, or nothing where none is known."""
    if figure["low"] is None:
        return ""
    return tr("{low} to {high}", low=metric_value(figure["low"]), high=metric_value(figure["high"]))


def baseline_text(report: Report) -> str:
    """Return what a prediction without looking would reach; empty: none is known."""
    baseline = report["baseline"]
    if not baseline:
        return ""
    figures = [f"{name} {metric_value(v)}" for name, v in baseline.items() if name != "what"]
    what = said(sanitise(baseline["what"]))
    return tr("baseline, {what}: {figures}", what=what, figures=", ".join(figures))


def _classes(report: Report) -> str:
    figures = [*report["classes"][:_SHOWN_CLASSES], *report["averages"]]
    rows = [
        (
            sanitise(row["name"]),
            *(f"{row[key]:.4f}" for key in ("precision", "recall", "f1")),
            f"{row['support']:,}",
        )
        for row in figures
    ]
    right: list[Align] = ["right"] * 4
    headings = (tr("CLASS"), tr("PRECISION"), tr("RECALL"), "F1", tr("SUPPORT"))
    text = table(headings, rows, ["left", *right]) if rows else ""
    more = len(report["classes"]) - _SHOWN_CLASSES
    words = tr("{more:,} more classes: --json has them all", more=more)
    return f"{text}\n{words}" if more > 0 else text


def _ious(report: Report) -> str:
    rows = [
        (sanitise(row["name"]), metric_value(row["value"]), interval(row))
        for row in report.get("ious", ())
    ]
    headings = (tr("CLASS"), "IOU", tr(_INTERVAL))
    return table(headings, rows, ("left", "right", "left")) if rows else ""


def calibration_text(report: Report) -> str:
    """Return how far probabilities are off; empty: the task has none."""
    found = report["calibration"]
    if found is None:
        return ""
    temperature = found["temperature"]
    if temperature is None:
        return tr(
            "calibration: ECE {ece} in 15 bins; no temperature has the least cross-entropy, as "
            "where every sample is right",
            ece=metric_value(found["ece"]),
        )
    return tr(
        "calibration: ECE {ece} in 15 bins; scores divided by {temperature} ({sure}) would have "
        "ECE {mended} and cross-entropy {entropy} instead of {now}",
        ece=metric_value(found["ece"]),
        temperature=metric_value(temperature),
        sure=tr("overconfident") if temperature > 1 else tr("underconfident"),
        mended=metric_value(found["ece_at_temperature"]),
        entropy=metric_value(found["cross_entropy_at_temperature"]),
        now=metric_value(found["cross_entropy"]),
    )


def residuals_text(report: Report) -> str:
    """Return the quantiles of errors; empty: the task has none."""
    several = len({row["output"] for row in report["residuals"]}) > 1
    rows = [
        (
            *([str(row["output"])] if several else []),
            f"{row['quantile']:.0%}",
            metric_value(row["value"]),
            interval(row),
        )
        for row in report["residuals"]
    ]
    last = (tr("QUANTILE OF ERRORS"), tr("VALUE"), tr(_INTERVAL))
    headings = (*([tr("OUTPUT")] if several else []), *last)
    right: list[Align] = ["right"] * (len(headings) - 1)
    return table(headings, rows, [*right, "left"]) if rows else ""


def _groups(report: Report) -> str:
    if report["by"] is None:
        return ""
    groups = report["by"]["groups"]
    names = [name for name in groups[0] if name not in {"group", "samples"}]
    headings = [sanitise(report["by"]["column"]).upper(), tr("SAMPLES")]
    headings += [part for name in names for part in (name.upper(), tr(_INTERVAL))]
    rows = [
        [
            sanitise(row["group"]),
            f"{row['samples']:,}",
            *(part for name in names for part in (metric_value(row[name]["value"]),
                                                  interval(row[name]))),
        ]
        for row in groups
    ]  # fmt: skip
    return table(headings, rows, ("left", "right", "right", "left", "right", "left"))


def _confusion(report: Report) -> str:
    matrix = report["confusion"]
    if not matrix or len(matrix) > _MATRIX_CLASSES:
        return ""
    names = [sanitise(row["name"]) for row in report["classes"]]
    rows = [(name, *map(str, row)) for name, row in zip(names, matrix, strict=True)]
    right: list[Align] = ["right"] * len(names)
    return table((tr("TRUE \\ PREDICTED"), *names), rows, ["left", *right])


def _worst(report: Report) -> str:
    worst: Sequence[Report] = report["worst"]
    if not worst:
        return ""
    keys = [key for key in worst[0] if any(row[key] is not None for row in worst)]
    rows = [[_cell(row[key]) for key in keys] for row in worst]
    headings = [key.replace("_", " ").upper() for key in keys]
    return tr("worst samples") + "\n" + table(headings, rows)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return metric_value(value)
    if isinstance(value, list):
        return " ".join(metric_value(number) for number in value)
    return sanitise(str(value))
