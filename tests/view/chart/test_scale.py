import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.runs.rows import ProgressRow
from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.scale import Ruler, Window, ruler

PLACES = st.floats(0, 1e6)
WHOLE = Window(0.0, 1e6)
ROWS = (
    ProgressRow(100, 1000.0, 1.0, 10.0),
    ProgressRow(200, 90_000.0, 2.0, 30.0),
    ProgressRow(300, 90_010.0, 3.0, 40.0),
)


@given(PLACES, st.floats(1, 1e6), st.floats(0.1, 10))
def test_zooming_keeps_the_place_under_the_cursor(first: float, span: float, factor: float) -> None:
    window = Window(first, first + span)
    around = first + span / 4
    zoomed = window.zoom(factor, around)
    assert zoomed.span == pytest.approx(span * factor, rel=1e-6)
    assert (around - zoomed.first) / zoomed.span == pytest.approx(0.25, abs=1e-6)
    assert window.zoom(factor).first == pytest.approx(first + span / 2 * (1 - factor), abs=1e-3)


@given(st.floats(-1e7, 1e7), st.floats(0, 1e7))
def test_a_clamped_window_lies_within_the_whole(first: float, span: float) -> None:
    window = Window(first, first + span).clamp(WHOLE)
    assert WHOLE.first <= window.first < window.last <= WHOLE.last


def test_panning_and_following_keep_the_width() -> None:
    window = Window(100.0, 300.0)
    assert window.pan(0.25) == Window(150.0, 350.0)
    assert window.pan(-0.25) == Window(50.0, 250.0)
    assert window.follow(1000.0) == Window(800.0, 1000.0)


def test_steps_become_epochs_and_training_time_and_back() -> None:
    epochs, time = ruler("epoch", ROWS), ruler("time", ROWS)
    assert [epochs.at(step) for step in (0, 50, 150, 300, 999)] == [0.0, 0.5, 1.5, 3.0, 3.0]
    assert [time.at(step) for step in (0, 50, 150, 300)] == [0.0, 5.0, 20.0, 40.0]
    assert [time.step_at(place) for place in (0, 5, 20, 40)] == [0, 50, 150, 300]
    assert ruler("step", ROWS).at(150) == ruler("step", ()).step_at(150) == 150


def test_a_line_moves_to_the_axis_with_its_values() -> None:
    line = Line("train", (50.0, 150.0), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0), 0)
    placed = ruler("epoch", ROWS).place(line)
    assert placed.x == (0.5, 1.5)
    assert placed.mean == line.mean


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1e6)), max_size=20), PLACES, PLACES)
def test_an_axis_never_runs_backwards(
    rows: list[tuple[int, float]], one: float, other: float
) -> None:
    made = ruler("time", [ProgressRow(step, 0.0, 0.0, at) for step, at in sorted(rows)])
    low, high = sorted((one, other))
    assert made.at(low) <= made.at(high)
    assert made.step_at(low) <= made.step_at(high)


def test_an_axis_without_rows_has_no_places() -> None:
    assert math.isnan(Ruler("time").at(3))
    assert ruler("time", ()).at(3) == 0.0
