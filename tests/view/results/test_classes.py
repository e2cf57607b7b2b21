"""The table of classes: sorted by any column, at any width."""

import math
from collections.abc import Sequence

import pytest

from tests.analysis.test_evaluation import classified
from tuitrain.analysis.evaluation import make_report
from tuitrain.view.results.classes import (
    ClassRow,
    Order,
    class_table,
    columns_for,
    head_line,
    in_order,
    row_line,
)
from tuitrain.view.spans import line_width, plain_text

FOUND = classified()
assert FOUND.counts is not None
ROWS = class_table(make_report(FOUND), FOUND.counts)


def test_what_is_missed_and_what_is_taken_for_it_are_counted() -> None:
    table = FOUND.counts.confusion if FOUND.counts else ()
    for row in ROWS:
        own = [line[row.number] for line in table or ()]
        assert row.figures["missed"] == sum((table or ())[row.number]) - own[row.number]
        assert row.figures["taken"] == sum(own) - own[row.number]


@pytest.mark.parametrize("column", ["precision", "recall", "f1", "support", "missed", "taken"])
def test_a_column_sorts_from_its_worst_and_the_other_way_round(column: str) -> None:
    order = Order().by(column)
    values = [row.figures[column] for row in in_order(ROWS, order)]
    assert values == sorted(values, reverse=column in ("support", "missed", "taken"))
    assert [row.figures[column] for row in in_order(ROWS, order.by(column))] == values[::-1]


def test_the_class_itself_sorts_in_the_order_of_the_classes() -> None:
    assert [row.number for row in in_order(ROWS, Order())] == [0, 1, 2]
    assert [row.number for row in in_order(ROWS, Order().by("class"))] == [2, 1, 0]


@pytest.mark.parametrize("descending", [False, True])
def test_a_class_without_a_figure_comes_last(descending: bool) -> None:
    rows = [ClassRow(0, "a", {"iou": math.nan}), ClassRow(1, "b", {"iou": 0.5})]
    assert [row.number for row in in_order(rows, Order("iou", descending))] == [1, 0]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 160])
def test_headings_and_rows_are_aligned_and_fit(width: int) -> None:
    columns = columns_for(ROWS, width)
    head = head_line(columns, Order("f1"))
    lines = [head, *(row_line(row, columns) for row in ROWS)]
    assert {line_width(line) for line in lines} == {line_width(head)}
    assert line_width(head) <= width


def test_a_place_on_the_headings_is_its_column() -> None:
    columns = columns_for(ROWS, 80)
    text = plain_text(head_line(columns, Order("f1", descending=True)))
    assert "F1v" in text
    for title, name in (("PRECISION", "precision"), ("F1v", "f1"), ("TAKEN", "taken")):
        assert columns.at(text.index(title) + len(title) - 1) == name
    assert columns.at(1) == "class"
    assert columns.at(0) is None
    assert columns.at(200) is None


def test_names_of_any_length_and_script_keep_the_columns() -> None:
    def rows(names: Sequence[str]) -> list[ClassRow]:
        return [ClassRow(place, name, {"f1": 0.5}) for place, name in enumerate(names)]

    made = rows(["a", "very long name of a class that nobody can read in a table", "猫" * 30])
    columns = columns_for(made, 50)
    assert {line_width(row_line(row, columns)) for row in made} == {columns.name_width + 1 + 10}
