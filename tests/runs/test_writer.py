import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tuitrain import messages as m
from tuitrain.errors import RecordError
from tuitrain.messages import Numbered
from tuitrain.metric_names import split_metric
from tuitrain.runs.commands import command_status, give_command
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import DevicesRow
from tuitrain.runs.writer import RunWriter

Number = Callable[..., list[Numbered]]
NewRun = Callable[..., RunDirectory]


def steps(first: int, *losses: float, time: float = 100.0) -> m.StepsTaken:
    last = first + len(losses) - 1
    points = (m.MetricPoints("train/loss", first, losses),)
    return m.StepsTaken(time, first, last, last / 10, last / 5, points)


def saved(step: int, *names: str) -> m.CheckpointSaved:
    path = f"checkpoints/step-{step:08}.pt"
    return m.CheckpointSaved(1.0, step, path, names, "ab12", 10, 0.1, 0.2, {"val/loss": math.nan})


def evaluated(step: int, loss: float) -> m.Evaluated:
    return m.Evaluated(5.0, step, 1.0, 0.5, {"val/loss": loss}, m.PerClassCounts(support=(1,)))


def test_the_states_of_a_run_are_recorded_in_the_order_they_came(
    run: RunDirectory, number: Number
) -> None:
    events = number(
        m.WorkerStarted(1.0, 77),
        m.PreparationReported(2.0, "loading data"),
        m.TrainingPrepared(3.0, 0, 100, 10, 1234, "cpu", m.Environment(torch="2.11")),
        m.TrainingPaused(4.0, 5, "asked"),
        m.TrainingContinued(5.0, 5),
        m.TrainingEnded(6.0, 9, "failed", "out of memory", "Traceback ..."),
    )
    with RunWriter(run) as writer:
        assert writer.begin_attempt(0.5) == 1
        assert writer.record(events) == 6
    with RunReader(run) as reader:
        states = [(row.state, row.reason) for row in reader.states()]
        assert states == [
            ("queued", ""),
            ("starting", "worker started"),
            ("starting", "loading data"),
            ("running", ""),
            ("paused", "asked"),
            ("running", ""),
            ("failed", "out of memory"),
        ]
        assert reader.state().detail == "Traceback ..."
        assert [row.kind for row in reader.entries.marks()] == ["pause", "continue"]
        assert reader.facts().environment == m.Environment(torch="2.11")
        assert reader.summary().total_steps == 100
        (attempt,) = reader.attempts()
        assert (attempt.pid, attempt.started, attempt.ended) == (77, 0.5, 6.0)


def test_values_that_are_not_finite_are_kept_bit_by_bit(run: RunDirectory, number: Number) -> None:
    values = (1.5, math.nan, math.inf, -math.inf, 5e-324, 1.7e308, 1.7e308, -0.0)
    with RunWriter(run) as writer:
        writer.record(number(steps(1, *values)))
    with RunReader(run) as reader:
        assert [repr(value) for _, value in reader.curves.points("train/loss")] == list(
            map(repr, values)
        )
        (row,) = reader.curves.metrics()
        assert (row.best, row.best_step) == (-0.0, 8)
        column = reader.curves.series("train/loss", columns=1).columns[0]
        assert (column.minimum, column.maximum, column.nonfinite) == (-0.0, 1.7e308, 3)
        assert column.mean <= 1.7e308


def test_an_event_delivered_twice_is_recorded_once(run: RunDirectory, number: Number) -> None:
    events = number(steps(1, 1.0, 2.0), m.AlertRaised(1.0, 2, "nonfinite", "NaN"))
    with RunWriter(run) as writer:
        assert writer.record(events) == 2
        assert writer.record(events) == 2
        assert writer.record(events + number(steps(3, 3.0), start=3)) == 3
        assert writer.record([]) == 0
    with RunReader(run) as reader:
        assert list(reader.curves.points("train/loss")) == [(1, 1.0), (2, 2.0), (3, 3.0)]
        assert len(reader.entries.alerts()) == 1


