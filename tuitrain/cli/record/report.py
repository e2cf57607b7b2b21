"""How well each class is told, from the counts of recorded evaluations: `tuitrain report` printed.

Knows which evaluations are asked for and how they look, not how figures are computed.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tuitrain.cli import output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuitrain.messages import PerClassCounts
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.reader import RunReader
    from tuitrain.runs.rows import EvaluationRow

_MATRIX_CLASSES = 16
_WORST_PAIRS = 10


def print_classes(directory: "RunDirectory", json: bool) -> None:
    """Print the latest and the best evaluation: metrics, figures per class, confusions."""
    from tuitrain.runs.reader import RunReader

    with RunReader(directory) as reader:
        chosen = _choose(reader)
        if json:
            plain = {kind: _describe(row) for kind, row in chosen.items()}
            output.data_json({"id": reader.directory.id, "evaluations": plain})
        elif chosen:
            output.data("\n\n".join(_block(kind, row) for kind, row in _joined(chosen)))
        else:
            output.say(f"{reader.directory.id}: nothing was evaluated yet.")


def _choose(reader: "RunReader") -> "dict[str, EvaluationRow]":
    """Return the latest evaluation and the first of the best ones by the checkpoint's monitor."""
    import math

    evaluations = reader.entries.evaluations()
    if not evaluations:
        return {}
    facts = reader.facts()
    monitor = facts.monitor or ""
    chosen = {"latest": evaluations[-1]}
    rated = [row for row in evaluations if math.isfinite(row.metrics.get(monitor, math.nan))]
    if rated:
        pick = max if facts.mode == "max" else min
        chosen["best"] = pick(rated, key=lambda row: row.metrics[monitor])
    return chosen


def _joined(chosen: "Mapping[str, EvaluationRow]") -> "list[tuple[str, EvaluationRow]]":
    """Return what is to be printed, once where the latest is the best."""
    if "best" in chosen and chosen["best"].step == chosen["latest"].step:
        return [("latest and best", chosen["latest"])]
    return list(chosen.items())


def _describe(row: "EvaluationRow") -> dict[str, Any]:
    from tuitrain.analysis.statistics.classification import class_figures

    plain = {"step": row.step, "epoch": row.epoch, "time": row.time, "metrics": dict(row.metrics)}
    if row.counts is not None:
        figures = [asdict(entry) for entry in class_figures(row.counts)]
        plain |= {
            "classes": figures[:-2],
            "averages": figures[-2:],
            "confusion": row.counts.confusion,
        }
    return plain


def _block(kind: str, row: "EvaluationRow") -> str:
    from tuitrain.view import format as text

    width = max(len(name) for name in row.metrics) if row.metrics else 0
    lines = [f"{kind} evaluation: step {row.step:,}, epoch {row.epoch:.2f}"]
    lines += [
        f"  {text.sanitise(name):<{width}}  {text.metric_value(value)}"
        for name, value in row.metrics.items()
    ]
    parts = ["\n".join(lines)]
    if row.counts is not None:
        parts += [_figures(row.counts), _confusion(row.counts)]
    return "\n\n".join(part for part in parts if part)


def _figures(counts: "PerClassCounts") -> str:
    from tuitrain.analysis.statistics.classification import class_figures
    from tuitrain.view import format as text

    rows = [
        (
            text.sanitise(row.name),
            f"{row.precision:.4f}",
            f"{row.recall:.4f}",
            f"{row.f1:.4f}",
            f"{row.support:,}",
        )
        for row in class_figures(counts)
    ]
    headings = ("CLASS", "PRECISION", "RECALL", "F1", "SUPPORT")
    return text.table(headings, rows, ("left", "right", "right", "right", "right"))


def _confusion(counts: "PerClassCounts") -> str:
    from tuitrain.analysis.statistics.classification import class_names

    matrix = counts.confusion
    if matrix is None:
        return ""
    names = class_names(counts)
    if len(names) <= _MATRIX_CLASSES:
        return _matrix(matrix, names)
    return _worst_pairs(matrix, names)


def _matrix(matrix: "Sequence[Sequence[int]]", names: "Sequence[str]") -> str:
    from tuitrain.view import format as text

    harmless = [text.sanitise(name) for name in names]
    rows = [
        (name, *(str(number) for number in row)) for name, row in zip(harmless, matrix, strict=True)
    ]
    numbers: list[text.Align] = ["right"] * len(names)
    return text.table(("TRUE \\ PREDICTED", *harmless), rows, ["left", *numbers])


def _worst_pairs(matrix: "Sequence[Sequence[int]]", names: "Sequence[str]") -> str:
    from tuitrain.view import format as text

    pairs = [
        (number, true, predicted)
        for true, numbers in enumerate(matrix)
        for predicted, number in enumerate(numbers)
        if number and true != predicted
    ]
    worst = sorted(pairs, reverse=True)[:_WORST_PAIRS]
    rows = [
        (text.sanitise(names[true]), text.sanitise(names[predicted]), str(number))
        for number, true, predicted in worst
    ]
    return text.table(("TRUE", "TAKEN FOR", "TIMES"), rows, ("left", "left", "right"))
