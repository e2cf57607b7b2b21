from collections.abc import Callable

import pytest

from tuitrain import messages as m
from tuitrain.errors import RunBusyError, UsageError
from tuitrain.file_lock import FileLock
from tuitrain.messages import Numbered
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import CheckpointRow
from tuitrain.runs.upkeep.checkpoints import (
    check_checkpoint_name,
    delete_checkpoint,
    name_checkpoint,
)
from tuitrain.runs.writer import RunWriter

Number = Callable[..., list[Numbered]]
FIRST, SECOND = "checkpoints/step-00000010.pt", "checkpoints/step-00000020.pt"


@pytest.fixture
def saved(run: RunDirectory, number: Number) -> RunDirectory:
    """A run at rest with two checkpoints."""
    with RunWriter(run) as writer:
        writer.record(
            number(
                m.CheckpointSaved(1.0, 10, FIRST, ("best",), "ab", 4, 0.1, 0.2, {}),
                m.CheckpointSaved(2.0, 20, SECOND, ("last",), "cd", 4, 0.1, 0.2, {}),
                m.TrainingEnded(3.0, 20, "stopped", "asked"),
            )
        )
    for path, name in ((FIRST, "best"), (SECOND, "last")):
        file = run.path / path
        file.write_bytes(b"data")
        (run.checkpoints / f"{name}.pt").symlink_to(file.name)
    return run


def rows(run: RunDirectory) -> dict[str, CheckpointRow]:
    with RunReader(run) as reader:
        return {row.path: row for row in reader.entries.checkpoints()}


def test_a_name_leads_to_the_checkpoint_in_the_folder_and_in_the_record(
    saved: RunDirectory,
) -> None:
    name_checkpoint(saved, FIRST, "good")
    assert (saved.checkpoints / "good.pt").resolve().name == "step-00000010.pt"
    assert rows(saved)[FIRST].names == ("best", "good")
    name_checkpoint(saved, SECOND, "good")
    assert (saved.checkpoints / "good.pt").resolve().name == "step-00000020.pt"
    assert rows(saved)[FIRST].names == ("best",)
    assert rows(saved)[SECOND].names == ("good", "last")


def test_a_deleted_checkpoint_is_gone_with_its_names_and_stays_on_record(
    saved: RunDirectory,
) -> None:
    delete_checkpoint(saved, FIRST, now=9.0)
    assert sorted(path.name for path in saved.checkpoints.iterdir()) == [
        "last.pt",
        "step-00000020.pt",
    ]
    row = rows(saved)[FIRST]
    assert (row.removed, row.removed_reason, row.names) == (9.0, "deleted by the user", ())
    assert rows(saved)[SECOND].removed is None


@pytest.mark.parametrize("path", ["checkpoints/none.pt", "checkpoints/best.pt", "config.toml"])
def test_only_files_of_checkpoints_are_named_or_deleted(saved: RunDirectory, path: str) -> None:
    for work in (lambda: delete_checkpoint(saved, path), lambda: name_checkpoint(saved, path, "x")):
        with pytest.raises(UsageError, match="no checkpoint file"):
            work()
    assert saved.config_path.exists()


@pytest.mark.parametrize("lock", ["run.lock", "worker.lock"])
def test_the_checkpoints_of_a_live_run_are_left_alone(saved: RunDirectory, lock: str) -> None:
    with FileLock(saved.path / lock):
        with pytest.raises(RunBusyError):
            delete_checkpoint(saved, FIRST)
        with pytest.raises(RunBusyError):
            name_checkpoint(saved, FIRST, "good")
    assert rows(saved)[FIRST].names == ("best",)
    assert (saved.path / FIRST).exists()


def test_nothing_but_the_record_and_the_files_changes(saved: RunDirectory) -> None:
    before = sorted(path.name for path in saved.path.iterdir())
    name_checkpoint(saved, FIRST, "good")
    delete_checkpoint(saved, FIRST)
    assert sorted(path.name for path in saved.path.iterdir()) == before


@pytest.mark.parametrize("name", ["last", "best", "step-1", "", "a/b", "..", "-x", "a" * 65])
def test_a_name_that_would_mislead_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="allowed are"):
        check_checkpoint_name(name)
