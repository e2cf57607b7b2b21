"""model, data, find-lr and find-batch-size, and presets in Python files, as a user runs them."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests import commands
from tuitrain.config.python_preset.ask import read_python_preset
from tuitrain.errors import PresetError

PROJECT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
MINE = """\
import torch
from torch import nn
from tuitrain.components import Samples, Splits

print("what the file prints goes elsewhere")

def points(*, samples=60):
    x = torch.linspace(0, 1, samples)[:, None]
    y = (x[:, 0] > 0.5).long()
    return Splits(Samples(x[10:], y[10:]), Samples(x[:20], y[:20]), classes=("low", "high"))

class Net(nn.Sequential):
    def __init__(self, *, hidden=8):
        super().__init__(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, 2))

preset = {
    "task": "classification",
    "data": {"name": points, "samples": 50},
    "model": Net,
    "loss": nn.CrossEntropyLoss,
    "train": {"epochs": 2, "batch_size": 8, "threads": 1},
}
"""

Result = subprocess.CompletedProcess[str]
Call = Callable[..., Result]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    return {
        **os.environ, **proxies, "PYTHONPATH": str(PROJECT), "HOME": str(tmp_path),
        "TUITRAIN_RUNS": str(tmp_path / "runs"), "TUITRAIN_DATA": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip


@pytest.fixture
def tuitrain(tmp_path: Path, environ: dict[str, str]) -> Call:
    def call(*arguments: str, cwd: Path = tmp_path) -> Result:
        return commands.run(arguments, cwd=cwd, env=environ)

    return call


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    file = tmp_path / "code" / "my_train.py"
    file.write_text(MINE)
    return file


def test_a_model_is_a_table_and_a_data_set_that_is_not_here_is_one_sentence(
    tuitrain: Call, tmp_path: Path
) -> None:
    done = tuitrain("model", "circles", "--set", "model.hidden=[3]")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["LAYER", "OUTPUT", "PARAMETERS", "MULT-ADDS"]
    assert lines[3].split() == ["1", "Linear", "32x3", "9", "6"]
    assert "parameters     13, all trainable" in lines
    gone = tuitrain("model", "mnist-cnn")
    assert (gone.returncode, gone.stdout) == (1, "")
    [line] = gone.stderr.splitlines()
    assert line.startswith("tuitrain: MNIST is not whole in ") and "--data-dir" in line
    assert not (tmp_path / "runs").exists()


def test_data_beside_a_preset_are_found_from_any_folder_as_a_run_finds_them(
    tuitrain: Call, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "homes.csv").write_text(
        "area,price\n" + "".join(f"{n},{2 * n}\n" for n in range(40))
    )
    made = tuitrain("new", "homes.csv", "--target", "price", cwd=tmp_path / "own")
    assert made.returncode == 0, made.stderr
    seen = tuitrain("data", "own/homes.toml")
    assert (seen.returncode, seen.stderr) == (0, "")
    gone = tuitrain("data", "own/homes.toml", "--set", "data.path=gone.csv")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert gone.stderr.startswith("tuitrain: data.path = gone.csv: there is neither ")


def test_a_python_file_is_a_preset_for_every_command_that_takes_one(
    tuitrain: Call, mine: Path, tmp_path: Path
) -> None:
    data = tuitrain("data", "code/my_train.py:preset", "-n", "2")
    assert data.returncode == 0, data.stderr
    assert "10 validation inputs (50.0%) are in the training set as well" in " ".join(
        data.stdout.split()
    )
    ran = tuitrain("run", "code/my_train.py", "--name", "mine")
    assert ran.returncode == 0, ran.stderr
    assert "what the file prints" in ran.stderr and "what the file prints" not in ran.stdout
    [config] = (tmp_path / "runs").glob("*/config.toml")
    preset = tomllib.loads(config.read_text())
    assert preset["name"] == "my-train"
    assert preset["model"] == {"name": "my_train:Net"}
    assert preset["loss"] == {"name": "torch.nn:CrossEntropyLoss"}
    assert preset["data"]["name"] == "my_train:points" and preset["data"]["samples"] == 50
    # Where the file lies is said again by who resumes: a run's folder may come from anywhere.
    refused = tuitrain("resume", "mine", "--foreground", "--set", "train.epochs=3")
    assert refused.returncode == 2 and "--code my_train:Net" in refused.stderr
    code = ("--code", str(mine), "--code", "torch.nn:CrossEntropyLoss")
    resumed = tuitrain("resume", "mine", "--foreground", "--set", "train.epochs=3", *code)
    assert resumed.returncode == 0, resumed.stderr
    assert "finished: 3 epochs done" in resumed.stdout


def test_rates_and_batch_sizes_are_found_without_a_run(tuitrain: Call, tmp_path: Path) -> None:
    swept = tuitrain("find-lr", "linear-regression", "--set", "train.threads=1", "--json")
    found = json.loads(swept.stdout)
    assert 1e-3 < found["suggestion"] < 2
    assert found["set"] == f"--set optimizer.lr={found['suggestion']:g}"
    assert len(found["rates"]) == len(found["losses"]) == len(found["smoothed"]) <= 100
    tried = tuitrain("find-batch-size", "circles", "--steps", "2", "--max", "32")
    assert tried.returncode == 0, tried.stderr
    lines = tried.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["BATCH", "8", "16", "32"]
    assert lines[-1].startswith("--set train.batch_size=")
    for wrong in (("find-lr", "--min", "1", "--max", "0.1"), ("find-batch-size", "--max", "2")):
        done = tuitrain(wrong[0], "circles", *wrong[1:])
        assert done.returncode == 2 and "--max" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_ends_the_search_and_what_it_started(
    environ: dict[str, str], tmp_path: Path
) -> None:
    command = ["find-lr", "linear-regression", "--steps", "100000", "--max", "1e-6"]
    with subprocess.Popen(
        [sys.executable, "-m", "tuitrain", *command],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        children = _wait_for_child(asking.pid, "tuitrain.training.inspection")
        asking.send_signal(signal.SIGINT)
        said = asking.communicate(timeout=120)
    assert (asking.returncode, said[0]) == (130, "")
    assert said[1].splitlines()[-1] == "interrupted: nothing was kept"
    assert not psutil.wait_procs(children, timeout=60)[1]
    assert not (tmp_path / "runs").exists()


def _wait_for_child(pid: int, module: str) -> list[psutil.Process]:
    for _ in range(3000):
        found = [
            each for each in psutil.Process(pid).children(recursive=True) if _runs(each, module)
        ]
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"no process runs {module}")


def _runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mine.py", "preset = {'train': {'x': object()}}", "train.x: found an object of object"),
        ("mine.py", "preset = 3", "is an object of int; must be a dict"),
        ("mine.py", "other = {}", "nothing of that name; presets in it: other"),
        ("mine.py", "def preset(size): return {}", "the function preset needs size"),
        ("mine.py", "x = 1\n1 / 0", "ZeroDivisionError: division by zero (line 2)"),
        ("mine.py", "x = (", "SyntaxError: '(' was never closed (line 1)"),
        ("mine.py", "import sys; sys.exit(3)", "SystemExit: 3 (line 1)"),
        ("my-own.py", "preset = {}", "'my-own' can't be: rename it"),
        ("random.py", "preset = {}", "'random' can't be: rename it"),
    ],
)
def test_a_python_file_that_is_no_preset_is_told_in_one_sentence(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PresetError) as error:
        read_python_preset(tmp_path / name, "preset")
    assert said in str(error.value)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)
