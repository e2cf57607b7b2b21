"""What shipped presets reach by the command line; tests/catalogue trains them all in process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

PROJECT = Path(__file__).parents[2]


def train(folder: Path, preset: str) -> Any:
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "TUITRAIN_RUNS": str(folder / "runs"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }

    def tuitrain(*arguments: str) -> str:
        command = [sys.executable, "-m", "tuitrain", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, text=True
        ).stdout

    tuitrain("run", str(PROJECT / "presets" / f"{preset}.toml"), "--set", "train.threads=1")
    return json.loads(tuitrain("show", "last", "--json"))


def metric(run: Any, name: str) -> Any:
    return next(row for row in run["metrics"] if row["name"] == name)


def test_digits_cnn_reaches_98_percent_on_its_held_out_part(tmp_path: Path) -> None:
    run = train(tmp_path, "digits-cnn")
    assert run["state"] == "finished"
    assert metric(run, "val/accuracy")["best"] >= 0.98


def test_linear_regression_finds_its_line(tmp_path: Path) -> None:
    run = train(tmp_path, "linear-regression")
    last = next(entry for entry in run["checkpoints"] if entry["name"] == "last")
    state = torch.load(Path(run["path"]) / last["path"], weights_only=True)
    bias, weight = sorted(value.item() for value in state["model"].values())
    assert abs(weight - 0.7) < 0.02
    assert abs(bias - 0.3) < 0.02
