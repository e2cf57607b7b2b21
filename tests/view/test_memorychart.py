import math

import pytest

from tuitrain.runs.rows import AlertRow, BatchMark, CheckpointRow, MarkRow
from tuitrain.runs.series import Column, Series
from tuitrain.view.memory.chart import (
    Curve,
    Drawn,
    Peak,
    Story,
    curves_of,
    memory_chart,
    peak_curves,
    peak_words,
)

GIB = 1024**3
BEGUN = 1_000_000.0
TENSORS = Curve("tensors", "torch/allocated_bytes", 0, "torch/peak_allocated_bytes")


def series(values: dict[int, float], last: int = 99) -> Series:
    """Return readings by second of the run, a column each."""
    columns = tuple(
        Column(second, int(BEGUN) + second, int(BEGUN) + second, 1, value, value, value, 0)
        for second, value in values.items()
    )
    return Series("any", int(BEGUN), int(BEGUN) + last, last + 1, columns)


def chart(*drawn: Drawn, story: Story = Story(), last: float = 100.0) -> tuple:  # noqa: B008
    return memory_chart(drawn, (BEGUN, BEGUN + last), BEGUN, story)


def test_a_column_reaches_up_to_the_peak_between_two_readings() -> None:
    low, high = {0: 1.0 * GIB, 1: 1.0 * GIB}, {0: 3.0 * GIB, 1: math.nan}
    made, unit = chart(Drawn(TENSORS, series(low), series(high)))
    (line,) = made.lines
    assert unit == "GiB"
    assert line.high == (3.0, 1.0)
    assert line.low == line.mean == (1.0, 1.0)
    assert made.y_range == (0.0, pytest.approx(3.15))


def test_time_counts_from_the_begin_and_is_not_drawn_where_nothing_was_read() -> None:
    made, _unit = chart(Drawn(TENSORS, series({0: 5.0, 1: 5.0, 80: 5.0, 81: 5.0})))
    (line,) = made.lines
    assert line.x == (0, 1, 40.5, 80, 81)
    assert math.isnan(line.mean[2])
    assert line.nonfinite == (0, 0, 0, 0, 0)
    assert made.x_range == (0.0, 100.0)


@pytest.mark.parametrize(
    ("most", "unit"), [(3 * GIB, "GiB"), (5 * 1024**2, "MiB"), (2000.0, "KiB"), (0.0, "B")]
)
def test_the_unit_fits_the_most_that_is_shown(most: float, unit: str) -> None:
    assert chart(Drawn(TENSORS, series({0: most})))[1] == unit


def test_evaluations_checkpoints_batch_changes_and_memory_that_ran_out_are_marked() -> None:
    saved = CheckpointRow("p", 1, BEGUN + 20, (), "", 1, 0.0, 0.0, {}, None, "", False)
    split = MarkRow(1, BEGUN + 30, "batch", "text", BatchMark(64, 32))
    setting = MarkRow(1, BEGUN + 31, "setting", "text")
    alerts = [
        AlertRow(1, BEGUN + 40, "oom", "text"),
        AlertRow(1, BEGUN + 50, "spike", "text"),
        AlertRow(1, BEGUN + 500, "oom", "later than what is seen"),
    ]
    story = Story([BEGUN + 10], [saved], [split, setting], alerts)
    made, _unit = chart(Drawn(TENSORS, series({0: 1.0})), story=story)
    assert [(mark.x, mark.kind, mark.text) for mark in made.marks] == [
        (10, "evaluation", ""),
        (20, "checkpoint", ""),
        (30, "batch", "batch 32"),
        (40, "alert", "oom"),
    ]


def test_the_workers_own_view_is_drawn_of_the_device_it_trains_on_alone() -> None:
    names = {
        prefix: [curve.name for curve in curves_of(prefix, "gpu0")]
        for prefix in ("gpu0", "gpu1", "host")
    }
    assert "torch/allocated_bytes" in names["gpu0"]
    assert "host/worker_rss_bytes" in names["gpu0"]
    assert not [name for name in names["gpu1"] + names["host"] if name.startswith("torch/")]
    assert peak_curves("gpu0", "gpu0")[0].name == "torch/peak_allocated_bytes"


def test_a_peak_is_told_with_its_time() -> None:
    assert peak_words(None) == ""
    assert peak_words(Peak("tensors", 2.0 * GIB, BEGUN)).startswith("peak tensors 2.00 GiB at ")
