"""`tuitrain watch`: what is found below a folder, kept in the cache, followed, and refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import commands
from tests.foreign import event_writer as tb
from tests.foreign.logs import curves, names
from tuitrain.foreign.cache import record_of, view_of
from tuitrain.foreign.find import find_logs
from tuitrain.foreign.watcher import Watcher
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.listing import list_runs
from tuitrain.runs.lock import is_alive
from tuitrain.runs.reader import RunReader

LIMIT_S = 60.0
Tuitrain = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Logs of every kind below one folder."""
    root = tmp_path / "logs"
    for seed in (0, 1):
        tb.write(root / "lr0.1" / f"seed{seed}", *(tb.scalar(s, "loss", 1.0) for s in range(5)))
    version = root / "lightning_logs" / "version_0"
    version.mkdir(parents=True)
    (version / "metrics.csv").write_text("epoch,step,val_loss\n0,9,0.5\n")
    (root / "two").mkdir()
    (root / "two" / "a.jsonl").write_text('{"step": 1, "loss": 2}\n')
    (root / "two" / "b.jsonl").write_text('{"step": 1, "loss": 2}\n')
    (root / "data.csv").write_text("x,y\n1,2\n")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "metrics.csv").write_text("step,loss\n1,2\n")
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def tuitrain(cache: Path) -> Tuitrain:
    def call(*arguments: str | Path) -> commands.Result:
        env = {**os.environ, "TUITRAIN_WATCHED": str(cache)}
        return commands.run(arguments, cwd=Path.cwd(), env=env)

    return call


def test_all_logs_below_a_folder_are_named_by_their_paths(logs: Path) -> None:
    (logs / "again").symlink_to(logs / "lr0.1")
    (logs / "around").symlink_to(logs)
    found = names(find_logs(logs))
    assert ("lightning_logs/version_0", "CSV") in found
    assert ("two/a.jsonl", "JSON lines") in found
    assert ("two/b.jsonl", "JSON lines") in found
    seeds = [name for name, kind in found if kind == "TensorBoard"]
    assert [name.rpartition("/")[2] for name in seeds] == ["seed0", "seed1"]
    assert len(found) == 5
    assert names(find_logs(logs / "lr0.1" / "seed0")) == [("seed0", "TensorBoard")]
    (file,) = (logs / "lr0.1" / "seed0").iterdir()
    assert names(find_logs(file)) == [("seed0", "TensorBoard")]


def test_two_kinds_of_log_in_one_folder_are_two_runs(tmp_path: Path) -> None:
    tb.write(tmp_path / "run", tb.scalar(1, "loss", 1.0))
    (tmp_path / "run" / "metrics.csv").write_text("step,loss\n1,2\n")
    assert names(find_logs(tmp_path)) == [("run", "TensorBoard"), ("run/metrics.csv", "CSV")]


def test_once_lists_them_and_every_command_that_reads_works_on_the_list(
    logs: Path, tuitrain: Tuitrain
) -> None:
    before = sorted(logs.rglob("*"))
    done = tuitrain("watch", logs, "--json")
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert sorted(run["name"] for run in told["runs"]) == [
        "lightning_logs/version_0", "lr0.1/seed0", "lr0.1/seed1", "two/a.jsonl", "two/b.jsonl",
    ]  # fmt: skip
    assert {run["state"] for run in told["runs"]} == {"stopped"}
    assert sorted(logs.rglob("*")) == before
    runs = ("--runs-dir", told["runs_dir"])
    assert "lr0.1/seed1" in tuitrain("watch", logs, "--once").stdout
    assert "two/a.jsonl" in tuitrain("ls", *runs).stdout
    assert "val_loss" in tuitrain("show", "lightning_logs/version_0", *runs).stdout
    assert "loss,4,1.0" in tuitrain("export", "lr0.1/seed0", "--format", "csv", *runs).stdout


def test_what_needs_a_training_of_our_own_is_refused_with_the_reason(
    logs: Path, tuitrain: Tuitrain
) -> None:
    view = json.loads(tuitrain("watch", logs / "two" / "a.jsonl", "--json").stdout)["runs_dir"]
    for command in (["pause"], ["resume"], ["evaluate"], ["stop", "--now"]):
        done = tuitrain(command[0], "a.jsonl", *command[1:], "--runs-dir", view)
        assert done.returncode != 0
        assert done.stderr.startswith("tuitrain: watched only: ")
        assert "a log of JSON lines" in done.stderr


@pytest.mark.parametrize("what", ["missing", "empty", "file"])
def test_a_path_without_logs_is_refused_in_a_sentence(
    what: str, tmp_path: Path, tuitrain: Tuitrain
) -> None:
    path = tmp_path / what
    if what == "empty":
        path.mkdir()
    elif what == "file":
        path.write_text("no log\n")
    done = tuitrain("watch", path)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_log_watched_by_two_ways_is_read_once(logs: Path, cache: Path) -> None:
    whole, one = [logs], [logs / "lr0.1" / "seed0"]
    for paths in (whole, one):
        watcher = Watcher(paths, cache, view_of(cache, paths))
        watcher.search()
        watcher.catch_up()
    (log,) = find_logs(one[0])
    record = record_of(cache, log)
    assert len(list((cache / "logs").iterdir())) == 5
    assert curves(record) == {"loss": [(s, 1.0) for s in range(5)]}
    assert [run.name for run in list_runs(view_of(cache, one))] == ["seed0"]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture
