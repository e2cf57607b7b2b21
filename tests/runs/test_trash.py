"""Removed runs: kept for a week, brought back whole, and never taken from who works on one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tuitrain.errors import RunBusyError, RunNotFoundError, UsageError
from tuitrain.file_lock import FileLock
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import list_runs
from tuitrain.runs.upkeep.trash import (
    discard,
    discard_old,
    find_trashed,
    list_trash,
    move_to_trash,
    restore,
)

DAY_S = 86400.0
NewRun = Callable[..., RunDirectory]


def test_a_removed_run_comes_back_whole(root: Path, run: RunDirectory) -> None:
    (run.checkpoints / "step-00000010.pt").write_bytes(b"weights")
    before = list_runs(root)
    trashed = move_to_trash(run)
    assert list_runs(root) == []
    assert [each.id for each in list_trash(root)] == [run.id]
    assert restore(trashed) == run
    assert list_runs(root) == before
    assert (run.checkpoints / "step-00000010.pt").read_bytes() == b"weights"


@pytest.mark.parametrize("lock", ["run.lock", "worker.lock"])
def test_a_run_that_somebody_works_on_is_not_moved(run: RunDirectory, lock: str) -> None:
    with FileLock(run.path / lock), pytest.raises(RunBusyError):
        move_to_trash(run)
    assert run.database_path.exists()


def test_what_was_removed_a_week_ago_is_thrown_away(root: Path, new_run: NewRun) -> None:
    for name, day in (("old", 1), ("new", 7)):
        move_to_trash(new_run(name), lambda day=day: day * DAY_S)
    assert discard_old(root, lambda: 8 * DAY_S) == 0
    assert discard_old(root, lambda: 8.1 * DAY_S) == 1
    assert ["new" in run.id for run in list_trash(root)] == [True]
    assert discard(list_trash(root)) == 1
    assert list_trash(root) == []


def test_a_removed_run_is_found_by_its_id_or_name_and_never_overwrites(
    root: Path, new_run: NewRun
) -> None:
    run = new_run("baseline")
    trashed = move_to_trash(run)
    for text in (run.id, run.id[:20], "base", "last"):
        assert find_trashed(root, text) == trashed
    with pytest.raises(RunNotFoundError, match="trash list"):
        find_trashed(root, "other")
    run.path.mkdir()
    with pytest.raises(UsageError, match="is in the list"):
        restore(trashed)
