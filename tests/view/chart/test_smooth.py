import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.smooth import running_mean, smooth, smooth_line, smoothing_for

VALUES = st.lists(st.floats(-1e6, 1e6), max_size=40).map(tuple)
WEIGHTS = st.floats(0, 0.999)


def as_tensorboard(values: tuple[float, ...], weight: float) -> list[float]:
    """Smooth as `resmoothDataset` of TensorBoard's line chart does."""
    last, smoothed = 0.0, []
    for seen, value in enumerate(values, start=1):
        last = last * weight + (1 - weight) * value
        smoothed.append(last / (1 - weight**seen))
    return smoothed


@given(VALUES, WEIGHTS)
def test_columns_of_one_point_are_smoothed_as_by_tensorboard(
    values: tuple[float, ...], weight: float
) -> None:
    assert smooth(values, weight) == pytest.approx(as_tensorboard(values, weight), abs=1e-3)


@given(VALUES, WEIGHTS)
def test_a_smoothed_curve_stays_within_the_raw_one(
    values: tuple[float, ...], weight: float
) -> None:
    for value in smooth(values, weight):
        assert min(values) - 1e-3 <= value <= max(values) + 1e-3


def test_what_is_not_finite_stays_a_gap_and_changes_nothing_else() -> None:
    whole = smooth((1.0, 2.0, 3.0), 0.6)
    broken = smooth((1.0, math.nan, 2.0, math.inf, 3.0), 0.6)
    assert [value for value in broken if not math.isnan(value)] == list(whole)
    assert [math.isnan(value) for value in broken] == [False, True, False, True, False]


def test_a_column_with_half_the_points_counts_for_less() -> None:
    full = smooth((1.0, 1.0, 5.0), 0.6, (100, 100, 100))
    half = smooth((1.0, 1.0, 5.0), 0.6, (100, 100, 50))
    assert 1.0 < half[-1] < full[-1]
    assert full == smooth((1.0, 1.0, 5.0), 0.6)
    assert smooth((1.0, 7.0), 0.6, (3, 0)) == pytest.approx((1.0, 1.0))


def test_the_raw_curve_stays_behind_the_smoothed_one() -> None:
    line = Line("train", (0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (1.5, 4.0), 2)
    raw, front = smooth_line(line, 0.5)
    assert raw.faint and raw.high == line.high
    assert not front.faint and front.low == front.high == front.mean and front.slot == 2
    assert smooth_line(line, 0) == (line,)


def noisy(width: int, share: float) -> tuple[float, ...]:
    numbers = random.Random(5)
    return tuple(math.exp(-place / width * 3) + numbers.gauss(0, share) for place in range(width))


def test_noise_asks_for_smoothing_and_a_clean_or_short_curve_does_not() -> None:
    assert smoothing_for(noisy(160, 0.0)) == 0
    assert smoothing_for(noisy(10, 0.2)) == 0
    assert smoothing_for((3.0,) * 100) == 0
    assert 0.6 < smoothing_for(noisy(160, 0.1)) <= smoothing_for(noisy(400, 0.1)) < 0.9
    assert smoothing_for((*noisy(160, 0.1), math.nan, 1e300)) > 0.6


def test_a_spike_belongs_to_the_smoothed_curve_as_well() -> None:
    values = [*noisy(160, 0.05)]
    values[80] = 5.0
    numbers = tuple(values)
    line = Line("train", tuple(map(float, range(160))), numbers, numbers, numbers, 0)
    _raw, front = smooth_line(line, None)
    assert front.high[80] == 5.0
    assert [place for place, high in enumerate(front.high) if high > front.mean[place]].count(80)
    assert sum(high != mean for high, mean in zip(front.high, front.mean, strict=True)) < 16


def test_the_running_mean_follows_a_slope_without_lag_and_ends_as_a_weighted_mean() -> None:
    slope = tuple(float(place) for place in range(100))
    means = running_mean(slope, 0.8)
    assert means[50] == pytest.approx(50.0, abs=1e-3)
    assert means[-1] == pytest.approx(smooth(slope, 0.8)[-1])
    broken = running_mean((1.0, math.nan, 3.0, math.inf), 0.5)
    assert [math.isnan(value) for value in broken] == [False, True, False, True]
    assert running_mean((1.0, 7.0), 0.6, (3, 0))[0] == pytest.approx(1.0)
    assert running_mean((), 0.6) == ()
