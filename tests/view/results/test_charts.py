"""Charts of an evaluation: curves, calibration, a scatter of numbers, the spread of errors."""

import numpy as np
import pytest

from tests.analysis.test_evaluation import classified, numbers
from tuitrain.analysis.evaluation import make_report
from tuitrain.analysis.statistics.score_curves import score_curves
from tuitrain.view.chart.chart import draw_chart
from tuitrain.view.chart.figure import Size, TerminalStyle
from tuitrain.view.chart.scatter import draw_scatter
from tuitrain.view.results.curves import (
    area_head,
    area_line,
    bin_lines,
    calibration_chart,
    precision_chart,
    roc_chart,
)
from tuitrain.view.results.numbers import histogram_lines, residual_lines
from tuitrain.view.spans import line_width, plain_text

COLOUR, PLAIN = TerminalStyle(), TerminalStyle(ascii=True, colour=False)
SIZES = [Size(80, 20), Size(30, 8), Size(5, 2), Size(0, 0)]
CURVES = score_curves(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))


@pytest.mark.parametrize("look", [COLOUR, PLAIN])
@pytest.mark.parametrize("size", SIZES)
def test_curves_are_drawn_at_any_size_and_without_any(size: Size, look: TerminalStyle) -> None:
    for curves in (CURVES, None):
        for chart in (roc_chart(curves), precision_chart(curves)):
            lines = draw_chart(chart, size, look).lines
            assert all(line_width(line) == size.width for line in lines)
            assert not look.ascii or all(plain_text(line).isascii() for line in lines)


def test_a_row_of_classes_has_the_areas_or_says_that_there_are_none() -> None:
    assert CURVES is not None
    head, line = plain_text(area_head(30)), plain_text(area_line("cat", CURVES, 30))
    assert head.split() == ["CLASS", "AUC", "AP"]
    assert line.split() == ["cat", "0.750", "0.833"]
    assert head.rindex("P") == line.rindex("3")
    assert plain_text(area_line("cat", None, 30)).split() == ["cat", "no", "samples"]


def test_calibration_is_a_chart_and_a_table_of_its_bins() -> None:
    bins = make_report(classified())["calibration"]["bins"]
    lines = [plain_text(line) for line in bin_lines(bins, COLOUR)]
    assert len(lines) == len(bins) + 1
    assert lines[0].split() == ["SURE", "RIGHT", "DIFFERENCE", "SAMPLES"]
    assert draw_chart(calibration_chart(bins), Size(40, 10), COLOUR).lines


@pytest.mark.parametrize("number", [0, 1, 50, 5000])
@pytest.mark.parametrize("look", [COLOUR, PLAIN])
@pytest.mark.parametrize("size", SIZES)
def test_points_are_drawn_at_any_size(number: int, look: TerminalStyle, size: Size) -> None:
    values = np.random.default_rng(0).normal(size=number)
    lines = draw_scatter(values, values * 2, size, look).lines
    assert len(lines) == size.height
    assert all(line_width(line) == size.width for line in lines)
    assert not look.ascii or all(plain_text(line).isascii() for line in lines)


def test_what_is_not_finite_is_left_out_of_the_points() -> None:
    x = np.array([0.0, 1.0, np.nan, np.inf])
    lines = draw_scatter(x, np.array([0.0, 1.0, 0.5, 0.5]), Size(40, 12), COLOUR).lines
    assert sum(plain_text(line).count("•") for line in lines) == 2


def test_a_point_on_the_diagonal_lies_on_it() -> None:
    lines = draw_scatter(np.array([0.0, 10.0]), np.array([0.0, 10.0]), Size(40, 12), COLOUR).lines
    text = [plain_text(line) for line in lines]
    first = next(line for line in text if "•" in line or "·" in line)
    assert first.endswith("•")


def test_errors_have_their_quantiles_and_a_bar_for_each_range() -> None:
    errors = np.random.default_rng(1).normal(size=80)
    found = numbers(errors)
    lines = residual_lines(make_report(found), errors[:, None], 0, 60, COLOUR)
    said = [plain_text(line) for line in lines]
    assert any(line.startswith("baseline, always the mean") for line in said)
    assert any("QUANTILE OF ERRORS" in line for line in said)
    counts = [int(line.split()[-1]) for line in said[-15:]]
    assert sum(counts) == 80
    assert max(line_width(line) for line in lines) <= 60


def test_errors_that_are_all_the_same_or_not_finite_are_drawn_too() -> None:
    assert len(histogram_lines(np.full(4, 2.0), 60, COLOUR)) == 15
    (line,) = histogram_lines(np.array([np.nan]), 60, COLOUR)
    assert plain_text(line) == "no finite error"
