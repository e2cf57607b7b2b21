"""A step that fails leaves no trace: what it moved on its way forward is undone."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.training.test_loop import LINE, Course
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.checkpoints.saveable import digest_state
from tuitrain.training.optimization.undo import StepUndo

OWN = """
import random
import numpy as np
import torch
from torch import nn

class Moving(nn.Module):
    fails = False
    def __init__(self, spec):
        super().__init__()
        layers = [nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 1)]
        self.layers = nn.Sequential(*layers)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("mask", torch.ones(4, 4))
    def forward(self, inputs):
        if self.training:
            self.calls = self.calls + 1
            random.random(), np.random.rand()
        outputs = self.layers(inputs)
        if self.training and self.fails and self.calls == 8:
            raise RuntimeError("link lost")
        return outputs
class Failing(Moving):
    fails = True
"""


def test_the_checkpoint_of_a_run_that_fails_is_that_of_the_last_whole_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moving.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    text = LINE.replace('name = "mlp"\nhidden = [8]', 'name = "moving:NAME"') + "batch_size = 10\n"
    Course(tmp_path / "whole", text.replace("NAME", "Moving") + "max_steps = 7\n")
    with pytest.raises(RuntimeError, match="link lost"):
        Course(tmp_path / "failed", text.replace("NAME", "Failing"))
    whole, failed = (
        load_checkpoint(tmp_path / name / "checkpoints" / "last.pt") for name in ("whole", "failed")
    )
    assert failed["step"] == 7
    for key in ("model", "optimizer", "generators"):
        assert digest_state({key: failed[key]}) == digest_state({key: whole[key]}), key


def test_only_what_moves_is_kept_and_large_buffers_are_left() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2))
    model.register_buffer("mask", torch.ones(10))
    undo = StepUndo(model, lambda: None)
    inputs = torch.randn(4, 2)
    for step in range(3):
        undo.begin(step)
        model(inputs)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    undo.undo(99)
    assert digest_state(model.state_dict()) == digest_state(before)
    states: list[Any] = [random.getstate(), np.random.get_state(), torch.get_rng_state()]
    undo.begin(3)
    model(inputs * 9)
    torch.rand(1)
    undo.undo(3)
    assert digest_state(model.state_dict()) == digest_state(before)
    # No step drew from a generator, so none is kept.
    assert not torch.equal(torch.get_rng_state(), states[2])


def test_a_model_that_moves_nothing_costs_nothing() -> None:
    undo = StepUndo(nn.Linear(1, 1))
    undo.begin(0)
    undo.begin(1)
    assert not undo._keeps
