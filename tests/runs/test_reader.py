import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tuitrain import messages as m
from tuitrain.errors import RecordError
from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import FileLock
from tuitrain.runs.reader import RunReader
from tuitrain.runs.storage.database import open_for_reading
from tuitrain.runs.writer import RunWriter


def point(step: int, value: float = 1.0, name: str = "train/loss") -> list[Numbered]:
    event = StepsTaken(100.0 + step, step, step, 0.5, 1.0, (MetricPoints(name, step, (value,)),))
    return [Numbered(1, step, event)]


def test_a_run_whose_supervisor_disappeared_is_lost(new_run: Callable[..., RunDirectory]) -> None:
    run = new_run(now=0.5)
    with FileLock(run.lock_path), RunWriter(run) as writer:
        writer.begin_attempt(1.0)
        writer.change_state(2.0, "running", "")
        writer.record(point(7))
        with RunReader(run) as reader:
            assert reader.state().state == "running"
    with RunReader(run) as reader:
        state = reader.state()
        assert (state.state, state.time) == ("lost", 107.0)
        assert "running" in state.reason
        assert reader.summary().duration_s == 106.0


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "paused"])
def test_a_run_at_rest_is_in_the_state_it_came_to(run: RunDirectory, state: m.RunState) -> None:
    with RunWriter(run) as writer:
        writer.change_state(2.0, state, "because", at_rest=True)
    with RunReader(run) as reader:
        assert (reader.state().state, reader.state().reason) == (state, "because")


def test_a_run_just_queued_is_lost_only_when_nobody_came_for_it(
    new_run: Callable[..., RunDirectory],
) -> None:
    run = new_run(now=1000.0)
    with RunReader(run, clock=lambda: 1002.0) as reader:
        assert reader.state().state == "queued"
    with RunReader(run, clock=lambda: 1060.0) as reader:
        assert reader.state().state == "lost"


def test_a_reader_sees_what_is_written_while_it_looks(run: RunDirectory) -> None:
    with RunWriter(run) as writer, RunReader(run) as reader:
        before = reader.version()
        assert reader.version() == before
        writer.record(point(1))
        assert reader.version() != before
        assert list(reader.curves.points("train/loss")) == [(1, 1.0)]
        writer.record(point(2))
        assert reader.curves.metrics()[0].last_step == 2


def test_a_viewer_that_outlives_the_supervisor_leaves_no_file_behind(run: RunDirectory) -> None:
    with RunReader(run) as reader:
        with RunWriter(run) as writer:
            writer.record(point(1))
            assert reader.curves.metric_names() == ["train/loss"]
        assert list(reader.curves.points("train/loss")) == [(1, 1.0)]
    assert [path.name for path in run.path.glob("run.db*")] == ["run.db"]


def test_a_reader_can_not_write(run: RunDirectory) -> None:
    with (
        closing(open_for_reading(run)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM states")


def test_a_half_read_export_does_not_keep_the_supervisor_from_writing(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        writer.record([item for step in range(1, 50) for item in point(step)])
    with RunReader(run) as reader:
        points = reader.curves.points("train/loss")
        assert next(points) == (1, 1.0)
        with RunWriter(run) as writer:
            writer.record(point(50))
        assert len(list(points)) == 48


def test_the_monitor_of_the_preset_is_the_best_metric(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        for step, value in ((1, 0.5), (2, 0.9), (3, float("nan")), (4, 0.8)):
            writer.record(point(step, value, "val/accuracy"))
    with RunReader(run) as reader:
        summary = reader.summary()
        (row,) = reader.curves.metrics()
    assert (summary.best_metric, summary.best_value) == ("val/accuracy", 0.9)
    assert (row.best, row.best_step, row.last) == (0.9, 2, 0.8)


def test_a_missing_record_names_what_is_left(run: RunDirectory) -> None:
    run.database_path.unlink()
    (run.checkpoints / "step-00000010.pt").touch()
    with pytest.raises(RecordError, match=r"run\.db is missing.*checkpoints.*tuitrain run"):
        RunReader(run)


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_a_file_that_is_no_record_is_named_and_never_overwritten(
    run: RunDirectory, content: bytes
) -> None:
    run.database_path.write_bytes(content)
    for kind in (RunReader, RunWriter):
        with pytest.raises(RecordError, match=r"run\.db .*repeats the run"):
            kind(run)
    assert run.database_path.read_bytes() == content


def test_damage_in_the_middle_of_a_record_is_named(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        writer.record([item for step in range(1, 3000) for item in point(step)])
    with run.database_path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(os.urandom(4096 * 30))
    with pytest.raises(RecordError, match="damaged"), RunReader(run) as reader:
        reader.states()
        list(reader.curves.points("train/loss"))
        reader.curves.metrics()


def test_a_record_left_with_a_journal_to_roll_back_can_be_read(
    run: RunDirectory, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(run.database_path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("PRAGMA cache_spill=1")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO samples VALUES (1, ?, 1)", [("x" * 500,) for _ in range(2000)]
        )
        # What a supervisor killed at this moment, on a network file system, leaves.
        copy = RunDirectory(tmp_path / "copy")
        shutil.copytree(run.path, copy.path)
        connection.execute("ROLLBACK")
    assert (copy.path / "run.db-journal").stat().st_size > 0
    with RunReader(copy) as reader:
        assert reader.readings.sample_names() == []
        assert [row.state for row in reader.states()] == ["queued"]


@pytest.mark.skipif(os.geteuid() == 0, reason="to root no folder is read-only")
def test_a_record_in_a_read_only_folder_can_be_read(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        writer.record(point(1))
    run.database_path.chmod(0o400)
    run.path.chmod(0o500)
    try:
        with RunReader(run) as reader:
            assert list(reader.curves.points("train/loss")) == [(1, 1.0)]
    finally:
        run.path.chmod(0o700)


def test_both_speeds_are_over_the_same_steps(new_run: Callable[..., RunDirectory]) -> None:
    run, train_s, step = new_run(now=0.5), 0.0, 0
    with RunWriter(run) as writer:
        writer.begin_attempt(1.0)
        for number, took_s in enumerate((5.0, 0.2, 0.4, 0.2), start=1):
            train_s, step = train_s + took_s, step + 10
            points = (MetricPoints("samples_per_s", step, (320 / took_s,)),)
            event = StepsTaken(100.0 + train_s, step - 9, step, 0.5, train_s, points)
            writer.record([Numbered(1, number, event)])
    with RunReader(run) as reader:
        speed = reader.steps.speed(4)
        assert speed is not None and speed.samples_per_s is not None
        assert speed.steps_per_s == pytest.approx(30 / 0.8)
        assert speed.samples_per_s == pytest.approx(32 * speed.steps_per_s)


def test_a_run_of_one_message_has_a_speed_and_one_of_none_has_none(
    new_run: Callable[..., RunDirectory],
) -> None:
    run = new_run(now=0.5)
    with RunWriter(run) as writer, RunReader(run) as reader:
        assert reader.steps.speed(40) is None
        writer.begin_attempt(1.0)
        writer.record(point(7))
        speed = reader.steps.speed(40)
        assert speed is not None
        assert (speed.steps_per_s, speed.samples_per_s) == (7.0, None)
