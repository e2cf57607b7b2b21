"""What comes out of a run: plain lines, JSON, and a log that catches whatever the worker prints."""

import json
import os
from typing import Any

MODULE = """
import ctypes, os, sys
import torch
from torch.utils.data import Dataset
from tuitrain.components import Splits

class Pictures(Dataset):
    def __len__(self):
        return 64
    def __getitem__(self, number):
        if number == 0:
            print("python of a loader worker", os.getpid(), flush=True)
            os.write(2, b"descriptor 2 of a loader worker\\n")
        generator = torch.Generator().manual_seed(number)
        return torch.rand(4, generator=generator) + torch.rand(4), torch.tensor(float(number % 2))

def data():
    print("data says \\x1b[2J")
    ctypes.CDLL(None).puts(b"puts of C")
    ctypes.CDLL(None).fflush(None)
    os.write(1, b"descriptor 1\\n")
    print("python to stderr", file=sys.stderr)
    return Splits(Pictures(), Pictures())

class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 1)
"""

PRESET = """
name = "own"
task = "binary"
[data]
name = "own_code:data"
workers = 2
[model]
name = "own_code:Net"
[loss]
name = "bce_with_logits"
[train]
epochs = 4
batch_size = 16
threads = 1
"""


def write(cli: Any) -> Any:
    folder = cli.folder / "elsewhere"
    folder.mkdir()
    (folder / "own_code.py").write_text(MODULE)
    path = folder / "own.toml"
    path.write_text(PRESET)
    return path


def test_whatever_the_worker_prints_lands_in_its_log_and_nowhere_else(cli: Any) -> None:
    done = cli("run", write(cli), "--json")
    run, log = cli.only(), cli.only().log
    for text in (
        "data says",
        "puts of C",
        "descriptor 1\n",
        "python to stderr",
        "python of a loader worker",
        "descriptor 2 of a loader worker",
    ):
        assert text in log, text
        assert text not in done.stdout_text + done.stderr_text
    events = [json.loads(line) for line in done.stdout_text.splitlines()]
    assert [events[0]["type"], events[1]["type"]] == ["RunCreated", "WorkerStarted"]
    assert events[0]["id"] == run.id
    assert events[-1]["type"] == "TrainingEnded"
    assert events[-1]["state"] == run.state().state == "finished"
    assert cli("logs", run.id).stdout_text == log


def test_own_code_resumes_to_the_same_weights_with_two_loader_workers(cli: Any) -> None:
    path = write(cli)
    whole = cli.detach(path, "--set", "train.epochs=30", "--set", "checkpoint.every_steps=5")
    cut = cli.detach(path, "--set", "train.epochs=30", "--set", "checkpoint.every_steps=5")
    cut.wait_step(10)
    cli("stop", cut.id)
    refused = cli("resume", cut.id, exit_code=2)
    assert "--code own_code:Net --code own_code:data" in refused.stderr_text
    environment = dict(cli.environ)
    cli.environ["PYTHONPATH"] += f":{path.parent}"
    cli.resume(cut, "--code", "own_code:Net", "--code", "own_code:data")
    cli.environ = environment
    assert (cut.wait_end().state, whole.wait_end().state) == ("finished", "finished")
    assert cut.checkpoint().digest == whole.checkpoint().digest
    assert cut.curves() == whole.curves()


def test_plain_lines_hold_no_control_characters(cli: Any) -> None:
    done = cli("run", "linear-regression", "--set", "train.threads=1", "--set", "train.epochs=3")
    lines = done.stdout_text.splitlines()
    assert all(letter.isprintable() for line in lines for letter in line)
    assert lines[0].startswith("training on cpu: 2 parameters, 3 steps (1 an epoch)")
    assert lines[-1] == "finished: 3 epochs done"


ODD_MODULE = """
import math, os, pathlib
import torch
from tuitrain.components import Samples, Splits

FAILED = pathlib.Path(__file__).parent / "failed"

class WordlessError(Exception):
    def __str__(self):
        raise RuntimeError("no words")

def data(context):
    context.report("reading " + os.fsdecode(b"caf\\xe9"))
    inputs = torch.randn(200, 4, generator=torch.Generator().manual_seed(1))
    samples = Samples(inputs, (inputs[:, 0] > 0).long())
    return Splits(samples, samples, (os.fsdecode(b"caf\\xe9"), "\\x00\\x1b[31m"))

class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 2)
        self.calls = 0
    def forward(self, inputs):
        self.calls += self.training
        if self.calls == 5 and not FAILED.exists():
            FAILED.touch()
            raise ValueError("\\ud83d" + "x" * 2_000_000)
        if self.calls == 15:
            raise WordlessError
        return super().forward(inputs)

def rate(step, total):
    return torch.cos(torch.tensor(step / total))
"""
ODD_PRESET = """
name = "odd"
task = "classification"
[data]
name = "odd_parts:data"
[model]
name = "odd_parts:Net"
[loss]
name = "cross_entropy"
[schedule]
name = "odd_parts:rate"
[train]
epochs = 5
batch_size = 20
threads = 1
"""


def test_whatever_texts_and_numbers_a_users_code_makes_its_run_is_recorded_and_resumed(
    cli: Any,
) -> None:
    folder = cli.folder / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "odd_parts.py").write_text(ODD_MODULE)
    preset = folder / "odd.toml"
    preset.write_text(ODD_PRESET)
    first = cli("run", preset, "--data-dir", folder / "data", exit_code=1)
    run = cli.only()
    reason = run.state().reason
    assert reason.startswith(r"ValueError: \ud83dxxx")
    assert "more characters; all of it is in worker.log" in reason
    assert len(first.stdout_text + first.stderr_text) < 10_000
    assert run.log.count("x") >= 2_000_000
    code = [part for name in ("data", "Net", "rate") for part in ("--code", f"odd_parts:{name}")]
    # Where it is resumed, own code is looked for.
    cli.environ["PYTHONPATH"] += os.pathsep + str(folder)
    cli.resume(run, *code, "--foreground", exit_code=1)
    state = run.state()
    assert state.reason.startswith("WordlessError: its text can't be had (RuntimeError)")
    assert len(run.points("lr")) == state.step == 18
    assert run.evaluations()[-1].counts.classes == (r"caf\xe9", "\\x00\x1b[31m")
    assert cli.show(run)["environment"]
