from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.format import display_width
from tuitrain.view.logtext import (
    cut_left,
    harmless,
    split_matches,
    text_pattern,
    wrap_starts,
)

LINES = st.text(st.characters(exclude_categories=["C"]), max_size=200)


@given(st.binary(max_size=300))
def test_no_byte_of_a_log_can_act_on_a_terminal(line: bytes) -> None:
    assert harmless(line).isprintable()


def test_colours_are_left_out_and_other_sequences_are_shown_as_text() -> None:
    assert harmless(b"\x1b[1;31mred\x1b[0m") == "red"
    assert harmless(b"a\x1b]0;title\x07b\tc") == "a\\x1b]0;title\\x07b    c"


@given(LINES, st.integers(2, 50))
def test_wrapped_rows_together_are_the_line_and_none_is_too_wide(text: str, width: int) -> None:
    starts = wrap_starts(text, width)
    rows = [text[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    assert "".join(rows) == text
    assert all(display_width(row) <= width for row in rows)


@given(LINES, st.integers(0, 100))
def test_what_is_scrolled_away_on_the_left_is_exactly_so_wide(text: str, cells: int) -> None:
    left = max(0, display_width(text) - cells)
    assert display_width(cut_left(text, cells)) == left


@given(LINES, LINES.filter(bool))
def test_a_line_in_parts_is_still_the_line(text: str, needle: str) -> None:
    parts = split_matches(text, text_pattern(needle))
    assert "".join(part for part, _ in parts) == text


def test_small_letters_find_capitals_and_capitals_only_themselves() -> None:
    assert text_pattern("error").search("RuntimeError:")
    assert text_pattern("a.c").search("abc") is None
    assert text_pattern("ERROR").search("RuntimeError:") is None
