import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain import units

GIB = 1024**3


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"), (0.31, "0.3 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1m 00s"),
        (185, "3m 05s"), (3599.7, "1h 00m"), (8040, "2h 14m"), (86400 * 5 + 3 * 3600, "5d 03h"),
        (-61, "-1m 01s"), (None, "-"), (math.nan, "-"), (math.inf, "-"),
    ],
)  # fmt: skip
def test_a_duration_names_its_two_largest_units(seconds: float | None, expected: str) -> None:
    assert units.duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "now"), (-5, "now"), (59, "now"), (61, "1 min ago"), (7200, "2 h ago"),
     (86400 * 3, "3 d ago"), (86400 * 15, "2 w ago"), (86400 * 800, "2 y ago"), (None, "-")],
)  # fmt: skip
def test_an_age_names_one_unit(seconds: float | None, expected: str) -> None:
    assert units.age(seconds) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (950, "950"), (999.6, "1.00k"), (12_345, "12.3k"), (999_999, "1.00M"),
     (4_567_000, "4.57M"), (2.5e9, "2.50G"), (-1500, "-1.50k"), (0.25, "0.25"), (None, "-")],
)  # fmt: skip
def test_a_count_fits_a_narrow_column(number: float | None, expected: str) -> None:
    assert units.count(number) == expected


@given(st.floats(min_value=0, max_value=1e14))
def test_a_count_never_takes_more_than_six_cells(number: float) -> None:
    assert len(units.count(round(number))) <= 6


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "0.98 KiB"), (1024, "1.00 KiB"), (307e6, "293 MiB"),
     (139 * 2**30, "139 GiB"), (None, "-")],
)  # fmt: skip
def test_a_size_is_in_binary_units(number: float | None, expected: str) -> None:
    assert units.size(number) == expected


def test_a_share_is_a_hundred_percent_only_when_done() -> None:
    assert units.percent(999, 1000) == "99%"
    assert units.percent(1000, 1000) == "100%"
    assert units.percent(1, None) == "-"
    assert units.rate(12_345, "samples") == "12.3k samples/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 us"),
        (61.24e-6, "61.2 us"),
        (999.7e-6, "1.00 ms"),
        (3.1e-3, "3.10 ms"),
        (0.2, "200 ms"),
        (1.2, "1.20 s"),
        (1234.0, "1234 s"),
    ],
)
def test_short_times_keep_three_digits(seconds: float, text: str) -> None:
    assert units.short_time(seconds) == text


@pytest.mark.parametrize(
    ("used", "total", "text"),
    [
        (18.2 * GIB, 141 * GIB, "18.2/141 GiB"),
        (0, 80 * GIB, "0.0/80 GiB"),
        (100 * GIB, 141 * GIB, "100/141 GiB"),
        (512 * 1024**2, 1536 * 1024**2, "0.5/1.5 GiB"),
    ],
)
def test_a_share_is_told_in_the_unit_of_the_whole(used: float, total: float, text: str) -> None:
    assert units.of_total(used, total) == text


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (0, "0 us"),
        (0.5, "0.50 us"),
        (431.2, "431 us"),
        (999.6, "1.00 ms"),
        (12_345, "12.3 ms"),
        (999_600, "1.00 s"),
        (75e6, "75.0 s"),
        (-431, "-431 us"),
    ],
)
def test_times_have_three_digits_and_a_unit(us: float, words: str) -> None:
    assert units.us_text(us) == words


def test_a_share_that_is_not_nothing_is_not_shown_as_nothing() -> None:
    assert [units.share_text(share) for share in (0.0, 0.001, 0.41, 1.0)] == [
        "0 %", "<1 %", "41 %", "100 %",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "rough", "in_words"),
    [(0, "0.0 B", "0 bytes"), (1000, "1.0 KiB", "1000 bytes"), (3_355_443, "3.2 MiB", "3.2 MiB"),
     (141 * 2**30, "141 GiB", "141 GiB"), (1023 * 2**20, "1.0 GiB", "1023 MiB")],
)  # fmt: skip
def test_a_size_in_a_sentence_is_short_or_exact(number: int, rough: str, in_words: str) -> None:
    assert units.rough_size(number) == rough
    assert units.size_words(number) == in_words


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0128, "12.8 ms"), (5.1, "5.1 s"), (84, "84 s"), (14 * 60, "14 min"), (5.2 * 3600, "5.2 h"),
     (3 * 86400, "3.0 days")],
)  # fmt: skip
def test_a_rough_duration_has_one_unit(seconds: float, expected: str) -> None:
    assert units.rough_time(seconds) == expected


def test_an_axis_has_the_largest_unit_that_its_values_reach() -> None:
    assert [units.size_unit(most) for most in (0, 1023, 1024, 3 * 2**30)] == [
        (1, "B"), (1, "B"), (1024, "KiB"), (2**30, "GiB"),
    ]  # fmt: skip
    assert [units.time_unit(usual)[1] for usual in (2.0, 0.5, 1e-4, 1e-9)] == [
        "s",
        "ms",
        "us",
        "us",
    ]
