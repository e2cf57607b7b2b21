"""The heat map: the part around its cursor, readable without colour, at any number of classes."""

import numpy as np
import pytest

from tuitrain.view.chart.figure import Size, TerminalStyle
from tuitrain.view.results.heat import (
    HeatMap,
    Place,
    cell_words,
    frame_for,
    heat_lines,
    largest_mistakes,
    shorten_names,
)
from tuitrain.view.spans import SpanLine, line_width, plain_text

SMALL = np.array([[8, 2, 0], [0, 10, 0], [5, 0, 0]])
NAMES = ("cat", "dog", "bird")
COLOUR, PLAIN = TerminalStyle(), TerminalStyle(ascii=True, colour=False)


def hundred() -> HeatMap:
    random = np.random.default_rng(0)
    counts = np.diag(random.integers(1, 900, 100)) + random.integers(0, 3, (100, 100))
    return HeatMap.of(counts, tuple(f"class number {place}" for place in range(100)))


def drawn(
    heat: HeatMap, cursor: Place, size: Size, look: TerminalStyle = COLOUR
) -> tuple[list[SpanLine], Place]:
    frame = frame_for(heat, size)
    first = frame.follow(Place(0, 0), cursor)
    return heat_lines(heat, cursor, first, frame, look), first


def test_every_cell_stands_under_its_class_and_the_picked_one_in_brackets() -> None:
    lines, _first = drawn(HeatMap.of(SMALL, NAMES), Place(0, 1), Size(60, 10))
    text = [plain_text(line).split() for line in lines]
    assert text == [
        ["true\\as", "cat", "dog", "bird"],
        ["cat", "8", "[2]", "."],
        ["dog", ".", "10", "."],
        ["bird", "5", ".", "."],
    ]


def test_shares_are_of_each_true_class() -> None:
    heat = HeatMap(SMALL, NAMES, 5, shares=True)
    assert (heat.text(0, 0), heat.text(0, 1), heat.text(0, 2)) == ("80", "20", "")
    assert HeatMap(np.array([[999, 1], [0, 1]]), ("a", "b"), 1, shares=True).text(0, 1) == "<1"


def test_right_ones_are_as_hot_as_their_share_and_wrong_ones_as_the_most_of_any() -> None:
    heat = HeatMap.of(SMALL, NAMES)
    assert (heat.level(0, 0), heat.level(1, 1), heat.level(2, 2)) == (4, 4, 0)
    assert (heat.level(2, 0), heat.level(0, 1)) == (4, 2)


def test_styles_tell_right_from_wrong_and_without_colour_signs_say_how_many() -> None:
    heat = HeatMap.of(SMALL, NAMES)
    styles = {span.style for line in drawn(heat, Place(0, 2), Size(60, 10))[0] for span in line}
    assert {"right4", "wrong4", "wrong2", "picked"} <= styles
    plain, _first = drawn(heat, Place(0, 2), Size(60, 10), PLAIN)
    assert "#8" in plain_text(plain[1]) and ":2" in plain_text(plain[1])
    assert all(plain_text(line).isascii() for line in plain)


@pytest.mark.parametrize("size", [Size(60, 10), Size(80, 14), Size(200, 50), Size(20, 4)])
@pytest.mark.parametrize("cursor", [Place(0, 0), Place(99, 99), Place(50, 3)])
def test_of_many_classes_the_part_around_the_cursor_is_drawn(size: Size, cursor: Place) -> None:
    lines, _first = drawn(hundred(), cursor, size)
    assert len(lines) <= size.height
    assert max(map(line_width, lines)) <= size.width
    assert sum(span.style == "picked" for line in lines for span in line) == 1


def test_a_step_scrolls_no_more_than_it_must() -> None:
    frame = frame_for(hundred(), Size(80, 14))
    first = frame.follow(Place(0, 0), Place(13, 0))
    assert first == Place(1, 0)
    assert frame.follow(first, Place(12, 0)) == first
    assert frame.follow(first, Place(0, 0)) == Place(0, 0)


def test_the_cell_at_a_place_is_the_one_that_is_drawn_there() -> None:
    heat = hundred()
    cursor, size = Place(40, 60), Size(80, 14)
    frame = frame_for(heat, size)
    lines, first = drawn(heat, cursor, size)
    for y, line in enumerate(lines):
        text = "".join(span.text for span in line)
        if "[" in text:
            assert frame.place_at(first, text.index("["), y, 100) == cursor
    assert frame.place_at(first, 0, 3, 100) is None
    assert frame.place_at(first, frame.label, 0, 100) is None


def test_a_cell_says_in_full_what_it_is() -> None:
    heat = HeatMap.of(SMALL, NAMES)
    assert cell_words(heat, Place(0, 1)) == "cat, taken for dog: 2 of 10 (20.0%)"
    assert cell_words(heat, Place(1, 1)) == "dog, taken for it: 10 of 10 (100.0%)"


def test_mistakes_are_walked_from_the_largest_on() -> None:
    assert largest_mistakes(SMALL) == [Place(2, 0), Place(0, 1)]


@pytest.mark.parametrize(("names", "width", "expected"), [
    (("setosa", "virginica"), 9, ["setosa", "virginica"]),
    (("setosa", "virginica"), 3, ["set", "vir"]),
    (("class 1", "class 22"), 3, ["1", "22"]),
    (("x-one-y", "x-two-y"), 6, ["x-o...", "x-t..."]),
    (("same", "same"), 3, ["0", "1"]),
    (("猫猫", "猫犬"), 2, ["猫", "犬"]),
])  # fmt: skip
def test_names_in_headings_differ_where_they_can(
    names: tuple[str, ...], width: int, expected: list[str]
) -> None:
    assert shorten_names(names, width) == expected