def test_a_step_evaluated_twice_has_one_point_the_newer(run: RunDirectory, number: Number) -> None:
    with RunWriter(run) as writer:
        writer.record(number(evaluated(10, 2.0), evaluated(20, 1.5), evaluated(20, 1.0)))
        writer.record(number(evaluated(15, 3.0), start=4))
    with RunReader(run) as reader:
        assert list(reader.curves.points("val/loss")) == [(10, 2.0), (15, 3.0), (20, 1.0)]
        assert reader.curves.series("val/loss", columns=1).columns[0].mean == 2.0
        assert [row.step for row in reader.entries.evaluations()] == [10, 15, 20]


def test_a_checkpoint_name_belongs_to_one_file_at_a_time(run: RunDirectory, number: Number) -> None:
    gone = m.CheckpointRemoved(2.0, "checkpoints/step-00000010.pt", "made room")
    with RunWriter(run) as writer:
        assert not writer.history().has_checkpoint
        writer.record(number(saved(10, "last", "best"), saved(20, "last"), saved(30, "last"), gone))
        assert writer.history().has_checkpoint
    with RunReader(run) as reader:
        rows = {row.step: row for row in reader.entries.checkpoints()}
        assert {step: row.names for step, row in rows.items()} == {10: (), 20: (), 30: ("last",)}
        assert rows[10].removed_reason == "made room"
        assert math.isnan(rows[20].metrics["val/loss"])
        assert [(mark.kind, mark.step) for mark in reader.entries.marks()] == [("best", 10)]


def test_after_a_resume_later_checkpoints_are_superseded_and_keep_only_own_names(
    run: RunDirectory, number: Number
) -> None:
    with RunWriter(run) as writer:
        writer.record(number(saved(10, "last"), saved(20, "last", "best"), saved(30, "mine")))
        path = "checkpoints/step-00000010.pt"
        writer.record(number(m.TrainingResumed(3.0, 10, path, ""), attempt=2))
    with RunReader(run) as reader:
        rows = {row.step: (row.names, row.superseded) for row in reader.entries.checkpoints()}
    assert rows == {10: (("last",), False), 20: ((), True), 30: (("mine",), True)}


def test_a_checkpoint_whose_event_was_lost_is_listed_once_it_was_resumed_from(
    run: RunDirectory, number: Number
) -> None:
    path = "checkpoints/step-00000010.pt"
    (run.path / path).write_bytes(b"12345")
    with RunWriter(run) as writer:
        writer.record(number(m.TrainingResumed(3.0, 10, path, ""), attempt=2))
    with RunReader(run) as reader:
        (row,) = reader.entries.checkpoints()
    assert (row.path, row.step, row.size_bytes, row.names) == (path, 10, 5, ("last",))


def test_alerts_and_pauses_are_history_that_a_resume_keeps(
    run: RunDirectory, number: Number
) -> None:
    with RunWriter(run) as writer:
        writer.record(
            number(
                steps(1, 1.0, 2.0, 3.0),
                m.AlertRaised(1.0, 3, "nonfinite", "NaN"),
                m.TrainingPaused(1.0, 3, "asked"),
                m.SettingChanged(1.0, 3, "optimizer.lr", 0.1, 0.2),
            )
        )
        writer.record(number(m.TrainingResumed(2.0, 2, "checkpoints/x.pt", ""), attempt=2))
    with RunReader(run) as reader:
        assert [(mark.kind, mark.step) for mark in reader.entries.marks()] == [
            ("resume", 2),
            ("pause", 3),
        ]
        assert len(reader.entries.alerts()) == 1


def test_what_an_older_worker_left_unsaid_does_not_change_the_present_state(
    run: RunDirectory, number: Number
) -> None:
    late = number(
        m.TrainingPaused(1.0, 2, "asked"), m.CommandDone(1.0, 1, "done", "paused", 2), start=5
    )
    with RunWriter(run) as writer:
        command = give_command(run, m.Pause())
        writer.change_state(2.0, "starting", "new worker")
        resumed = m.TrainingResumed(3.0, 2, "checkpoints/x.pt", m.encode_pending(late))
        writer.record(number(resumed, attempt=2))
    with RunReader(run) as reader:
        assert reader.states()[-1].state == "starting"
    assert command_status(run, command).outcome == "done"


