"""An evaluation's report as text: figures with intervals, classes, mistakes.

Knows the report's JSON form; nothing of how it came to be.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain import units
from tuitrain.lang import term, tr
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
    weights = "" if about["weights"] == "raw" else f", {about['weights']} weights"
    name = sanitise(about["checkpoint"])
    return f"{sanitise(about['run'])}, checkpoint {name} (step {about['step']:,}){weights}"


def heading_text(report: Report) -> str:
    """Return what was evaluated, on what."""
    data = report["data"]
    changed = f" with {', '.join(map(sanitise, data['settings']))}" if data["settings"] else ""
    lines = [
        heading(report),
        f"{data['samples']:,} samples of {sanitise(data['name'])}{changed}, on "
        f"{report['device']} in {units.duration(report['duration_s'])}",
    ]
    if changed:
        lines.append("other data settings: the model may have been trained on some of these")
    return "\n".join(lines)


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
    return f"baseline, {sanitise(baseline['what'])}: {', '.join(figures)}"


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
    headings = ("CLASS", "PRECISION", "RECALL", "F1", "SUPPORT")
    text = table(headings, rows, ["left", *right]) if rows else ""
    more = len(report["classes"]) - _SHOWN_CLASSES
    return f"{text}\n{more:,} more classes: --json has them all" if more > 0 else text


def _ious(report: Report) -> str:
    rows = [
        (sanitise(row["name"]), metric_value(row["value"]), interval(row))
        for row in report.get("ious", ())
    ]
    headings = ("CLASS", "IOU", _INTERVAL)
    return table(headings, rows, ("left", "right", "left")) if rows else ""


def calibration_text(report: Report) -> str:
    """Return how far probabilities are off; empty: the task has none."""
    found = report["calibration"]
    if found is None:
        return ""
    temperature = found["temperature"]
    if temperature is None:
        return (
            f"calibration: ECE {metric_value(found['ece'])} in 15 bins; no temperature has the "
            "least cross-entropy, as where every sample is right"
        )
    sure = "overconfident" if temperature > 1 else "underconfident"
    return (
        f"calibration: ECE {metric_value(found['ece'])} in 15 bins; scores divided by "
        f"{metric_value(temperature)} ({sure}) would have ECE "
        f"{metric_value(found['ece_at_temperature'])} and cross-entropy "
        f"{metric_value(found['cross_entropy_at_temperature'])} instead of "
        f"{metric_value(found['cross_entropy'])}"
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
    headings = [sanitise(report["by"]["column"]).upper(), "SAMPLES"]
    headings += [part for name in names for part in (name.upper(), _INTERVAL)]
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
    return table(("TRUE \\ PREDICTED", *names), rows, ["left", *right])


def _worst(report: Report) -> str:
    worst: Sequence[Report] = report["worst"]
    if not worst:
        return ""
    keys = [key for key in worst[0] if any(row[key] is not None for row in worst)]
    rows = [[_cell(row[key]) for key in keys] for row in worst]
    headings = [key.replace("_", " ").upper() for key in keys]
    return "worst samples\n" + table(headings, rows)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return metric_value(value)
    if isinstance(value, list):
        return " ".join(metric_value(number) for number in value)
    return sanitise(str(value))
