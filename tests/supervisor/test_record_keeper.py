"""What becomes of what is told while the record can't be written."""

import sqlite3
from pathlib import Path

import pytest

from tests.ui.makers import new_run
from tuitrain.errors import HeldRecordError
from tuitrain.messages import (
    Acknowledge,
    Command,
    HoldForRecord,
    MetricPoints,
    Numbered,
    RecordWritable,
    StepsTaken,
)
from tuitrain.runs.reader import RunReader
from tuitrain.runs.storage import database
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.record_keeper import RecordKeeper


def test_a_database_that_another_program_holds_makes_training_wait_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    directory, sent = new_run(tmp_path / "runs", "alpha"), list[Command]()
    taken = StepsTaken(2.0, 1, 1, 0.1, 0.1, (MetricPoints("train/loss", 1, (0.5,)),))
    with RunWriter(directory) as writer:
        writer.begin_attempt(1.0)
        keeper = RecordKeeper(writer, sent.append)
        other = sqlite3.connect(directory.database_path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert keeper.record([Numbered(1, 1, taken)]) == []
        assert [type(command) for command in sent] == [HoldForRecord]
        with pytest.raises(HeldRecordError, match="another process has held it"):
            keeper.require_all("alpha")
        [alert] = keeper.take_alerts(1)
        assert (alert.kind, alert.text.endswith("Training holds.")) == ("record", True)
        other.execute("ROLLBACK")
        other.close()
        assert keeper.record(at_once=True) == [taken]
        assert [type(command) for command in sent[1:]] == [Acknowledge, RecordWritable]
        keeper.require_all("alpha")
    with RunReader(directory) as reader:
        assert [*reader.curves.points("train/loss")] == [(1, 0.5)]
