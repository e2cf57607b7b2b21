from hypothesis import given
from hypothesis import strategies as st

from tuitrain.view.format import display_width
from tuitrain.view.spans import Span, SpanLine, changed_cells, fit_line

SPANS = st.builds(Span, st.text("─a数", max_size=14), st.sampled_from(["", "title"]))
LINES = st.lists(SPANS, max_size=4).map(tuple)


def cells(line: SpanLine) -> list[tuple[str, str]]:
    """Return what is in each cell; a wide character's second one has to be painted with it."""
    return [
        (character * (place + 1), span.style)
        for span in line
        for character in span.text
        for place in range(display_width(character))
    ]


@given(LINES, LINES, st.integers(1, 40))
def test_painting_the_changed_cells_alone_shows_the_new_line(
    before: SpanLine, after: SpanLine, width: int
) -> None:
    shown, wanted = cells(fit_line(before, width)), cells(fit_line(after, width))
    for first, end in changed_cells(before, after, width):
        assert 0 <= first < end <= width
        shown[first:end] = wanted[first:end]
    assert shown == wanted


def test_the_dots_of_a_line_that_was_too_long_go_with_it() -> None:
    rules = [(Span("─" * length, "axis"),) for length in (20, 10)]
    assert changed_cells(rules[0], rules[1], 10) == [(7, 10)]
