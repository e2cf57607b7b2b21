"""A record that is played again shows at each time what was known then, and in the end all."""

from pathlib import Path
from threading import Event

import pytest

from tests.ui.makers import NOW, falling, new_run, train
from tuitrain.cli.replay import play
from tuitrain.errors import UsageError
from tuitrain.messages import Evaluated, MetricPoints, Numbered, StepsTaken, TrainingEnded
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.replay import ReplayWriter, create_replay
from tuitrain.runs.watched import refuse_watched
from tuitrain.runs.writer import RunWriter


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = new_run(tmp_path / "runs", "alpha")
    train(run, falling(60), end=None)
    later = MetricPoints("train/loss", 61, tuple(falling(30)))
    with RunWriter(run) as writer:
        events = [
            StepsTaken(NOW - 100, 61, 90, 9.0, 9.0, (later,)),
            Evaluated(NOW - 99, 90, 9.0, 0.1, {"val/loss": 0.5}, None),
            TrainingEnded(NOW - 98, 90, "finished", "all epochs", ""),
        ]
        writer.record([Numbered(1, i, event) for i, event in enumerate(events, start=10)])
        writer.add_samples(NOW - 300, {"host/cpu_percent": 40.0})
    return run


def content(run: RunDirectory) -> dict[str, object]:
    """Return all that a record says, as far as the same can be said twice."""
    with RunReader(run) as reader:
        return {
            **{name: list(reader.curves.points(name)) for name in reader.curves.metric_names()},
            "states": reader.states(),
            "attempts": reader.attempts(),
            "marks": reader.entries.marks(),
            "alerts": reader.entries.alerts(),
            "evaluations": reader.entries.evaluations(),
            "checkpoints": reader.entries.checkpoints(),
            "progress": reader.steps.step_times(1, 90),
            "environment": reader.meta()["environment"],
        }


def test_in_the_end_the_copy_says_what_the_run_says(run: RunDirectory, tmp_path: Path) -> None:
    copy = create_replay(tmp_path / "copy", run)
    before = content(run)
    play(run, copy, 1e6, Event())
    assert content(copy) == before == content(run)


def test_at_each_time_it_says_what_was_known_then(run: RunDirectory, tmp_path: Path) -> None:
    copy = create_replay(tmp_path / "copy", run)
    with RunReader(run) as reader:
        points = list(reader.curves.points("train/loss"))
    known = []
    with ReplayWriter(copy, run) as writer:
        for at in (writer.first_time(), NOW - 400, NOW - 299, NOW - 99.5, NOW):
            writer.advance(at)
            with RunReader(copy) as reader:
                shown = list(reader.curves.points("train/loss"))
                assert shown == points[: len(shown)]
                counted = len(reader.entries.evaluations()), len(reader.readings.latest_samples())
                known.append((len(shown), *counted))
                assert all(row.time <= at for row in reader.states())
        assert known == [(0, 0, 0), (60, 0, 0), (60, 0, 1), (90, 0, 1), (90, 1, 1)]
        assert writer.next_time(NOW - 200) == NOW - 100
        assert writer.next_time(NOW) is None


def test_what_is_past_takes_no_command(run: RunDirectory, tmp_path: Path) -> None:
    copy = create_replay(tmp_path / "copy", run)
    with pytest.raises(UsageError, match=r"watched only: this is a replay of .*alpha"):
        refuse_watched(copy)
