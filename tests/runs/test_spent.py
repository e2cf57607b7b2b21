"""What a run's time went into, and the split of its last steps."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tuitrain import messages as m
from tuitrain.metric_names import WALL_METRIC, split_metric
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import FileLock
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import AttemptRow, StateRow
from tuitrain.runs.spent import held_s
from tuitrain.runs.writer import RunWriter

Number = Callable[..., list[m.Numbered]]
DATA = split_metric("data")


def split_at(step: int, data_s: float) -> m.StepsTaken:
    points = (
        m.MetricPoints(DATA, step, (data_s,)),
        m.MetricPoints(WALL_METRIC, step, (2 * data_s,)),
    )
    return m.StepsTaken(100.0 + step, step, step, 0.5, float(step), points)


def state(time: float, name: str) -> StateRow:
    return StateRow(time, name, "", None, "")


def test_each_point_of_a_split_counts_for_the_steps_it_stands_for(
    run: RunDirectory, number: Number
) -> None:
    with RunWriter(run) as writer, RunReader(run) as reader:
        writer.begin_attempt(1.0)
        assert reader.curves.split(3) == {}
        writer.record(number(split_at(10, 9.0)))
        assert reader.curves.split(3) == {DATA: 9.0, WALL_METRIC: 18.0}
        writer.record(number(split_at(20, 1.0), split_at(50, 5.0), start=2))
        # 10 steps of 1 s and 30 of 5 s; the first point's steps are not known.
        assert reader.curves.split(3)[DATA] == pytest.approx(4.0)
        assert reader.curves.split(1) == {DATA: 5.0, WALL_METRIC: 10.0}


def test_the_split_of_late_reaches_over_chunks_and_leaves_out_what_is_not_finite(
    run: RunDirectory, number: Number
) -> None:
    with RunWriter(run) as writer, RunReader(run) as reader:
        writer.begin_attempt(1.0)
        values = [float(step) for step in range(1, 515)]
        values[-2] = math.nan
        writer.record(number(*(split_at(i, value) for i, value in enumerate(values, start=1))))
        assert reader.curves.split(4)[DATA] == pytest.approx((511 + 512 + 514) / 3)


def test_evaluations_checkpoints_and_pauses_are_told_apart_from_steps(
    run: RunDirectory, number: Number
) -> None:
    with RunWriter(run) as writer:
        writer.begin_attempt(100.0)
        writer.record(
            number(
                m.WorkerStarted(100.0, 77),
                m.TrainingPrepared(110.0, 0, 100, 10, 5, "cpu", m.Environment()),
                split_at(30, 0.1),
                m.Evaluated(141.0, 30, 3.0, 4.0, {"val/loss": 1.0}, None),
                m.CheckpointSaved(
                    145.0, 30, "checkpoints/step-00000030.pt", ("last",), "0", 1, 0.5, 0.7, {}
                ),
                m.TrainingPaused(146.0, 30, "by command"),
                m.TrainingContinued(166.0, 30),
                m.TrainingEnded(200.0, 30, "stopped", "enough"),
            )
        )
    with RunReader(run) as reader:
        spent = reader.spent()
    assert (spent.worked_s, spent.train_s, spent.evaluation_s) == (100.0, 30.0, 4.0)
    assert (spent.checkpoint_s, spent.paused_s, spent.rest_s) == (0.5, 20.0, 45.5)


def test_a_released_run_is_held_by_nobody() -> None:
    states = [state(10.0, "running"), state(20.0, "paused"), state(500.0, "running")]
    lives = [AttemptRow(1, 5.0, 7, 21.0), AttemptRow(2, 490.0, 8, None)]
    # The first worker ended a second after it paused; the second one began before it ran.
    assert held_s(states, lives, 600.0) == 11.0
    assert held_s([state(10.0, "paused")], [AttemptRow(1, 5.0, 7, None)], 40.0) == 30.0


def test_a_record_without_steps_has_no_split(root: Path, run: RunDirectory) -> None:
    del root
    with RunReader(run) as reader:
        assert reader.curves.split(40) == {}
        assert reader.spent().train_s == 0.0


DAY_S = 86_400.0


@pytest.mark.parametrize("stepped_s", [10 * DAY_S, -10 * DAY_S])
def test_how_long_a_live_run_took_follows_its_supervisors_clock_where_that_of_the_day_was_set(
    run: RunDirectory, stepped_s: float
) -> None:
    with FileLock(run.lock_path), RunWriter(run) as writer:
        writer.begin_attempt(1000.0)
        with RunReader(run, clock=lambda: 1003.0) as reader:
            assert reader.summary().duration_s == 3.0
        for second in range(1001, 1031):
            writer.add_samples(float(second), {"host/memory_used_bytes": 1.0})
        with RunReader(run, clock=lambda: 1030.5) as reader:
            assert reader.summary().duration_s == 30.5
        with RunReader(run, clock=lambda: 1030.5 + stepped_s) as reader:
            assert reader.summary().duration_s == 30.0
            assert reader.spent().worked_s == 30.0


def test_a_killed_supervisors_attempt_lasted_to_its_last_sign_whatever_the_clock_was_before(
    run: RunDirectory, number: Number
) -> None:
    with RunWriter(run) as writer:
        writer.begin_attempt(10 * DAY_S)
        writer.record(number(split_at(10, 1.0)))
        writer.change_state(10 * DAY_S + 50.0, "stopped", "by command", at_rest=True)
        # The clock was set back meanwhile; this attempt takes no step.
        writer.begin_attempt(1000.0, "starting the worker")
        writer.add_samples(1007.0, {"host/memory_used_bytes": 1.0})
    with RunReader(run) as reader:
        assert reader.summary().duration_s == 50.0 + 7.0
    with RunWriter(run) as writer:
        writer.begin_attempt(1100.0)
    with RunReader(run) as reader:
        assert [row.ended for row in reader.attempts()] == [10 * DAY_S + 50.0, 1007.0, None]
