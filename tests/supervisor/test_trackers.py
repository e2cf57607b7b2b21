"""Whatever becomes of a tracker's process, the run goes on, and hears of it once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trackers.recorded import prepared
from tests.ui.makers import new_run
from tuitrain import messages as m
from tuitrain.runs.directory import RunDirectory
from tuitrain.supervisor.observers.trackers import Trackers

PATIENCE_S = 60.0
HANGS = "import sys, time; sys.stdout.write('.'); sys.stdout.flush(); time.sleep(600)"
FAILS = "print('.!W&B: no key', flush=True); raise SystemExit(1)"
CRASHES = "import os; os._exit(7)"
ENDS_WELL = "import sys; print(end='...'); sys.stdin.read()"


class Scripted:
    """Starts a script in a tracker's place."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self, _directory: RunDirectory, _target: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-c", self.script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self.started.append(process)
        return process

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()


def until_told(poll: Callable[[], list[m.AlertRaised]]) -> m.AlertRaised:
    deadline = time.monotonic() + PATIENCE_S
    while not (alerts := poll()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    [alert] = alerts
    return alert


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (FAILS, "logging to Weights & Biases failed and is left out, the run goes on: W&B: no key"),
        (CRASHES, "failed and is left out, the run goes on: it ended with exit code 7"),
        (HANGS, "has taken nothing for 0.3 s; the run goes on, and what is missing there is"),
    ],
    ids=["gives up", "crashes", "hangs"],
)
def test_a_tracker_that_is_of_no_use_is_told_once(tmp_path: Path, script: str, text: str) -> None:
    begin = Scripted(script)
    silent_s = 0.3 if script == HANGS else PATIENCE_S
    run = new_run(tmp_path)
    trackers = Trackers(run, ["wandb"], time.time, begin, silent_s=silent_s, end_s=0.1)
    try:
        assert list(trackers.recorded(prepared(40))) == []
        alert = until_told(lambda: list(trackers.poll(1)))
        assert (alert.kind, alert.step) == ("tracker", 40)
        assert text in alert.text
        assert list(trackers.poll(1)) == []
        assert list(trackers.ended()) == []
        trackers.close()
        assert len(begin.started) == 1
    finally:
        begin.end()


def test_the_end_of_a_run_waits_a_moment_for_all_trackers_together(tmp_path: Path) -> None:
    begin = Scripted(HANGS)
    run = new_run(tmp_path)
    trackers = Trackers(run, ["wandb", "mlflow"], time.time, begin, end_s=0.2)
    try:
        list(trackers.recorded(prepared(0)))
        alerts = list(trackers.ended())
        assert len(alerts) == 2
        assert f"`tuitrain export {run.id} --to mlflow` does it" in alerts[1].text
        trackers.close()
    finally:
        begin.end()


def test_a_run_that_never_got_ready_is_carried_on_too(tmp_path: Path) -> None:
    begin = Scripted(ENDS_WELL)
    trackers = Trackers(new_run(tmp_path), ["tensorboard"], time.time, begin, end_s=PATIENCE_S)
    assert list(trackers.ended()) == []
    trackers.close()
    assert [process.returncode for process in begin.started] == [0]


def test_a_process_that_cant_be_started_is_told(tmp_path: Path) -> None:
    def begin(_directory: RunDirectory, _target: str) -> "subprocess.Popen[bytes]":
        raise OSError(11, "no more processes")

    trackers = Trackers(new_run(tmp_path), ["wandb"], time.time, begin)
    [alert] = trackers.recorded(prepared(0))
    assert "it can't be started (no more processes)" in alert.text
    assert list(trackers.ended()) == []
