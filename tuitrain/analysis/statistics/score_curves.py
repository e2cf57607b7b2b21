"""ROC and precision-recall curves of class scores, thinned to what a chart can show.

Knows scores and class numbers as arrays; the curves themselves are `ranking`'s.
"""

from dataclasses import dataclass

import numpy as np

from tuitrain.analysis.statistics.ranking import RankingCurve, precision_recall_of, roc_of

_BINS = 240
"""Columns of a curve: twice as many as a wide chart has cells."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve over 0 to 1, in columns of ascending `x`."""

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    area: float
    """Under the ROC curve, or the average precision."""


@dataclass(frozen=True, slots=True)
class ScoreCurves:
    """How one class is told from all others, over every threshold."""

    roc: Curve
    """True positive rate over false positive rate."""
    precision_recall: Curve
    """Precision over recall."""
    share: float
    """Of samples that are of the class: the precision of a guess."""


def score_curves(is_class: np.ndarray, score: np.ndarray) -> ScoreCurves | None:
    """Return the curves of one class; None where all samples, or none, are of it.

    Args:
        is_class: whether each sample is of the class [n].
        score: how much the model holds it for one [n].
    """
    if is_class.all() or not is_class.any():
        return None
    return ScoreCurves(
        _thinned(roc_of(is_class, score)),
        _thinned(precision_recall_of(is_class, score)),
        float(is_class.mean()),
    )


def _thinned(curve: RankingCurve) -> Curve:
    """Return a curve of ascending `x` in at most `_BINS` columns, each with all that it passes.

    A column begins where the one before it ended, so that a rise between two is drawn.
    """
    x, y = curve.x, curve.y
    place = np.minimum((x * _BINS).astype(int), _BINS - 1)
    firsts = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
    ends = np.r_[firsts[1:], len(x)]
    columns = [
        (float(x[first:end].mean()), y[max(0, first - 1) : end], float(y[end - 1]))
        for first, end in zip(firsts, ends, strict=True)
    ]
    return Curve(
        tuple(column[0] for column in columns),
        tuple(float(column[1].min()) for column in columns),
        tuple(float(column[1].max()) for column in columns),
        tuple(column[2] for column in columns),
        curve.area,
    )
