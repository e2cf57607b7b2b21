"""ROC and precision-recall curves of class scores, with the areas under them, by scikit-learn.

Knows arrays; nothing of runs or of how a curve is drawn.
"""

from dataclasses import dataclass

import numpy as np

_MOST_POINTS = 500


@dataclass(frozen=True, slots=True)
class RankingCurve:
    """How well one class is told from the rest, at every threshold."""

    number: int
    """The class."""
    x: np.ndarray
    """ROC: the false positive rate. Precision-recall: recall. Ascending."""
    y: np.ndarray
    """ROC: the true positive rate. Precision-recall: precision."""
    area: float


def roc_curves(probabilities: np.ndarray, targets: np.ndarray) -> list[RankingCurve]:
    """Return the ROC curve of each class against the rest; of two classes that of the second.

    Args:
        probabilities: [n, classes].
        targets: class numbers [n]. A class that all samples have, or none, has no curve.
    """
    return [
        _thinned(roc_of(true, sure, number))
        for number, true, sure in _one_against_the_rest(probabilities, targets)
    ]


def precision_recall_curves(probabilities: np.ndarray, targets: np.ndarray) -> list[RankingCurve]:
    """Return the precision-recall curve of each class, as `roc_curves`.

    The area is the average precision: the steps of the curve, without straight lines between them.
    """
    return [
        _thinned(precision_recall_of(true, sure, number))
        for number, true, sure in _one_against_the_rest(probabilities, targets)
    ]


def roc_of(true: np.ndarray, sure: np.ndarray, number: int = 1) -> RankingCurve:
    """Return the ROC curve of one class in all its points.

    Args:
        true: whether each sample is of the class [n]; some are, some are not.
        sure: how much the model holds it for one [n].
        number: the class's.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    false_rate, true_rate, _thresholds = roc_curve(true, sure)
    return RankingCurve(number, false_rate, true_rate, float(roc_auc_score(true, sure)))


def precision_recall_of(true: np.ndarray, sure: np.ndarray, number: int = 1) -> RankingCurve:
    """Return the precision-recall curve of one class in all its points, as `roc_of`."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _thresholds = precision_recall_curve(true, sure)
    area = float(average_precision_score(true, sure))
    return RankingCurve(number, recall[::-1], precision[::-1], area)


def mean_curve(curves: list[RankingCurve], *, descending: bool = False) -> RankingCurve:
    """Return the mean of several curves at the same places of x, and the mean of their areas.

    Args:
        curves: one at least.
        descending: `y` falls with `x`, as precision does: of several values at one place the
            largest counts, as for a rising curve it does too.
    """
    grid = np.linspace(0, 1, 201)
    each = [np.interp(grid, *_single_valued(curve, descending)) for curve in curves]
    return RankingCurve(-1, grid, np.mean(each, 0), float(np.mean([c.area for c in curves])))


def _single_valued(curve: RankingCurve, descending: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve with the largest y of each x; a rising one begins at 0."""
    x, place = np.unique(curve.x, return_inverse=True)
    y = np.full(len(x), -np.inf)
    np.maximum.at(y, place, curve.y)
    if descending:
        return x, y
    return np.concatenate([[0.0], x]), np.concatenate([[0.0], y])


def _one_against_the_rest(
    probabilities: np.ndarray, targets: np.ndarray
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    classes = probabilities.shape[1]
    numbers = [1] if classes == 2 else range(classes)
    each = [(number, targets == number, probabilities[:, number]) for number in numbers]
    return [(n, true, sure) for n, true, sure in each if 0 < true.sum() < len(true)]


def _thinned(curve: RankingCurve) -> RankingCurve:
    """Return a curve in at most so many points, evenly along its way; both ends stay."""
    x, y = curve.x, curve.y
    if len(x) <= _MOST_POINTS:
        return curve
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    places = np.searchsorted(way, np.linspace(0, way[-1], _MOST_POINTS))
    kept = np.unique(np.concatenate([[0], np.minimum(places, len(x) - 1), [len(x) - 1]]))
    return RankingCurve(curve.number, x[kept], y[kept], curve.area)