def following(logs: Path, cache: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The process beside the interface."""
    view = view_of(cache, [logs])
    command = [sys.executable, "-m", "tuitrain.foreign", str(cache), str(view), str(logs)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def points(record: RunDirectory) -> int:
    return len(curves(record).get("loss", [])) if record.database_path.exists() else 0


def test_a_log_that_grows_is_followed_until_the_interface_is_left(
    logs: Path, cache: Path, following: "subprocess.Popen[bytes]"
) -> None:
    (log,) = find_logs(logs / "lr0.1" / "seed0")
    record = record_of(cache, log)
    wait_until(lambda: points(record) == 5, "the first points")
    wait_until(lambda: is_alive(record), "a follower")
    (file,) = log.path.iterdir()
    with file.open("ab") as grown:
        grown.write(tb.scalar(5, "loss", 1.0))
    wait_until(lambda: points(record) == 6, "the new point")
    with RunReader(record) as reader:
        assert reader.state().state == "running"
    tb.write(logs / "later", tb.scalar(1, "loss", 1.0))
    (later,) = find_logs(logs / "later")
    wait_until(lambda: points(record_of(cache, later)) == 1, "a run that came later")
    assert following.stdin is not None
    following.stdin.close()
    assert following.wait(LIMIT_S) == 0
    assert not is_alive(record)
    with RunReader(record) as reader:
        assert reader.state().reason == "no longer watched; the log may still grow"


def test_a_follower_that_was_killed_loses_and_repeats_nothing(
    logs: Path, cache: Path, following: "subprocess.Popen[bytes]"
) -> None:
    (log,) = find_logs(logs / "lr0.1" / "seed0")
    record = record_of(cache, log)
    wait_until(lambda: points(record) == 5, "the first points")
    following.send_signal(signal.SIGKILL)
    following.wait(LIMIT_S)
    with RunReader(record) as reader:
        assert "`tuitrain watch` reads on" in reader.state().reason
    (file,) = log.path.iterdir()
    with file.open("ab") as grown:
        grown.write(tb.scalar(5, "loss", 2.0))
    watcher = Watcher([logs], cache, view_of(cache, [logs]))
    watcher.search()
    watcher.catch_up()
    assert curves(record) == {"loss": [*((s, 1.0) for s in range(5)), (5, 2.0)]}


def test_a_log_that_is_quiet_is_let_go_of_and_taken_again(logs: Path, cache: Path) -> None:
    paths = [logs / "two" / "a.jsonl"]
    os.utime(paths[0], (1.7e9, 1.7e9))
    watcher = Watcher(paths, cache, view_of(cache, paths))
    (run,) = watcher.search()
    while watcher.turn():
        pass
    assert not is_alive(run)
    assert [each.state for each in list_runs(view_of(cache, paths))] == ["stopped"]
    with paths[0].open("a") as file:
        file.write('{"step": 2, "loss": 3}\n')
    wait_until(lambda: watcher.turn() or points(run) == 2, "the new point")
    wait_until(lambda: (watcher.turn(), is_alive(run))[1], "a follower")
    watcher.close()
    assert not is_alive(run)


def test_a_log_that_was_read_and_did_not_change_is_not_opened_again(
    logs: Path, cache: Path
) -> None:
    paths = [logs / "two" / "a.jsonl"]
    os.utime(paths[0], (1.7e9, 1.7e9))
    for _time in range(2):
        watcher = Watcher(paths, cache, view_of(cache, paths))
        (run,) = watcher.search()
        watcher.catch_up()
    written = run.database_path.stat().st_mtime_ns
    watcher.catch_up()
    assert run.database_path.stat().st_mtime_ns == written
    paths[0].write_text('{"step": 1, "loss": 2}\n{"step": 2, "loss": 3}\n')
    os.utime(paths[0], (1.7e9 + 1, 1.7e9 + 1))
    watcher.catch_up()
    assert curves(run) == {"loss": [(1, 2.0), (2, 3.0)]}
    assert [each.name for each in list_runs(view_of(cache, paths))] == ["a.jsonl"]


def test_a_folder_that_goes_is_told_once_and_the_others_are_searched(
    logs: Path, cache: Path
) -> None:
    paths = [logs / "lr0.1", logs / "two"]
    told: list[str] = []
    watcher = Watcher(paths, cache, view_of(cache, paths), told.append)
    watcher.search()
    shutil.rmtree(paths[0])
    (logs / "two" / "c.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    for _again in range(3):
        found = watcher.search(again=True)
    watcher.close()
    [text] = told
    assert text.startswith(f"{paths[0]}: ")
    assert len(found) == len(["a", "b", "c"])


def test_a_damaged_record_is_told_and_keeps_nothing_locked(logs: Path, cache: Path) -> None:
    paths = [logs / "two" / "a.jsonl"]
    told: list[str] = []
    watcher = Watcher(paths, cache, view_of(cache, paths), told.append)
    (run,) = watcher.search()
    watcher.prepare()
    run.database_path.write_bytes(b"no database, " * 999)
    for _turn in range(3):
        watcher.turn()
    assert len(told) == 1
    assert "is damaged" in told[0]
    assert not is_alive(run)
    both = [*paths, logs / "two" / "b.jsonl"]
    again = Watcher(both, cache, view_of(cache, both), told.append)
    damaged, other = again.search()
    assert not again.catch_up()
    assert len(told) == 2
    assert curves(other)
    assert not any(map(is_alive, (damaged, other)))


def test_the_interface_does_not_wait_for_what_reads_the_logs(logs: Path, cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tuitrain.foreign.watcher import Watcher\n"
        "logs, cache = map(Path, sys.argv[1:])\n"
        "watcher = Watcher([logs], cache, cache / 'view'); watcher.search(); watcher.prepare()\n"
        "print(*{'numpy', 'torch', 'pydantic'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(logs), str(cache)]
    assert subprocess.check_output(command, text=True).strip() == ""
