import math

import pytest

from tuitrain.view.chart.figure import AxisKind, Chart, Line
from tuitrain.view.chart.readout import pack, place_text, readings
from tuitrain.view.chart.smooth import smooth_line
from tuitrain.view.spans import Span, line_width, plain_text


def line_of(label: str, values: dict[float, float], slot: int = 0) -> Line:
    numbers = tuple(values.values())
    return Line(label, tuple(values), numbers, numbers, numbers, slot)


TRAIN = line_of("train", {float(step): 1.0 / step for step in range(1, 101)})
VAL = line_of("val", {50.0: 0.25, 100.0: math.nan}, 1)


def words(chart: Chart) -> list[str]:
    return [span.text.strip() for span in readings(chart, 50)]


def test_each_curve_says_its_value_and_from_where_when_it_is_not_from_the_cursor() -> None:
    chart = Chart("", (TRAIN, VAL), (1.0, 100.0), cursor=40.0)
    assert words(chart) == ["train 0.0250", "val 0.2500 (at 50)"]
    assert [span.style for span in readings(chart, 50)] == ["line0", "line1"]
    assert readings(Chart("", (TRAIN,), (1.0, 100.0)), 50) == []


def test_what_is_smoothed_is_read_out_beside_what_was_measured() -> None:
    lines = (*smooth_line(TRAIN, 0.9), *smooth_line(line_of("older train", {50.0: 2.0}, 3), 0.9))
    found = words(Chart("", lines, (1.0, 100.0), cursor=50.0))
    assert found[0].startswith("train raw 0.0200 smooth 0.0")
    assert found[1] == "older train raw 2.000 smooth 2.000"


@pytest.mark.parametrize(
    ("axis", "text"), [("step", "1,234"), ("epoch", "1234.00"), ("time", "20m 34s")]
)
def test_a_place_is_told_in_the_units_of_its_axis(axis: AxisKind, text: str) -> None:
    assert place_text(axis, 1234.0) == text


def test_values_take_as_many_lines_as_they_need_and_dots_say_that_some_are_left_out() -> None:
    spans = [Span(f" value {number}") for number in range(9)]
    assert [plain_text(line) for line in pack(spans[:4], 20, 2)] == [
        " value 0 value 1", " value 2 value 3",
    ]  # fmt: skip
    lines = pack(spans, 20, 2)
    assert plain_text(lines[-1]) == " value 2 value 3 ..."
    assert all(line_width(line) <= 20 for line in lines)


def test_a_place_on_an_axis_of_powers_is_the_number_itself() -> None:
    assert [place_text("power", place) for place in (-3.0, -4.5, 1.0)] == ["1e-3", "3.16e-5", "10"]
