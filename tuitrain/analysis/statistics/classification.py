"""Classification figures from an evaluation's counts, by scikit-learn where it has the counts.

Knows nothing of runs; scikit-learn is imported only when figures are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuitrain.messages import PerClassCounts

AVERAGES = ("macro", "weighted")


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How well one class, or an average over them, was told."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def class_figures(counts: PerClassCounts) -> list[ClassFigures]:
    """Return the figures of each class and then their macro and weighted averages.

    A figure whose denominator is 0 is 0, as in scikit-learn's report.

    Args:
        counts: of one evaluation.
    """
    # scikit-learn takes no empty evaluation.
    if counts.confusion is None or not any(counts.support):
        return _from_totals(counts)
    return _from_confusion(counts, counts.confusion)


def class_names(counts: PerClassCounts) -> list[str]:
    """Return the classes' names, or their numbers where they have none."""
    return [str(name) for name in (counts.classes or range(len(counts.support)))]


def _from_confusion(
    counts: PerClassCounts, confusion: Sequence[Sequence[int]]
) -> list[ClassFigures]:
    from sklearn.metrics import precision_recall_fscore_support

    true, predicted, weights = _expand(confusion)
    labels = list(range(len(counts.support)))
    names = class_names(counts)
    options = {"labels": labels, "sample_weight": weights, "zero_division": 0}
    columns = precision_recall_fscore_support(true, predicted, **options)
    figures = [
        _figures(names[i], *(float(column[i]) for column in columns)) for i in range(len(labels))
    ]
    for average in AVERAGES:
        precision, recall, f1, _none = precision_recall_fscore_support(
            true, predicted, average=average, **options
        )
        figures.append(_figures(f"{average} avg", precision, recall, f1, sum(weights)))
    return figures


def _expand(confusion: Sequence[Sequence[int]]) -> tuple[list[int], list[int], list[int]]:
    """Return true class, predicted class and how often, for each pair that occurred."""
    pairs = [
        (row, column, number)
        for row, numbers in enumerate(confusion)
        for column, number in enumerate(numbers)
        if number
    ]
    return [row for row, _, _ in pairs], [col for _, col, _ in pairs], [n for _, _, n in pairs]


def _from_totals(counts: PerClassCounts) -> list[ClassFigures]:
    """Return the same figures by their definitions: without pairs scikit-learn can't be asked."""
    figures = []
    for name, support, predicted, correct in zip(
        class_names(counts), counts.support, counts.predicted, counts.correct, strict=True
    ):
        precision, recall = _ratio(correct, predicted), _ratio(correct, support)
        f1 = _ratio(2 * correct, support + predicted)
        figures.append(_figures(name, precision, recall, f1, support))
    return figures + [_average(kind, figures) for kind in AVERAGES]


def _average(kind: str, figures: Sequence[ClassFigures]) -> ClassFigures:
    weights = [row.support if kind == "weighted" else 1 for row in figures]
    total = sum(weights)

    def mean(values: Sequence[float]) -> float:
        return _ratio(sum(v * w for v, w in zip(values, weights, strict=True)), total)

    return ClassFigures(
        f"{kind} avg",
        mean([row.precision for row in figures]),
        mean([row.recall for row in figures]),
        mean([row.f1 for row in figures]),
        sum(row.support for row in figures),
    )


def _figures(name: str, precision: float, recall: float, f1: float, support: float) -> ClassFigures:
    return ClassFigures(name, float(precision), float(recall), float(f1), int(support))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