def test_live_changes_are_made_again_however_often_a_run_is_resumed(
    run: RunDirectory, number: Number
) -> None:
    def change(step: int, new: float) -> m.SettingChanged:
        return m.SettingChanged(1.0, step, "optimizer.lr", 0.1, new)

    resumed = m.TrainingResumed(2.0, 2, "checkpoints/x.pt", "")
    with RunWriter(run) as writer:
        writer.record(number(change(5, 0.2), change(9, 0.3)))
        plan = ((5, "optimizer.lr", 0.2), (9, "optimizer.lr", 0.3))
        assert writer.history().settings == plan
        writer.record(number(resumed, change(5, 0.2), attempt=2))
        writer.record(number(resumed, attempt=3))
        assert writer.history().settings == plan
        writer.record(number(resumed, change(4, 0.7), attempt=4))
        assert writer.history().settings == ((4, "optimizer.lr", 0.7),)


def test_commands_are_taken_once_in_order_and_stale_ones_refused(run: RunDirectory) -> None:
    first = give_command(run, m.ChangeSetting(0, "optimizer.lr", 0.1), now=5.0)
    second = give_command(run, m.Pause())
    with RunWriter(run) as writer:
        taken = writer.commands.take(6.0)
        assert [row.id for row in taken] == [first, second]
        assert taken[0].arguments == {"key": "optimizer.lr", "value": 0.1}
        assert writer.commands.take(7.0) == []
        writer.commands.finish(first, 8.0, "done", "lr is 0.1", 12)
        writer.commands.refuse_stale(9.0, "a new supervisor took over")
    done, refused = command_status(run, first), command_status(run, second)
    assert (done.given, done.taken, done.done, done.outcome) == (5.0, 6.0, 8.0, "done")
    assert (refused.outcome, refused.text) == ("refused", "a new supervisor took over")


