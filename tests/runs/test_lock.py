import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tuitrain.errors import RunBusyError
from tuitrain.file_lock import FileLock, is_held, read_holder
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import holder, is_alive

HOLD = """
import sys
from pathlib import Path
from tuitrain.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
lock.release()
"""

FORK = """
import os
if os.fork() == 0:
    print("forked", flush=True)
    os.read(0, 1)
    os._exit(0)
sys.stdin.read()
"""
HOLD_AND_FORK = HOLD.replace("sys.stdin.read()\n", FORK)


@contextmanager
def process(code: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child


def test_a_lock_held_by_a_living_process_is_refused_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with process(HOLD, path) as child:
        assert is_held(path)
        with pytest.raises(RunBusyError, match=f"process {child.pid} on"):
            FileLock(path, wait_s=0.05).acquire()
        child.communicate("")
    assert not is_held(path)
    assert not path.exists()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with process(HOLD, path) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not is_held(path)
        with FileLock(path):
            assert is_held(path)
    assert not path.exists()


def test_a_forked_child_does_not_keep_its_killed_parents_lock(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    with process(HOLD_AND_FORK, path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "forked\n"
        assert is_held(path)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not is_held(path)


def test_a_child_process_inherits_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    lock = FileLock(path)
    lock.acquire()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.forget()
        assert not is_held(path)
        child.communicate()


def test_a_holder_that_ends_in_time_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with process(HOLD, path) as child:
        assert child.stdin is not None
        child.stdin.close()
        with FileLock(path, wait_s=60):
            found = read_holder(path)
    assert found is not None
    assert found.pid == os.getpid()


def test_the_holder_of_a_run_is_told_only_while_it_lives(run: RunDirectory) -> None:
    assert not is_alive(run)
    with FileLock(run.lock_path):
        assert is_alive(run)
        found = holder(run)
        assert found is not None
        assert found.pid == json.loads(run.lock_path.read_text())["pid"]
    run.lock_path.write_text('{"pid": 1, "host": "gone"}')
    assert holder(run) is None
