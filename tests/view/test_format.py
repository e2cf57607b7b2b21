import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view import format as text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"), (0.31, "0.3 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1m 00s"),
        (185, "3m 05s"), (3599.7, "1h 00m"), (8040, "2h 14m"), (86400 * 5 + 3 * 3600, "5d 03h"),
        (-61, "-1m 01s"), (None, "-"), (math.nan, "-"), (math.inf, "-"),
    ],
)  # fmt: skip
def test_a_duration_names_its_two_largest_units(seconds: float | None, expected: str) -> None:
    assert text.duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "now"), (-5, "now"), (59, "now"), (61, "1 min ago"), (7200, "2 h ago"),
     (86400 * 3, "3 d ago"), (86400 * 15, "2 w ago"), (86400 * 800, "2 y ago"), (None, "-")],
)  # fmt: skip
def test_an_age_names_one_unit(seconds: float | None, expected: str) -> None:
    assert text.age(seconds) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (950, "950"), (999.6, "1.00k"), (12_345, "12.3k"), (999_999, "1.00M"),
     (4_567_000, "4.57M"), (2.5e9, "2.50G"), (-1500, "-1.50k"), (0.25, "0.25"), (None, "-")],
)  # fmt: skip
def test_a_count_fits_a_narrow_column(number: float | None, expected: str) -> None:
    assert text.count(number) == expected


@given(st.floats(min_value=0, max_value=1e14))
def test_a_count_never_takes_more_than_six_cells(number: float) -> None:
    assert len(text.count(round(number))) <= 6


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "0.98 KiB"), (1024, "1.00 KiB"), (307e6, "293 MiB"),
     (139 * 2**30, "139 GiB"), (None, "-")],
)  # fmt: skip
def test_a_size_is_in_binary_units(number: float | None, expected: str) -> None:
    assert text.size(number) == expected


def test_a_share_is_a_hundred_percent_only_when_done() -> None:
    assert text.percent(999, 1000) == "99%"
    assert text.percent(1000, 1000) == "100%"
    assert text.percent(1, None) == "-"
    assert text.rate(12_345, "samples") == "12.3k samples/s"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.98765, "0.9877"), (1.23456, "1.235"), (123.456, "123.5"), (98765.4, "98765"),
     (1e-5, "1.000e-05"), (-2.5e7, "-2.500e+07"), (0, "0.0000"), (math.nan, "nan"),
     (math.inf, "inf"), (-math.inf, "-inf"), (None, "-")],
)  # fmt: skip
def test_a_metric_has_four_significant_digits(value: float | None, expected: str) -> None:
    assert text.metric_value(value) == expected


@given(st.text())
def test_nothing_foreign_can_act_on_the_terminal(foreign: str) -> None:
    assert text.sanitise(foreign).isprintable()
    lines = text.sanitise_lines(foreign)
    assert all(line.isprintable() for line in lines.split("\n"))
    lines.encode("utf-8")


def test_harmless_text_stays_as_it_is_and_escapes_become_visible() -> None:
    assert text.sanitise("Grüße 数字 1/2") == "Grüße 数字 1/2"
    assert text.sanitise("\x1b[31mred\x07\x9b") == "\\x1b[31mred\\x07\\x9b"
    assert text.sanitise("a\u202eb\ud800") == "a\\u202eb\\ud800"
    assert text.sanitise_lines("10%\r20%\r\ndone\tok\n") == "10%\n20%\ndone    ok\n"


def test_a_tables_columns_line_up_whatever_they_hold() -> None:
    shown = text.table(("NAME", "N"), [("数字", "1"), ("a", "200")], ("left", "right"))
    assert shown == "NAME    N\n数字    1\na     200"
    assert len({text.display_width(line) for line in shown.split("\n")}) == 1


@given(st.text(alphabet="ab数字e\u0301", max_size=30), st.integers(3, 20))
def test_shortened_text_fits(foreign: str, width: int) -> None:
    assert text.display_width(text.shorten(foreign, width)) <= width
