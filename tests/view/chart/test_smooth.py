import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.smooth import smooth, smooth_line

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
