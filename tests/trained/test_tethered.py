"""A command that ends with whoever started it."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tuitrain.trained.tethered import start_command


def start(tmp_path: Path, *words: str) -> "subprocess.Popen[str]":
    environ = {**os.environ, "TUITRAIN_RUNS": str(tmp_path / "runs"), "HOME": str(tmp_path)}
    return start_command(words, 80, environ)


@pytest.mark.parametrize(("words", "code", "said"), [
    (("presets", "list"), 0, "digits-cnn"),
    (("show", "gone"), 2, "tuitrain: no runs in"),
])  # fmt: skip
def test_what_it_writes_and_how_it_ended_are_the_commands(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    with start(tmp_path, *words) as child:
        assert child.stdout is not None
        assert said in child.stdout.read()
    assert child.returncode == code


def test_it_ends_with_all_it_started_once_nobody_is_at_the_other_end(tmp_path: Path) -> None:
    child = start(tmp_path, "run", "digits-mlp", "--set", "train.epochs=100000")
    assert child.stdin is not None and child.stdout is not None
    line = child.stdout.readline()
    assert line
    started = psutil.Process(child.pid).children()
    child.stdin.close()
    assert child.wait(60) == -signal.SIGKILL
    gone, alive = psutil.wait_procs(started, timeout=60)
    assert gone and not alive
    child.stdout.close()
