"""A run whose own parts have state goes on, after a failure, as if there had been none."""

from typing import Any

import pytest

MODULE = '''
import os
import torch
from torch import nn

class Seeing(nn.Module):
    """A loss with a buffer that every step moves, and a parameter; it fails once at its 9th."""
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.scale = nn.Parameter(torch.ones(()))
    def forward(self, outputs, targets):
        if self.training:
            if self.seen == 8 and "FAIL" in os.environ and not os.path.exists("failed"):
                open("failed", "w").close()
                raise RuntimeError("link lost")
            self.seen += 1
        error = (outputs * self.scale - targets).square().mean()
        return error * (1 + self.seen / 10)

class Falling:
    """A schedule that counts how often it was asked."""
    def __init__(self): self.asked = 0
    def __call__(self, step, total):
        self.asked += 1
        return 0.9 ** self.asked

class Slowing(torch.optim.SGD):
    """Moves its own state in the groups, beside the rate."""
    def step(self, closure=None):
        for group in self.param_groups:
            group["weight_decay"] = group["weight_decay"] * 1.1 + 0.001
        return super().step(closure)
def slowing(parameters, lr):
    held = list(parameters)
    return Slowing([{"params": held[:1], "lr": lr / 2}, {"params": held[1:]}], lr=lr)
'''

PRESET = """
name = "own-state"
task = "regression"
[data]
name = "linear"
samples = 125
[model]
name = "linear"
[loss]
name = "seeing:Seeing"
[optimizer]
name = "seeing:slowing"
lr = 0.1
[schedule]
name = "seeing:Falling"
[train]
epochs = 4
batch_size = 20
threads = 1
"""


@pytest.fixture
def ended(cli: Any) -> Any:
    """Train once undisturbed and once with a failure and a resume."""
    (cli.folder / "seeing.py").write_text(MODULE)
    preset = cli.preset(PRESET)
    cli("run", preset)
    whole = cli.only()
    cli.environ["FAIL"] = "1"
    failed = cli("run", preset, "--name", "again", exit_code=1)
    assert "RuntimeError: link lost; step 8 is saved" in failed.stderr_text + failed.stdout_text
    [again] = [cli.find(path.name) for path in cli.runs.iterdir() if path.name != whole.id]
    cli("resume", again.id, "--code", "seeing:Seeing", "--code", "seeing:slowing",
        "--code", "seeing:Falling")  # fmt: skip
    assert again.wait_end().state == "finished"
    return whole, again


def test_state_of_loss_schedule_and_groups_goes_on_over_a_failure(ended: Any) -> None:
    whole, again = ended
    for name in ("lr", "train/loss", "val/loss"):
        assert again.points(name) == whole.points(name)
    assert again.checkpoint("last").digest == whole.checkpoint("last").digest
