import math

from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.chart.spark import sparkline
from tuitrain.view.format import display_width

UNICODE, ASCII = TerminalStyle(), TerminalStyle(ascii=True)
ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(ANY, max_size=80), st.integers(0, 30), st.booleans())
def test_any_values_fill_the_width(values: list[float], width: int, plain: bool) -> None:
    line = sparkline(values, width, TerminalStyle(ascii=plain))
    assert display_width(line) == width
    assert line.isascii() or not plain


def test_sparklines_read_like_this() -> None:
    falling = [math.exp(-place / 5) for place in range(20)]
    assert sparkline(falling, 10, UNICODE) == "⠑⠒⠤⠤⢄⣀⣀⣀⣀⣀"
    assert sparkline(falling, 10, ASCII) == "^=-...____"
    assert sparkline([1.0, 1.0], 3, ASCII) == "-- "
    assert sparkline([1.0, math.nan, 2.0], 4, ASCII) == "_ ^ "
    assert sparkline([], 4, UNICODE) == "    "