def test_a_new_attempt_makes_a_run_at_rest_alive_again(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        writer.begin_attempt(1.0)
        writer.change_state(2.0, "stopped", "asked", at_rest=True)
        run.summary_path.write_text("{}")
        assert writer.begin_attempt(3.0) == 2
    assert not run.summary_path.exists()
    with RunReader(run) as reader:
        assert reader.meta()["at_rest"] is False


def test_a_closed_record_is_a_single_file(run: RunDirectory, number: Number) -> None:
    with RunWriter(run) as writer:
        writer.record(number(steps(1, 1.0)))
    assert [path.name for path in run.path.glob("run.db*")] == ["run.db"]


def test_samples_are_kept_by_name_and_gaps_stay_gaps(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        writer.add_samples(1.0, {"gpu0/memory_bytes": 5.0, "host/cpu_share": math.nan})
        writer.add_samples(2.0, {"gpu0/memory_bytes": 6.0})
    with RunReader(run) as reader:
        assert reader.readings.sample_names() == ["gpu0/memory_bytes", "host/cpu_share"]
        assert reader.readings.samples("gpu0/memory_bytes") == [(1.0, 5.0), (2.0, 6.0)]
        assert math.isnan(reader.readings.samples("host/cpu_share")[0][1])


def test_a_newer_record_is_refused_and_left_untouched(run: RunDirectory) -> None:
    with closing(sqlite3.connect(run.database_path)) as connection:
        connection.execute("PRAGMA user_version=9")
    before = run.database_path.read_bytes()
    for kind in (RunWriter, RunReader):
        with pytest.raises(RecordError, match=r"version 9.*up to version 2.*update tuitrain"):
            kind(run)
    assert run.database_path.read_bytes() == before


def test_an_event_that_can_not_be_recorded_is_left_out_whole_and_told_once(
    run: RunDirectory, number: Number
) -> None:
    loss, lr = m.MetricPoints("train/loss", 2, (2.0,)), m.MetricPoints("lr", 2, ("no number",))  # type: ignore[arg-type]
    broken = m.StepsTaken(1.0, 2, 2, 0.2, 0.2, (loss, lr))
    with RunWriter(run) as writer:
        assert writer.record(number(steps(1, 1.0), broken, steps(3, 3.0))) == 3
        assert "StepsTaken (TypeError: " in writer.take_left_out()
        assert writer.take_left_out() == ""
    with RunReader(run) as reader:
        assert list(reader.curves.points("train/loss")) == [(1, 1.0), (3, 3.0)]
        assert reader.curves.metric_names() == ["train/loss"]


@pytest.mark.parametrize("pending", ["{", "[[1]]", '[[1, 1, {"type": "OfAnotherVersion"}]]', "7"])
def test_what_a_checkpoint_carried_and_nobody_can_read_stops_no_resume(
    run: RunDirectory, number: Number, pending: str
) -> None:
    with RunWriter(run) as writer:
        writer.record(number(steps(1, 1.0), m.TrainingResumed(2.0, 1, "checkpoints/x.pt", pending)))
        assert "what checkpoints/x.pt carried for the record" in writer.take_left_out()
    with RunReader(run) as reader:
        assert [mark.kind for mark in reader.entries.marks()] == ["resume"]


def test_texts_that_no_file_takes_are_escaped_wherever_they_enter(new_run: NewRun) -> None:
    odd = "caf\udce9 \ud83d\x00"
    run = new_run(command_line=["tuitrain", odd], data_directory=Path("/data") / "caf\udce9")
    with RunWriter(run) as writer:
        writer.begin_attempt(1.0, odd)
        writer.set_meta(note={odd: [odd]})
        writer.set_devices(1.0, {"processes": [{"name": odd}]})
        writer.add_alert(1.0, "disk", odd, 1, odd)
        writer.commands.finish(give_command(run, m.SaveCheckpoint(name=odd)), 1.0, "done", odd)
        writer.change_state(2.0, "failed", odd, at_rest=True, detail=odd)
    escaped = r"caf\xe9 \ud83d\x00"
    with RunReader(run) as reader:
        meta, alert = reader.meta(), reader.entries.alerts()[0]
        assert meta["command_line"] == ["tuitrain", r"caf\xe9 \ud83d" + "\x00"]
        assert list(meta["note"]) == [r"caf\xe9 \ud83d" + "\x00"]
        assert {alert.text, alert.detail, reader.state().reason, reader.state().detail} == {escaped}
        assert reader.entries.commands()[0].text == escaped
        # Where it is looked for again, it is as the system calls it.
        assert meta["data_directory"] == "/data/caf\udce9"


FILL = """
import resource, signal, sys
from pathlib import Path
from tuitrain.errors import DiskFullError
from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter

def batch(i):
    first = 1 + i * 500
    points = (MetricPoints("train/loss", first, tuple(float(first + k) for k in range(500))),)
    return [Numbered(1, i + 1, StepsTaken(0.0, first, first + 499, 0.0, 0.0, points))]

writer = RunWriter(RunDirectory(Path(sys.argv[1])))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
full = 0
for i in range(200):
    try:
        writer.record(batch(i))
    except DiskFullError:
        full += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        writer.record(batch(i))
writer.close()
print(full)
"""


def test_a_full_disk_is_told_apart_and_the_same_events_can_be_recorded_later(
    run: RunDirectory,
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", FILL, str(run.path)], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.stderr) == ("1\n", "")
    with RunReader(run) as reader:
        points = list(reader.curves.points("train/loss"))
    assert points == [(step, float(step)) for step in range(1, 100_001)]


RECORD_FOREVER = """
import itertools, sys
from pathlib import Path
from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.writer import RunWriter

writer = RunWriter(RunDirectory(Path(sys.argv[1])))
for i in itertools.count(1):
    event = StepsTaken(0.0, i, i, 0.0, 0.0, (MetricPoints("train/loss", i, (float(i),)),))
    print(writer.record([Numbered(1, i, event)]), flush=True)
"""


def test_what_was_acknowledged_outlives_a_killed_supervisor(run: RunDirectory) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RECORD_FOREVER, str(run.path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(50):
            acknowledged = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
    with RunReader(run) as reader:
        found = list(reader.curves.points("train/loss"))
    assert len(found) >= acknowledged
    assert found == [(step, float(step)) for step in range(1, len(found) + 1)]


def test_readings_of_earlier_minutes_move_and_are_still_read(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        for second in range(1000, 1300):
            writer.add_samples(second + 0.25, {"host/memory_used_bytes": float(second)})
        writer.set_devices(1299.0, {"gpus": []})
    with RunReader(run) as reader:
        read = reader.readings.samples("host/memory_used_bytes")
        assert [value for _at, value in read] == [float(second) for second in range(1000, 1300)]
        assert [int(at) for at, _value in read] == list(range(1000, 1300))
        assert reader.readings.samples("host/memory_used_bytes", 1010.0, 1012.0)[0] == (
            1010.0,
            1010.0,
        )
        assert reader.readings.latest_samples() == {"host/memory_used_bytes": 1299.0}
        assert reader.curves.metric_names() == []
        series = reader.readings.sample_series("host/memory_used_bytes", 1000, 1299, 10)
        assert [column.minimum for column in series.columns] == [1000.0 + 30 * i for i in range(10)]
        assert [column.maximum for column in series.columns] == [1029.0 + 30 * i for i in range(10)]
        assert reader.entries.devices() == DevicesRow(1299.0, {"gpus": []})
    with closing(sqlite3.connect(run.database_path)) as connection:
        assert connection.execute("SELECT count(*) FROM samples").fetchone()[0] <= 130


def test_the_parts_of_a_step_are_no_metrics_and_a_resume_removes_them(
    run: RunDirectory, number: Number
) -> None:
    split = m.MetricPoints(split_metric("data"), 5, (0.25,))
    loss = m.MetricPoints("train/loss", 1, (1.0,) * 5)
    taken = m.StepsTaken(1.0, 1, 5, 0.5, 1.0, (loss, split))
    with RunWriter(run) as writer:
        writer.record(number(taken))
        writer.add_samples(7.0, {"host/loaders": 2.0})
    with RunReader(run) as reader:
        assert reader.curves.metric_names() == ["train/loss"]
        assert reader.curves.split() == {"step_time/data": 0.25}
    with RunWriter(run) as writer:
        writer.record(
            number(m.TrainingResumed(2.0, 3, "checkpoints/step-00000003.pt", ""), start=2)
        )
    with RunReader(run) as reader:
        assert reader.curves.split() == {}
        assert reader.readings.latest_samples() == {"host/loaders": 2.0}


def test_a_profile_is_listed_while_it_is_read_and_after(run: RunDirectory, number: Number) -> None:
    with RunWriter(run) as writer:
        writer.record(
            number(m.ProfileWritten(1.0, 3, "p1", 10, 19, m.ProfileFacts(asked_steps=10)))
        )
        with RunReader(run) as reader:
            assert [(row.name, row.state) for row in reader.entries.profiles()] == [
                ("p1", "reading")
            ]
        writer.finish_profile("p1", "done", {"top": ["conv"]})
    with RunReader(run) as reader:
        (row,) = reader.entries.profiles()
        assert (row.state, row.summary, row.facts.asked_steps) == ("done", {"top": ["conv"]}, 10)


def test_a_record_of_version_1_is_brought_up_to_date(run: RunDirectory) -> None:
    with closing(sqlite3.connect(run.database_path)) as connection:
        connection.executescript(
            "ALTER TABLE metrics DROP COLUMN axis; ALTER TABLE alerts DROP COLUMN detail;"
            "DROP TABLE devices; DROP TABLE profiles; PRAGMA user_version=1;"
            "INSERT INTO alerts (step, time, kind, text) VALUES (1, 2.0, 'disk', 'full');"
        )
    with RunReader(run) as reader:
        assert [row.text for row in reader.entries.alerts()] == ["full"]
        assert reader.entries.profiles() == []
    with RunWriter(run) as writer:
        writer.add_alert(3.0, "hang", "no step", 7, "stacks")
    with RunReader(run) as reader:
        assert [row.detail for row in reader.entries.alerts()] == ["", "stacks"]
