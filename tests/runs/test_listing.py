import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tuitrain.errors import FolderError, RunBusyError, RunNotFoundError
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.listing import find_run, list_run_names, list_runs, write_summary
from tuitrain.runs.lock import FileLock
from tuitrain.runs.upkeep.remove import remove_run
from tuitrain.runs.writer import RunWriter

NewRun = Callable[..., RunDirectory]


def finish(run: RunDirectory) -> None:
    with RunWriter(run) as writer:
        writer.begin_attempt(1.0)
        writer.change_state(5.0, "finished", "all epochs", at_rest=True)


def test_runs_are_listed_newest_first(root: Path, new_run: NewRun) -> None:
    runs = [new_run(name, now=1e9 + minute) for minute, name in ((5, "b"), (9, "a"), (1, "c"))]
    assert [run.name for run in list_runs(root)] == ["a", "b", "c"]
    assert list_run_names(root)[:3] == ["a", "b", "c"]
    assert set(list_run_names(root)[3:]) == {run.id for run in runs}


def test_no_folder_of_runs_is_an_empty_list(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "none") == []


def test_the_fast_copy_says_what_the_record_says(root: Path, run: RunDirectory) -> None:
    finish(run)
    (slow,) = list_runs(root)
    write_summary(run)
    assert run.summary_path.exists()
    run.database_path.unlink()
    (fast,) = list_runs(root)
    assert fast == slow
    assert fast.duration_s == 4.0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99}', '{"version": 1}'])
def test_a_fast_copy_that_can_not_be_trusted_is_passed_over(
    root: Path, run: RunDirectory, content: str
) -> None:
    finish(run)
    run.summary_path.write_text(content)
    (listed,) = list_runs(root)
    assert listed.state == "finished"


def test_runs_that_can_not_be_read_are_listed_as_such_and_break_nothing(
    root: Path, new_run: NewRun
) -> None:
    damaged, newer, gone, whole = (new_run(name) for name in ("bad", "new", "gone", "whole"))
    damaged.database_path.write_bytes(b"x" * 5000)
    with closing(sqlite3.connect(newer.database_path)) as connection:
        connection.execute("PRAGMA user_version=7")
    gone.database_path.unlink()
    finish(whole)
    (root / "notes").mkdir()
    (root / "file.txt").touch()
    states = {run.id: run.state for run in list_runs(root)}
    assert states == {
        damaged.id: "damaged",
        newer.id: "newer",
        gone.id: "damaged",
        whole.id: "finished",
    }


def test_a_run_answers_to_its_id_its_name_and_their_unique_beginnings(
    root: Path, new_run: NewRun
) -> None:
    first = new_run("first", now=1e9)
    second = new_run(None, now=1.1e9)
    third = new_run("fir", now=1.2e9)
    assert find_run(root, first.id) == first
    assert find_run(root, first.id[:15]) == first
    assert find_run(root, "first") == first
    assert find_run(root, "firs") == first
    assert find_run(root, "demo") == second
    assert find_run(root, "fir") == third
    assert find_run(root, "last") == third


def test_a_folder_that_somebody_renamed_still_answers_to_its_name(
    root: Path, new_run: NewRun
) -> None:
    run = new_run("keeper")
    run.path.rename(root / "precious")
    assert find_run(root, "keeper").id == "precious"
    assert find_run(root, "prec").id == "precious"


def test_last_is_what_was_created_last_whatever_the_folders_are_called(
    root: Path, new_run: NewRun
) -> None:
    old, new = new_run("old", now=1e9), new_run("new", now=1e9 + 1)
    old.path.rename(root / "20990101-0000-old-zzz")
    new.path.rename(root / "best so far")
    assert find_run(root, "last").id == "best so far"


def test_an_id_begins_with_the_minute_in_utc(
    new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert new_run("east", now=1e9).id.startswith("20010909-0146-east-")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_last_is_never_guessed_between_a_copy_and_its_original_or_a_record_that_is_damaged(
    root: Path, new_run: NewRun
) -> None:
    first, second = new_run("first", now=1e9), new_run("second", now=1e9 + 1)
    shutil.copytree(second.path, root / "copy")
    with pytest.raises(RunNotFoundError, match="name one by its id"):
        find_run(root, "last")
    shutil.rmtree(root / "copy")
    second.database_path.write_bytes(b"x" * 5000)
    with pytest.raises(RunNotFoundError, match="name one by its id"):
        find_run(root, "last")
    os.utime(second.config_path, (1e9 - 1, 1e9 - 1))
    assert find_run(root, "last") == first


def test_a_name_that_a_renamed_folder_has_too_is_ambiguous(root: Path, new_run: NewRun) -> None:
    new_run("same", now=1e9)
    new_run("same", now=1e9 + 1).path.rename(root / "precious")
    with pytest.raises(RunNotFoundError, match="any of 2 runs"):
        find_run(root, "same")


@pytest.mark.parametrize("kind", ["file", "below a file", "dangling link", "link to itself"])
def test_a_folder_of_runs_that_is_none_is_told_for_reading_and_writing(
    tmp_path: Path, kind: str
) -> None:
    root = tmp_path / "runs"
    if "file" in kind:
        root.touch()
        root = root / "x" if kind == "below a file" else root
    else:
        root.symlink_to("runs" if "itself" in kind else "/nowhere/at/all")
    with pytest.raises(FolderError, match=r"--runs-dir or TUITRAIN_RUNS takes another"):
        list_runs(root)
    with pytest.raises(FolderError, match=r"--runs-dir or TUITRAIN_RUNS takes another"):
        create_run(root, "demo", None, "")


def test_an_ambiguous_word_lists_the_candidates_with_their_states(
    root: Path, new_run: NewRun
) -> None:
    first, second = new_run("same", now=1e9), new_run("same", now=1.1e9)
    finish(first)
    with pytest.raises(RunNotFoundError) as caught:
        find_run(root, "same")
    assert f"{first.id}  same  finished" in str(caught.value)
    assert f"{second.id}  same  lost" in str(caught.value)


def test_an_unknown_word_names_the_nearest(root: Path, new_run: NewRun) -> None:
    with pytest.raises(RunNotFoundError, match="no runs in"):
        find_run(root, "last")
    run = new_run("baseline")
    with pytest.raises(RunNotFoundError, match=f"near it: {run.id[14:]}"):
        find_run(root, "basline")


def test_a_removed_run_leaves_nothing(root: Path, run: RunDirectory) -> None:
    (run.checkpoints / "step-00000010.pt").touch()
    remove_run(run)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("lock", ["run.lock", "worker.lock"])
def test_a_run_that_somebody_works_on_is_not_removed(run: RunDirectory, lock: str) -> None:
    with FileLock(run.path / lock), pytest.raises(RunBusyError):
        remove_run(run)
    assert run.database_path.exists()
