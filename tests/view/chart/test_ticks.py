import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.view.chart.layout import usable_log_range, usable_range
from tuitrain.view.chart.ticks import Tick, axis_ticks, log_ticks, short_number, value_ticks

ANY = st.floats(-1e300, 1e300)


def labels(ticks: list[Tick]) -> list[str]:
    return [tick.label for tick in ticks]


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 1, 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.1, 2.6, 3, ["1", "2"]),
        (0.17, 0.24, 3, ["0.170", "0.240"]),
        (0, 12_500, 5, ["0", "5k", "10k"]),
        (1e-4, 9e-4, 4, ["2e-4", "4e-4", "6e-4", "8e-4"]),
        (0, 1e-28, 4, ["0", "5e-29", "1e-28"]),
        (-3e30, 3e30, 4, ["-2e30", "0", "2e30"]),
        (1, 1 + 1e-7, 4, ["1", "+5e-8", "+1e-7"]),
    ],
)
def test_values_are_labelled_by_short_round_numbers(
    low: float, high: float, most: int, expected: list[str]
) -> None:
    assert labels(value_ticks(low, high, most)) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-4, 0, ["1e-4", "1e-3", "0.01", "0.1", "1"]),
        (-0.74, 0.4, ["0.2", "0.5", "1", "2"]),
        (0.1, 0.2, ["1.3", "1.4", "1.5"]),
        (-30, 30, ["1e-20", "1", "1e20"]),
    ],
)
def test_a_logarithmic_axis_has_powers_of_ten_or_round_numbers_between(
    low: float, high: float, expected: list[str]
) -> None:
    assert labels(log_ticks(low, high, 5 if high else 4)) == expected


@pytest.mark.parametrize(
    ("kind", "last", "expected"),
    [
        ("step", 160, ["0", "50", "100", "150"]),
        ("step", 1e6, ["0", "500k", "1M"]),
        ("epoch", 1.7, ["0.0", "0.5", "1.0", "1.5"]),
        ("epoch", 20, ["0", "5", "10", "15", "20"]),
        ("time", 45, ["0s", "10s", "20s", "30s", "40s"]),
        ("time", 100, ["0:00", "0:15", "0:30", "0:45", "1:00", "1:15", "1:30"]),
        ("time", 5000, ["0:00h", "0:15h", "0:30h", "0:45h", "1:00h", "1:15h"]),
        ("time", 86_400 * 20, ["0d", "5d", "10d", "15d", "20d"]),
    ],
)
def test_an_axis_speaks_in_its_own_units(kind: str, last: float, expected: list[str]) -> None:
    assert labels(axis_ticks(kind, 0.0, last, 70 if kind == "time" else 50)) == expected  # type: ignore[arg-type]


@settings(deadline=None)
@given(ANY, ANY, st.integers(1, 30))
def test_any_range_has_ticks_inside_it_that_differ(one: float, other: float, most: int) -> None:
    low, high = usable_range(one, other)
    ticks = value_ticks(low, high, most)
    assert 2 <= len(ticks) <= max(2, most)
    assert len(set(labels(ticks))) == len(ticks)
    assert all(-1e-6 <= tick.share <= 1 + 1e-6 for tick in ticks)
    assert all(len(label) <= 10 for label in labels(ticks))


@settings(deadline=None)
@given(ANY, ANY, st.integers(1, 30))
def test_a_logarithmic_axis_between_any_two_numbers_has_few_ticks(
    one: float, other: float, most: int
) -> None:
    ticks = log_ticks(*usable_log_range(one, other), most)
    assert 2 <= len(ticks) <= max(2, most + 1)


@settings(deadline=None)
@given(st.floats(-320, 300), st.floats(1e-3, 400), st.integers(2, 30))
def test_any_logarithmic_range_has_ticks(low: float, span: float, most: int) -> None:
    ticks = log_ticks(low, min(low + span, 308), most)
    assert len(ticks) >= 2
    assert all(len(label) <= 12 for label in labels(ticks))


@settings(deadline=None)
@given(
    st.sampled_from(["step", "epoch", "time"]),
    st.floats(0, 1e12),
    st.floats(1e-3, 1e12),
    st.integers(8, 400),
)
def test_labels_on_an_axis_never_touch(kind: str, first: float, span: float, columns: int) -> None:
    first, last = usable_range(first, first + span)
    ticks = axis_ticks(kind, first, last, columns)  # type: ignore[arg-type]
    places = [round(tick.share * (columns - 1)) for tick in ticks]
    assert ticks
    for index in range(1, len(ticks)):
        widest = max(len(ticks[index - 1].label), len(ticks[index].label))
        assert places[index] - places[index - 1] > widest


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.18432, "0.184"), (12_345, "12.3k"), (1e-4, "1e-4"), (3e-4, "3e-4"), (100, "100"),
     (-2.5, "-2.5"), (0, "0"), (1e30, "1e30"), (999_999.9, "1M"), (float("nan"), "nan")],
)  # fmt: skip
def test_a_short_number_has_three_significant_digits(value: float, expected: str) -> None:
    assert short_number(value) == expected
