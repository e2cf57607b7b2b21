import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view import format as text


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
