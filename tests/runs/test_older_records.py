"""What earlier versions put into a record is read as today's values, and told as it lies there."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tuitrain import messages as m
from tuitrain.cli.record.show import describe
from tuitrain.errors import RecordError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import BatchMark, NoMarkData, ResumeMark, SettingMark, WorkRow

COUNTS = {"support": [10, 4], "predicted": [9, 5], "correct": [8, 3]}
PARTS = {
    "parameters_bytes": 1, "gradients_bytes": 2, "optimizer_bytes": 3, "buffers_bytes": 4,
    "data_bytes": 5, "activations_bytes": 6, "total_bytes": 21,
}  # fmt: skip
MEMORY = {
    "step": 3, "device": "cpu", "batch_size": 50, "activations_source": "what autograd kept",
    "measured": PARTS, "estimated": {"error": "no"},
}  # fmt: skip
OOM = {
    "time": 2.0, "step": 7, "device": "cpu", "asked_bytes": 9, "free_bytes": 1, "total_bytes": 2,
    "allocated_bytes": None, "reserved_bytes": None, "fragmented_bytes": None,
    "others_bytes": None, "blocks": [], "phase": "step", "batch_size": 64,
    "again": {"train.batch_size": 16},
}  # fmt: skip
WORK = {"flops_per_sample": 1e9, "peak_flops": None, "peak_source": ""}
ENVIRONMENT = {"torch": "2.11", "input_shape": [1, 8, 8], "of_another_version": "kept"}
FACTS = {
    "asked_steps": 3, "trace": "trace.json.gz", "trace_bytes": 10, "with_stacks": True,
    "device": "cpu", "held_up_s": 0.5, "steps_s": [0.25, 0.5], "note": "",
}  # fmt: skip
MARKS: list[tuple[str, dict[str, Any]]] = [
    ("setting", {"key": "optimizer.lr", "old": 0.5, "new": 0.25}),
    ("setting", {"key": "train.epochs"}),
    ("batch", {"old": 50, "new": 25, "accumulate": 2}),
    ("resume", {"path": "checkpoints/x.pt", "attempt": 2}),
    ("pause", {}),
]


def put(run: RunDirectory, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(run.database_path)) as record, record:
        record.execute(statement, values)


@pytest.fixture
def old(run: RunDirectory) -> RunDirectory:
    """Return a record with entries as they were written before messages had types of their own."""
    counts, profile = json.dumps(COUNTS), json.dumps(FACTS)
    put(run, "INSERT INTO evaluations VALUES (2, 1, 1, 0.5, '{}', ?)", counts)
    put(run, "INSERT INTO profiles VALUES ('p1', 1, 'reading', 1, 2, ?, '{}')", profile)
    for kind, data in MARKS:
        put(run, "INSERT INTO marks (step, time, kind, text, data_json) VALUES (1, 1, ?, '', ?)",
            kind, json.dumps(data))  # fmt: skip
    meta = {"memory": MEMORY, "out_of_memory": OOM, "work": WORK, "environment": ENVIRONMENT}
    for key, value in meta.items():
        put(run, "INSERT OR REPLACE INTO meta VALUES (?, ?)", key, json.dumps(value))
    put(run, "INSERT INTO commands (given, given_by, kind, arguments_json)"
        " VALUES (1, 'somebody', 'dance', '{\"wildly\": true}')")  # fmt: skip
    return run


def test_entries_of_earlier_versions_are_read_as_values(old: RunDirectory) -> None:
    with RunReader(old) as reader:
        facts, [row] = reader.facts(), reader.entries.evaluations()
        marks = [mark.data for mark in reader.entries.marks()]
        [profile], [command] = reader.entries.profiles(), reader.entries.commands()
    assert row.counts == m.PerClassCounts(support=(10, 4), predicted=(9, 5), correct=(8, 3))
    assert facts.memory is not None and facts.memory.step == 3
    assert facts.memory.measured == m.MemoryParts(1, 2, 3, 4, 5, 6, 21)
    assert facts.memory.estimated == m.NoEstimate("no")
    assert facts.out_of_memory is not None
    assert (facts.out_of_memory.step, facts.out_of_memory.asked_bytes) == (7, 9)
    assert facts.out_of_memory.again == {"train.batch_size": 16}
    assert facts.work == WorkRow(1e9, None)
    assert facts.environment == m.Environment(torch="2.11", input_shape=(1, 8, 8))
    assert (profile.facts.steps_s, profile.facts.json_bytes) == ((0.25, 0.5), None)
    assert marks == [
        SettingMark("optimizer.lr", 0.5, 0.25), SettingMark("train.epochs"),
        BatchMark(50, 25, 2), ResumeMark("checkpoints/x.pt", 2), NoMarkData(),
    ]  # fmt: skip
    assert (command.kind, command.arguments) == ("dance", {"wildly": True})


def test_json_says_them_with_the_names_and_shapes_that_they_have_on_record(
    old: RunDirectory,
) -> None:
    with RunReader(old) as reader:
        shown = json.loads(json.dumps(describe(reader)))
    assert shown["evaluations"][0]["counts"] == COUNTS
    assert (shown["memory"], shown["out_of_memory"]) == (MEMORY, OOM)
    assert shown["profiles"][0]["facts"] == FACTS
    assert [(mark["kind"], mark["data"]) for mark in shown["marks"]] == MARKS
    assert shown["environment"].items() >= ENVIRONMENT.items()


def test_an_entry_that_can_not_be_read_is_named(old: RunDirectory) -> None:
    put(old, "UPDATE meta SET value_json='{\"step\": \"three\"}' WHERE key='memory'")
    with RunReader(old) as reader, pytest.raises(RecordError, match=r"run\.db: .*RunFacts\.memory"):
        reader.facts()
