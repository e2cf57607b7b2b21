"""How good a run's model is: figures with intervals, classes, calibration, mistakes."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuitrain import units
from tuitrain.analysis.statistics.classification import class_figures, class_names
from tuitrain.errors import TuitrainError
from tuitrain.plots.evaluated import confusion_panel, evaluated_panels
from tuitrain.plots.panels import Figure, MatrixPanel, PicturePanel
from tuitrain.plots.pictures import sample_pictures, worst_samples
from tuitrain.report.blocks import Block, Charts, Folded, Pictures, Section, Table, Text
from tuitrain.report.looked import Looked
from tuitrain.runs.rows import EvaluationRow
from tuitrain.view.evaluation.report import interval
from tuitrain.view.format import metric_value

_PICTURES = 12
_OPEN_CLASSES = 60
_INTERVAL = "95 % interval"
_DRAWN = {"classes": ("roc", "pr", "calibration"), "numbers": ("residuals",)}
"""By what the targets are."""


def evaluation_section(looked: Looked) -> Section:
    """Return an evaluation of the checkpoint; without one what training has recorded."""
    asked = looked.asked
    if asked.evaluation is None:
        return Section("Evaluation", tuple(_recorded(looked)))
    report = asked.figures
    blocks: list[Block] = [
        Text(_heading(report)), _metrics(report), *_baseline(report), *_classes(report),
        *_charts(looked), *_calibration(report), *_residuals(report), *_ious(report),
        *_worst(looked),
    ]  # fmt: skip
    return Section("Evaluation", tuple(blocks))


def _heading(report: Mapping[str, Any]) -> str:
    weights = "" if report["weights"] == "raw" else f", {report['weights']} weights"
    data = report["data"]
    return (
        f"Checkpoint {report['checkpoint']} (step {report['step']:,}){weights} on "
        f"{data['samples']:,} samples of the validation part of {data['name']}, on "
        f"{report['device']}."
    )


def _metrics(report: Mapping[str, Any]) -> Table:
    baseline = report["baseline"]
    rows = tuple(
        (
            name, metric_value(figure["value"]), interval(figure),
            metric_value(baseline[name]) if name in baseline else "",
        )
        for name, figure in report["metrics"].items()
    )  # fmt: skip
    headings = ("metric", "value", _INTERVAL, "baseline")
    columns = 4 if baseline else 3
    return Table(headings[:columns], tuple(row[:columns] for row in rows), frozenset({1, 3}))


def _baseline(report: Mapping[str, Any]) -> list[Block]:
    baseline = report["baseline"]
    return [Text(f"baseline: {baseline['what']}", "note")] if baseline else []


def _classes(report: Mapping[str, Any]) -> list[Block]:
    rows = [*report["classes"], *report["averages"]]
    return _class_table(rows) if rows else []


def _class_table(figures: Sequence[Mapping[str, Any]]) -> list[Block]:
    rows = tuple(
        (
            row["name"],
            *(f"{row[key]:.4f}" for key in ("precision", "recall", "f1")),
            f"{row['support']:,}",
        )
        for row in figures
    )
    headings = ("class", "precision", "recall", "F1", "support")
    table = Table(headings, rows, frozenset({1, 2, 3, 4}))
    return [table] if len(rows) <= _OPEN_CLASSES else [Folded(f"{len(rows):,} classes", (table,))]


def _charts(looked: Looked) -> list[Block]:
    """Return the pictures that this kind of task has."""
    evaluation = looked.asked.evaluation
    if evaluation is None:
        return []
    found, label = evaluation.found, looked.summary.name
    blocks: list[Block] = []
    if found.family == "classes" or (found.counts and found.counts.confusion):
        panel = confusion_panel(found, "Confusion")
        blocks.append(Charts(Figure("", (panel,))))
    panels = evaluated_panels(_DRAWN.get(found.family, ()), [evaluation], [label])
    return [*blocks, Charts(Figure("", panels), drawn_only=True)] if panels else blocks


def _calibration(report: Mapping[str, Any]) -> list[Block]:
    found = report["calibration"]
    if found is None:
        return []
    said = f"Expected calibration error {metric_value(found['ece'])} in 15 bins"
    if found["temperature"] is not None:
        sure = "overconfident" if found["temperature"] > 1 else "underconfident"
        said += (
            f"; scores divided by {metric_value(found['temperature'])} ({sure}) would have "
            f"{metric_value(found['ece_at_temperature'])}"
        )
    bins = tuple((f"{c:.3f}", f"{a:.3f}", f"{n:,}") for c, a, n in found["bins"])
    table = Table(("confidence", "accuracy", "samples"), bins, frozenset({0, 1, 2}))
    return [Text(f"{said}."), Folded("calibration, bin by bin", (table,))]


def _residuals(report: Mapping[str, Any]) -> list[Block]:
    rows = tuple(
        (str(row["output"]), f"{row['quantile']:.0%}", metric_value(row["value"]), interval(row))
        for row in report["residuals"]
    )
    headings = ("output", "quantile of errors", "value", _INTERVAL)
    return [Table(headings, rows, frozenset({1, 2}))] if rows else []


def _ious(report: Mapping[str, Any]) -> list[Block]:
    rows = tuple(
        (row["name"], metric_value(row["value"]), interval(row)) for row in report.get("ious", ())
    )
    headings = ("class", "intersection over union", _INTERVAL)
    return [Table(headings, rows, frozenset({1}))] if rows else []


# --- mistakes -----------------------------------------------------------------------------------


def _worst(looked: Looked) -> list[Block]:
    """Return the worst samples: to be seen where they are images or texts, else as a table."""
    asked = looked.asked
    if asked.trained is None or asked.evaluation is None:
        return []
    found = asked.evaluation.found
    numbers = worst_samples(found, _PICTURES)
    if not numbers:
        return [Text("No sample is wrong.", "good")]
    table = _worst_table(asked.figures["worst"])
    try:
        pictures = sample_pictures(asked.trained, found, looked.ask, numbers)
    except TuitrainError as error:
        return [Text(f"The worst samples can't be shown: {error}", "bad"), *table]
    if any(picture.values for picture in pictures):
        return table
    note = (
        "the wrong ones that the model was surest of" if found.family == "classes" else
        "those with the largest errors"
    )  # fmt: skip
    return [Pictures(PicturePanel("Worst samples", pictures, note))]


def _worst_table(worst: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not worst:
        return []
    keys = [key for key in worst[0] if any(row[key] is not None for row in worst)]
    rows = tuple(tuple(_cell(row[key]) for key in keys) for row in worst)
    headings = tuple(key.replace("_", " ") for key in keys)
    return [Text("Worst samples:"), Table(headings, rows)]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return metric_value(value)
    if isinstance(value, list):
        return " ".join(metric_value(number) for number in value)
    return units.NOTHING if value is None else str(value)


# --- what training recorded ---------------------------------------------------------------------


def _recorded(looked: Looked) -> list[Block]:
    """Return why there is no evaluation, and the last one that training made itself."""
    trouble = looked.asked.trouble
    blocks: list[Block] = [Text(f"Not evaluated: {trouble}", "bad")] if trouble else []
    rows = looked.reader.entries.evaluations()
    if not rows:
        return [*blocks, Text("Training has evaluated nothing yet.")]
    return [*blocks, *_recorded_evaluation(rows[-1])]


def _recorded_evaluation(row: EvaluationRow) -> list[Block]:
    metrics = tuple((name, metric_value(value)) for name, value in row.metrics.items())
    blocks: list[Block] = [
        Text(f"As training recorded it at step {row.step:,}, the last time, without intervals:"),
        Table(("metric", "value"), metrics, frozenset({1})),
    ]
    if row.counts is None:
        return blocks
    blocks += _class_table([
        {"name": one.name, "precision": one.precision, "recall": one.recall, "f1": one.f1,
         "support": one.support}
        for one in class_figures(row.counts)
    ])  # fmt: skip
    if row.counts.confusion is not None:
        names = tuple(class_names(row.counts))
        counts = tuple(tuple(line) for line in row.counts.confusion)
        blocks.append(Charts(Figure("", (MatrixPanel("Confusion", names, counts),))))
    return blocks
