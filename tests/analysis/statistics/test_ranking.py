"""ROC and precision-recall curves: areas and ends as scikit-learn has them."""

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from tuitrain.analysis.statistics.ranking import mean_curve, precision_recall_curves, roc_curves

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.integers(0, 3, 5000)
SCORES = RANDOM.random((5000, 3)) + np.eye(3)[TRUE] * 0.4


def test_each_class_has_its_curve_and_area() -> None:
    for number, curve in enumerate(roc_curves(SCORES, TRUE)):
        assert curve.area == pytest.approx(roc_auc_score(number == TRUE, SCORES[:, number]))
        # As it is drawn, of few points, it has the same area.
        assert len(curve.x) <= 502 and auc(curve.x, curve.y) == pytest.approx(curve.area, abs=2e-3)
        assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    for number, curve in enumerate(precision_recall_curves(SCORES, TRUE)):
        wanted = average_precision_score(number == TRUE, SCORES[:, number])
        assert curve.area == pytest.approx(wanted)
        assert (np.diff(curve.x) >= 0).all() and curve.x[-1] == 1


def test_of_two_classes_the_second_has_the_curve() -> None:
    curves = roc_curves(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1]))
    assert [(curve.number, curve.area) for curve in curves] == [(1, 1.0)]


def test_a_class_that_all_or_none_have_has_none() -> None:
    assert roc_curves(np.ones((4, 1)), np.zeros(4, int)) == []
    assert [c.number for c in roc_curves(SCORES[:50], TRUE[:50].clip(max=1))] == [0, 1]


def test_the_mean_curve_goes_from_end_to_end() -> None:
    mean = mean_curve(roc_curves(SCORES, TRUE))
    assert (mean.y[0] >= 0, mean.y[-1]) == (True, 1)
    assert auc(mean.x, mean.y) == pytest.approx(mean.area, abs=5e-3)
    assert (np.diff(mean.y) >= 0).all()
