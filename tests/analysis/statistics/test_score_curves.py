"""ROC and precision-recall curves as charts take them."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from tuitrain.analysis.statistics.score_curves import score_curves

RANDOM = np.random.default_rng(3)
IS_CLASS = RANDOM.random(3000) < 0.2
SCORE = RANDOM.normal(size=3000) + 1.2 * IS_CLASS


def test_the_areas_are_scikit_learns_and_the_curve_runs_from_corner_to_corner() -> None:
    curves = score_curves(IS_CLASS, SCORE)
    assert curves is not None
    assert curves.roc.area == pytest.approx(roc_auc_score(IS_CLASS, SCORE))
    assert curves.precision_recall.area == pytest.approx(average_precision_score(IS_CLASS, SCORE))
    assert curves.share == pytest.approx(IS_CLASS.mean())
    assert (curves.roc.low[0], curves.roc.mean[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("kind", ["roc", "precision_recall"])
def test_a_thinned_curve_ascends_and_each_column_holds_all_it_passes(kind: str) -> None:
    curve = getattr(score_curves(IS_CLASS, SCORE), kind)
    assert list(curve.x) == sorted(curve.x)
    assert len(curve.x) <= 240
    bounds = zip(curve.low, curve.mean, curve.high, strict=True)
    assert all(0 <= low <= mean <= high <= 1 for low, mean, high in bounds)


def test_a_rise_between_two_columns_is_drawn() -> None:
    curves = score_curves(np.array([True, True, False]), np.array([3.0, 2.0, 1.0]))
    assert curves is not None
    assert (curves.roc.low[0], curves.roc.high[0]) == (0.0, 1.0)
    wrong, right, _thresholds = roc_curve([1, 1, 0], [3.0, 2.0, 1.0])
    assert (wrong[0], right.max()) == (0.0, 1.0)


@pytest.mark.parametrize("value", [True, False])
def test_there_is_no_curve_where_all_samples_are_of_one_kind(value: bool) -> None:
    assert score_curves(np.full(5, value), np.arange(5.0)) is None
