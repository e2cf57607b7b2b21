"""Intervals and tests hold what they say, against scipy and by simulation."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from tuitrain.analysis.evaluation import macro_f1
from tuitrain.analysis.statistics.resampling import (
    cells_figure,
    compare_means,
    mcnemar,
    mean_figure,
    quantile_figure,
    ratio_figure,
    share_figure,
)


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = np.random.default_rng(1).exponential(size=200)
    figure = mean_figure(values)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=2)
    assert figure.value == pytest.approx(values.mean())
    assert figure.low == pytest.approx(theirs.confidence_interval.low, rel=0.02)
    assert figure.high == pytest.approx(theirs.confidence_interval.high, rel=0.02)
    assert mean_figure(values) == figure


def test_the_interval_of_a_quantile_is_scipys() -> None:
    values = np.random.default_rng(3).normal(size=150)
    figure = quantile_figure(values, 0.75)

    def of(part: np.ndarray, axis: int) -> np.ndarray:
        return np.quantile(part, 0.75, axis=axis)

    theirs = stats.bootstrap((values,), of, n_resamples=4000, method="percentile", rng=2)
    assert (figure.low, figure.high) == pytest.approx(theirs.confidence_interval, abs=0.05)


def test_macro_f1_from_cells_is_scikit_learns_with_the_interval_over_samples() -> None:
    random = np.random.default_rng(4)
    true = random.integers(0, 3, 300)
    predicted = np.where(random.random(300) < 0.7, true, random.integers(0, 3, 300))
    cells = np.bincount(true * 3 + predicted, minlength=9).reshape(3, 3)
    figure = cells_figure(cells, macro_f1)
    assert figure.value == pytest.approx(f1_score(true, predicted, average="macro"))
    drawn = []
    for _number in range(200):
        chosen = random.integers(0, 300, 300)
        drawn.append(f1_score(true[chosen], predicted[chosen], average="macro"))
    assert (figure.low, figure.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_a_share_of_all_or_nothing_has_the_exact_interval() -> None:
    for right, tail in ((np.ones(30, bool), 30), (np.zeros(30, bool), 0)):
        figure = share_figure(right)
        exact = stats.binomtest(tail, 30).proportion_ci(0.95, "exact")
        # Of one side only, where the other end is the share itself.
        assert figure.low == pytest.approx(exact.low, abs=1e-9)
        assert figure.high == pytest.approx(exact.high, abs=1e-9)


def test_the_interval_of_a_share_is_that_of_a_mean() -> None:
    right = np.random.default_rng(7).random(400) < 0.8
    figure, mean = share_figure(right), mean_figure(right.astype(float))
    assert figure.value == mean.value
    assert (figure.low, figure.high) == pytest.approx((mean.low, mean.high), abs=0.005)


def test_ratios_weigh_their_samples() -> None:
    sums = np.array([[1.0, 10.0], [9.0, 10.0], [40.0, 80.0]])
    figure = ratio_figure(sums, lambda total: total[:, 0] / total[:, 1])
    assert figure.value == pytest.approx(0.5)
    assert figure.low is not None
    assert figure.low < 0.5


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (1, 0), (5, 1), (3, 3), (40, 22), (900, 800)]
)
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    theirs = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(theirs, rel=1e-6)


def test_equal_models_raise_few_false_alarms() -> None:
    random = np.random.default_rng(5)
    alarms = exact = 0
    for _number in range(300):
        common = random.exponential(size=60)
        first, second = (common + random.exponential(size=60) for _ in range(2))
        alarms += compare_means(first, second).p_value < 0.05
        right = [random.random(60) < 0.8 for _ in range(2)]
        lost, won = (int((a & ~b).sum()) for a, b in (right, right[::-1]))
        exact += mcnemar(lost, won) < 0.05
    # 5 of 100 are expected, with a deviation of 1.3.
    assert alarms / 300 < 0.10
    assert exact / 300 < 0.08


def test_a_real_difference_is_seen_and_none_is_none() -> None:
    random = np.random.default_rng(6)
    first = random.normal(size=100)
    found = compare_means(first, first - 0.5 + 0.2 * random.normal(size=100))
    assert found.p_value < 0.001
    assert found.low < found.difference < found.high < 0
    assert compare_means(first, first).p_value == 1.0
