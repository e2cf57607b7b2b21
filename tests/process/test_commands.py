"""Commands to live runs, to dead ones, and to runs that can't start."""

import os
import signal
from typing import Any

import pytest

from tuitrain.messages import Numbered, SettingChanged
from tuitrain.runs.directory import create_run
from tuitrain.runs.writer import RunWriter

SCHEDULED = """
name = "scheduled"
task = "regression"
[data]
name = "linear"
noise = 0.1
[model]
name = "slow:Net"
[loss]
name = "huber"
[schedule]
name = "cosine"
warmup_steps = 30
[train]
epochs = 1000
max_steps = 300
batch_size = 400
threads = 1
clip_norm = 1.0
evaluate_every_epochs = 25
[checkpoint]
every_steps = 20
"""
SLOW = """
import pathlib, time
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(1, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))
        self.calls = 0
    def forward(self, inputs):
        self.calls += self.training
        # On a busy machine too there is time for a command and a kill.
        if self.calls > 60 and not pathlib.Path(__file__).with_name("fast").exists():
            time.sleep(0.05)
        return super().forward(inputs)
"""


def test_a_rate_set_live_holds_from_its_step_on_and_outlasts_a_kill(cli: Any) -> None:
    code = cli.folder / "slow.py"
    code.write_text(SLOW)
    run = cli.detach(cli.preset(SCHEDULED))
    run.wait_step(60)
    cli("set", run.id, "optimizer.lr=0.003", "checkpoint.every_steps=30")
    [mark] = [mark for mark in run.marks() if mark.text.startswith("optimizer.lr")]
    run.wait_step(mark.step + 10)
    run.kill("worker", "supervisor")
    (cli.folder / "fast").touch()
    cli.resume(run, "--code", code)
    run.wait_end()
    rates = dict(run.points("lr"))
    assert rates[mark.step + 1] == pytest.approx(0.003, rel=1e-12)
    assert rates[mark.step] <= 0.001

    # The same run undisturbed: the change stands on its record before it begins.
    config = run.directory.config_path.read_text()
    again = cli.find(create_run(cli.runs, "scheduled", "again", config).id)
    changes = [
        SettingChanged(mark.time, mark.step, mark.data.key, mark.data.old, mark.data.new)
        for mark in run.marks()
        if mark.kind == "setting"
    ]
    with RunWriter(again.directory) as writer:
        writer.record([Numbered(0, number, event) for number, event in enumerate(changes, 1)])
    cli.resume(again, "--code", code)
    again.wait_end()
    assert again.curves() == run.curves()
    assert again.checkpoint().digest == run.checkpoint().digest
    settings = [
        [(mark.step, mark.text) for mark in one.marks() if mark.kind == "setting"]
        for one in (run, again)
    ]
    assert settings[0] == settings[1]
    refused = cli("resume", run.id, "--code", code, exit_code=2).stderr_text
    assert refused.count("is finished") == 1


def test_what_is_asked_of_a_live_run_is_done_or_refused_and_on_record(cli: Any) -> None:
    run = cli.endless("checkpoint.keep=2", "checkpoint.best=false")
    run.wait_step(20)
    cli("checkpoint", run.id, "--name", "mine")
    kept = run.checkpoint("mine")
    unknown = cli("set", run.id, "optimizer.rl=1", exit_code=2).stderr_text
    assert "optimizer.rl" in unknown and "optimizer.lr" in unknown
    assert "0.5" in cli("set", run.id, "train.clip_norm=0.5").stderr_text
    for same in ("train.clip_norm=0.50", "optimizer.lr=1e-3"):
        assert "already: nothing is changed" in cli("set", run.id, same).stderr_text
    assert [mark.kind for mark in run.marks()].count("setting") == 1
    assert "evaluated at step" in cli("evaluate", run.id).stderr_text
    run.wait_step(kept.step + 100)
    files = [name for name in run.files() if name.startswith("step-")]
    assert f"step-{kept.step:08d}.pt" in files
    assert len(files) <= 4
    cli("stop", run.id)
    dead = cli("set", run.id, "optimizer.lr=1", exit_code=1).stderr_text
    assert f"tuitrain resume {run.id}" in dead
    shown = cli.show(run)
    assert [(row["kind"], row["outcome"]) for row in shown["commands"]] == [
        ("checkpoint", "done"), ("set", "done"), ("set", "done"), ("set", "done"),
        ("evaluate", "done"), ("stop", "done"),
    ]  # fmt: skip
    assert all(row["given"] <= row["taken"] <= row["done"] for row in shown["commands"])
    entry = next(row for row in shown["checkpoints"] if row["name"] == "mine")
    assert (entry["step"], entry["digest"]) == (kept.step, kept.digest)
    assert shown["step"] == run.points("train/loss")[-1][0]


def test_commands_that_wait_for_a_stopped_process_say_so_and_are_obeyed_when_it_goes_on(
    cli: Any,
) -> None:
    run = cli.endless()
    run.wait_step(20)
    for command, pid, who in (
        ("pause", run.worker_pid, "worker"),
        ("stop", run.supervisor_pid, "supervisor"),
    ):
        os.kill(pid, signal.SIGSTOP)
        waiting = cli.start(command, run.id)
        told = waiting.stderr.readline()
        assert f"its {who}, process {pid}, is stopped (state T): `kill -CONT {pid}`" in told
        os.kill(pid, signal.SIGCONT)
        assert waiting.wait() == 0
    assert run.wait_end().state == "stopped"


def test_a_detached_run_that_can_not_start_says_why_and_exits_with_1(cli: Any) -> None:
    nowhere = "http://127.0.0.1:9"
    cli.environ |= {"HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "https_proxy": nowhere,
                    "http_proxy": nowhere}  # fmt: skip
    done = cli("run", "mnist-cnn", "--detach", exit_code=1)
    run = cli.only()
    assert done.stdout_text.strip() == run.id
    state = run.wait_end()
    assert state.state == "failed"
    for text in (
        str(cli.folder / "data" / "MNIST" / "raw"),
        "train-images-idx3-ubyte",
        "--data-dir",
    ):
        assert text in state.reason
        assert text in done.stderr_text
    assert "Traceback" not in done.stderr_text
