"""What a screen shows of a metric, against the points themselves."""

import math
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.runs.directory import create_run
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter

LAST = 60_000
SPIKE_AT, SPIKE = 31_415, 1e6
SOURCE = random.Random(1)
DENSE = {step: SOURCE.gauss(0, 1) for step in range(1, LAST + 1)}
DENSE |= {SPIKE_AT: SPIKE, 777: math.nan, 50_000: -math.inf}
SPARSE = {step: float(step) for step in range(25, LAST + 1, 25)}
POINTS = {"train/loss": DENSE, "grad_norm": SPARSE}


def recorded(batch: int) -> list[Numbered]:
    events = []
    for number, first in enumerate(range(1, LAST + 1, batch), start=1):
        last = min(first + batch - 1, LAST)
        dense = tuple(DENSE[step] for step in range(first, last + 1))
        sparse = tuple(step for step in range(first, last + 1) if step in SPARSE)
        points = [MetricPoints("train/loss", first, dense)]
        if sparse:
            values = tuple(SPARSE[step] for step in sparse)
            points.append(MetricPoints("grad_norm", sparse[0], values, sparse))
        event = StepsTaken(10.0 * last, first, last, last / 1000, last * 2.0, tuple(points))
        events.append(Numbered(1, number, event))
    return events


@pytest.fixture(scope="module")
def reader() -> Iterator[RunReader]:
    with tempfile.TemporaryDirectory() as folder:
        directory = create_run(Path(folder), "demo", None, "")
        with RunWriter(directory) as writer:
            writer.record(recorded(batch=137))
        with RunReader(directory) as opened:
            yield opened


def test_all_points_come_back_at_full_resolution(reader: RunReader) -> None:
    for name, points in POINTS.items():
        assert [(s, repr(v)) for s, v in reader.curves.points(name)] == [
            (s, repr(v)) for s, v in points.items()
        ]


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(POINTS)),
    edges=st.tuples(st.integers(0, LAST + 500), st.integers(0, LAST + 500)),
    columns=st.integers(1, 400),
)
def test_columns_cover_just_the_steps_asked_for_and_miss_no_point(
    reader: RunReader, name: str, edges: tuple[int, int], columns: int
) -> None:
    first, last = min(edges), max(edges)
    series = reader.curves.series(name, first, last, columns)
    inside = {step: v for step, v in POINTS[name].items() if first <= step <= last}
    finite = [value for value in inside.values() if math.isfinite(value)]
    assert series.width <= columns
    assert sum(column.count for column in series.columns) == len(inside)
    assert sum(c.nonfinite for c in series.columns) == len(inside) - len(finite)
    assert [c.index for c in series.columns] == sorted({c.index for c in series.columns})
    for column in series.columns:
        own = [v for s, v in inside.items() if column.first_step <= s <= column.last_step]
        real = [value for value in own if math.isfinite(value)]
        assert column.count == len(own)
        if real:
            assert (column.minimum, column.maximum) == (min(real), max(real))
            assert math.isclose(column.mean, sum(real) / len(real), rel_tol=1e-9, abs_tol=1e-9)
        # A column shows its own steps, give or take a quarter of its width at either border.
        width = (last - first + 1) / series.width
        assert column.first_step >= first + (column.index - 0.25) * width - 1
        assert column.last_step <= first + (column.index + 1.25) * width + 1


@settings(max_examples=25, deadline=None)
@given(
    edges=st.tuples(st.integers(1, 3000), st.integers(1000, 20_000)),
    parts=st.lists(st.integers(1, 3000), min_size=2, max_size=6),
    columns=st.integers(1, 300),
)
def test_a_curve_that_grows_is_what_it_would_be_if_it_were_read_anew(
    edges: tuple[int, int], parts: list[int], columns: int
) -> None:
    first, last = edges[0], edges[0] + edges[1]
    with tempfile.TemporaryDirectory() as folder:
        directory = create_run(Path(folder), "demo", None, "")
        with RunWriter(directory) as writer, RunReader(directory) as reader:
            step, grown = 0, None
            for number, count in enumerate(parts, start=1):
                values = tuple(DENSE[n] for n in range(step + 1, step + count + 1))
                points = (MetricPoints("train/loss", step + 1, values),)
                step += count
                event = StepsTaken(step, step - count + 1, step, step / 100, step, points)
                writer.record([Numbered(1, number, event)])
                grown = reader.curves.series("train/loss", first, last, columns, grown)
                fresh = reader.curves.series("train/loss", first, last, columns)
                assert [c.index for c in grown.columns] == [c.index for c in fresh.columns]
                for one, other in zip(grown.columns, fresh.columns, strict=True):
                    assert repr((one.minimum, one.maximum, one.count, one.nonfinite)) == repr(
                        (other.minimum, other.maximum, other.count, other.nonfinite)
                    )
                    assert (one.first_step, one.last_step) == (other.first_step, other.last_step)


def test_a_spike_of_one_step_is_seen_at_every_width(reader: RunReader) -> None:
    for columns in (1, 7, 80, 300, 5000):
        series = reader.curves.series("train/loss", columns=columns)
        (seen,) = [column for column in series.columns if column.maximum == SPIKE]
        assert seen.first_step <= SPIKE_AT <= seen.last_step


def test_columns_without_a_finite_value_say_so(reader: RunReader) -> None:
    (column,) = reader.curves.series("train/loss", 777, 777).columns
    assert column.nonfinite == 1
    assert math.isnan(column.mean)


def test_best_and_last_values_come_with_their_steps(reader: RunReader) -> None:
    rows = {row.name: row for row in reader.curves.metrics()}
    low = min((v, s) for s, v in DENSE.items() if math.isfinite(v))
    assert (rows["train/loss"].best, rows["train/loss"].best_step) == low
    assert (rows["train/loss"].last, rows["train/loss"].last_step) == (DENSE[LAST], LAST)
    assert rows["grad_norm"].last_step == LAST
    assert (rows["grad_norm"].best, rows["grad_norm"].best_step) == (None, None)


def test_an_unknown_metric_and_an_empty_range_have_no_columns(reader: RunReader) -> None:
    assert reader.curves.series("none").columns == ()
    assert reader.curves.series("train/loss", 10, 5).columns == ()
    assert list(reader.curves.points("none")) == []


def test_the_time_and_epoch_of_any_step_are_known_between_messages(reader: RunReader) -> None:
    at = reader.steps.progress_at(30_000)
    assert at is not None
    assert at.time == pytest.approx(300_000)
    assert at.epoch == pytest.approx(30)
    times = reader.steps.step_times(1, LAST, columns=50)
    assert len(times) == 51
    assert (times[0].step, times[-1].step) == (1, LAST)
    assert [row.time for row in times] == sorted(row.time for row in times)
