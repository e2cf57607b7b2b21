import math

from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.bars import fill_of, percent_bar, progress_bar, stacked_bar
from tuitrain.view.chart.figure import TerminalStyle
from tuitrain.view.format import display_width
from tuitrain.view.spans import line_width

UNICODE, ASCII = TerminalStyle(), TerminalStyle(ascii=True)
LOOKS = st.builds(TerminalStyle, ascii=st.booleans(), colour=st.booleans())
ANY = st.floats(allow_nan=True, allow_infinity=True)
WIDTHS = st.integers(0, 60)


@given(ANY, WIDTHS, LOOKS)
def test_bars_of_any_share_fill_their_width(share: float, width: int, look: TerminalStyle) -> None:
    for bar in (progress_bar(share, width, look), percent_bar(share, width, look)):
        assert display_width(bar) == width
        assert bar.isascii() or not look.ascii


@given(st.lists(ANY, max_size=10), ANY, WIDTHS, LOOKS)
def test_a_stacked_bar_of_any_parts_fills_its_width(
    parts: list[float], total: float, width: int, look: TerminalStyle
) -> None:
    bar = stacked_bar(parts, total, width, look)
    assert line_width(bar) == width
    assert all(span.text.isascii() for span in bar) or not look.ascii


@given(st.floats(0, 1), st.integers(1, 60))
def test_a_progress_bar_is_full_only_at_the_end(share: float, width: int) -> None:
    full = progress_bar(share, width, ASCII) == "#" * width
    assert full is (share > 1 - 1e-9)


def test_bars_read_like_this() -> None:
    assert progress_bar(0.62, 10, ASCII) == "######----"
    assert progress_bar(0.62, 10, UNICODE) == "██████▏░░░"
    assert percent_bar(0.31, 15, ASCII) == "###         31%"
    assert percent_bar(0.31, 15, UNICODE) == "███         31%"
    assert percent_bar(1, 15, ASCII) == "########## 100%"
    assert percent_bar(0.31, 4, ASCII) == " 31%"


def test_parts_of_a_memory_differ_without_colour_and_small_ones_are_seen() -> None:
    bar = stacked_bar([9.1, 4.4, 0.1], 20.0, 20, ASCII)
    assert "".join(span.text for span in bar) == "#########=====+....."
    assert [span.style for span in bar] == ["line0", "line1", "line2", "axis"]
    for look in (UNICODE, ASCII):
        assert len({fill_of(slot, look) for slot in range(8)}) == 8


def test_parts_beyond_the_total_fill_the_bar() -> None:
    bar = stacked_bar([3.0, 1.0, math.nan, -1.0], 2.0, 8, ASCII)
    assert "".join(span.text for span in bar) == "######=="
