"""Why a run is slow, found by real runs: slow loaders, a slow model, and the sum of all parts."""

from itertools import pairwise
from typing import Any

import pytest

from tuitrain.metric_names import STAGES, WALL_METRIC, split_metric

MODULE = """
import time

import torch
from torch import nn
from torch.utils.data import Dataset

from tuitrain.components import Splits


class Numbers(Dataset):
    def __init__(self, size, delay_s):
        self.size, self.delay_s = size, delay_s

    def __len__(self):
        return self.size

    def __getitem__(self, number):
        time.sleep(self.delay_s)
        inputs = torch.full((8,), number / self.size)
        return inputs, inputs[:1].sum()


def numbers(delay_s: float = 0.0):
    return Splits(Numbers(1600, delay_s), Numbers(16, 0.0))


class Slow(nn.Module):
    def __init__(self, delay_s: float = 0.0, width: int = 8):
        super().__init__()
        layers = nn.Linear(8, width), nn.ReLU(), nn.Linear(width, width), nn.Linear(width, 1)
        self.layers, self.delay_s = nn.Sequential(*layers), delay_s

    def forward(self, inputs):
        if self.delay_s:
            time.sleep(self.delay_s)
        return self.layers(inputs)
"""
PRESET = """
name = "slow"
task = "regression"
[data]
name = "slow_code:numbers"
workers = 2
normalize = false
DATA
[model]
name = "slow_code:Slow"
MODEL
[loss]
name = "mse"
[optimizer]
name = "sgd"
[train]
epochs = 1
batch_size = 16
threads = 1
device = "cpu"
"""


def finished(cli: Any, *options: str, data: str = "", model: str = "") -> Any:
    (cli.folder / "slow_code.py").write_text(MODULE)
    cli("run", cli.preset(PRESET.replace("DATA", data).replace("MODEL", model)), *options)
    return cli.only()


def test_a_loader_made_slow_on_purpose_is_named(cli: Any) -> None:
    # A batch of 16 takes 32 ms to load: with two workers one arrives every 16 ms.
    run = finished(cli, data="delay_s = 0.002")
    found = cli.show(run)["step_time"]
    assert found["verdict"] == "input-bound"
    assert found["seconds"]["data"] > 0.5 * found["wall_s"]
    said = cli("show", run.id).stdout_text
    assert "TIME\n" in said
    assert "of each step goes into waiting for data; 2 loader workers" in said


def test_a_sleep_planted_in_the_model_is_no_fault_of_the_loader(cli: Any) -> None:
    run = finished(cli, model="delay_s = 0.02")
    found = cli.show(run)["step_time"]
    assert found["verdict"] == "compute-bound"
    assert found["seconds"]["forward"] >= 0.02
    assert any("forward takes" in tip for tip in found["suggestions"])
    assert found["flops_per_s"] > 0


def test_the_parts_of_all_steps_sum_to_what_the_loop_says_training_took(cli: Any) -> None:
    # Steps so long that each is timed: nothing is left to which steps were drawn.
    run = finished(cli, "--set", "train.max_steps=40", model="width = 4000")
    parts = [dict(run.points(split_metric(stage))) for stage in STAGES]
    trained = {row.step: row.train_s for row in run.recent_progress(10_000)}
    known = [step for step, _wall in run.points(WALL_METRIC) if step in trained]
    summed_s = sum((b - a) * sum(part.get(b, 0.0) for part in parts) for a, b in pairwise(known))
    assert len(known) > 2
    assert summed_s == pytest.approx(trained[known[-1]] - trained[known[0]], rel=0.02)
