"""Parameter groups by pattern, Muon beside AdamW, and torch's own optimizers by name."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.test_loop import Course
from tuitrain.components.optimizers.muon import muon
from tuitrain.config.load import parse_preset
from tuitrain.errors import PresetError, TrainingError
from tuitrain.messages import ChangeSetting
from tuitrain.training.build import build_components

PRESET = """
name = "digits"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
hidden = [8, 8]
[train]
epochs = 1
batch_size = 500
threads = 1
[schedule]
name = "linear"
[optimizer]
{optimizer}
"""
GROUPS = """
name = "{name}"
lr = 0.1
weight_decay = 0.01
[[optimizer.groups]]
match = "5.*"
lr = 0.01
[[optimizer.groups]]
match = "*.bias"
lr = 0.02
weight_decay = 0.01
"""


def built(tmp_path: Path, optimizer: str) -> Any:
    preset = parse_preset(PRESET.format(optimizer=optimizer), "x")
    return build_components(preset, tmp_path, lambda _text: None)


def groups_of(parts: Any) -> list[tuple[list[str], float, float]]:
    names = {id(p): name for name, p in parts.model.named_parameters()}
    return [
        ([names[id(p)] for p in group["params"]], group["lr"], group["weight_decay"])
        for group in parts.optimizer.param_groups
    ]


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "rmsprop", "torch.NAdam"])
def test_the_first_pattern_that_fits_counts_and_the_rest_is_the_last_group(
    tmp_path: Path, name: str
) -> None:
    assert groups_of(built(tmp_path, GROUPS.format(name=name))) == [
        (["5.weight", "5.bias"], 0.01, 0.01),
        (["1.bias", "3.bias"], 0.02, 0.01),
        (["1.weight", "3.weight"], 0.1, 0.01),
    ]


def test_rates_are_scaled_together_and_a_decay_of_its_own_stays(tmp_path: Path) -> None:
    course = Course(
        tmp_path,
        PRESET.format(optimizer=GROUPS.format(name="adamw")),
        ChangeSetting(1, "optimizer.lr", 0.2),
        ChangeSetting(2, "optimizer.weight_decay", 0.5),
    )
    found = groups_of(course.parts)
    # The last of 3 steps: a third of the rates, which were doubled before the first.
    assert [rate for _names, rate, _decay in found] == pytest.approx([0.02 / 3, 0.04 / 3, 0.2 / 3])
    assert [decay for _names, _rate, decay in found] == [0.5, 0.01, 0.5]


@pytest.mark.parametrize(
    ("optimizer", "error", "said"),
    [
        (
            '[[optimizer.groups]]\nmatch = "5.wieght"\nlr = 1.0',
            TrainingError,
            r"optimizer.groups\[0\].match = 5.wieght: no parameter .*; did you mean 5.weight",
        ),
        (
            '[[optimizer.groups]]\nmatch = "*"\nlr = 1.0\n[[optimizer.groups]]\nmatch = "*.bias"',
            TrainingError,
            r"groups\[1\].match = \*.bias: all that it fits is in an earlier group",
        ),
        (
            '[[optimizer.groups]]\nlr = 1.0',
            PresetError,
            r"optimizer.groups\[0\].match: missing",
        ),
        (
            '[[optimizer.groups]]\nmatch = "*"\nrate = 1.0',
            PresetError,
            r"optimizer.groups\[0\].rate: unknown key",
        ),
        ('name = "torch.nadam"', PresetError, "which the installed torch lacks; did you mean tor"),
        ('name = "torch.NAdam"\nbeta = [1.0]', PresetError, "unknown key with optimizer torch.NAd"),
        ('name = "torch.NAdam"\nbetas = [1.0]', PresetError, "must be a list of 2 numbers"),
        ('name = "torch.NAdam"\nbetas = [0.9, 2.0]', TrainingError, "torch refuses it: Invalid b"),
        ('name = "torch.Muon"', TrainingError, "torch.Muon: torch refuses it: Muon only supports"),
        ('name = "torch.LBFGS"\nweight_decay = 1', TrainingError, "takes no weight_decay"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(
    tmp_path: Path, optimizer: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        built(tmp_path, optimizer)


@pytest.mark.parametrize(
    "name", ["ASGD", "Adadelta", "Adafactor", "Adagrad", "Adamax", "NAdam", "RAdam", "Rprop"]
)
def test_torchs_own_are_built_as_torch_builds_them(tmp_path: Path, name: str) -> None:
    parts = built(tmp_path, f'name = "torch.{name}"\nlr = 0.01')
    parameters = parts.model.parameters()
    decay = {} if name in ("Rprop",) else {"weight_decay": 0.0}
    own = getattr(torch.optim, name)(parameters, lr=0.01, **decay)
    assert parts.optimizer.defaults == own.defaults


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm = nn.Embedding(5, 4), nn.LayerNorm(4)
        self.hidden, self.conv = nn.Linear(4, 4), nn.Conv1d(1, 1, 3)
        self.head = nn.Linear(4, 5)


def test_muon_has_the_hidden_matrices_and_adamw_all_else() -> None:
    net = Net()
    optimizer = muon(net.parameters(), 0.01, 0.1, net)
    names = {id(p): name for name, p in net.named_parameters()}
    first, second = ([names[id(p)] for p in g["params"]] for g in optimizer.param_groups)
    assert first == ["hidden.weight"]
    assert set(second) == set(names.values()) - {"hidden.weight"}
    with pytest.raises(TrainingError, match="no hidden 2-d weights"):
        muon(nn.Linear(2, 2).parameters(), 0.1, 0.0, nn.Linear(2, 2))


def test_muon_steps_as_torchs_two_do_apart() -> None:
    torch.manual_seed(0)
    one = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    two = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    two.load_state_dict(one.state_dict())
    both = muon(one.parameters(), 0.01, 0.1, one)
    apart = [
        torch.optim.Muon([two[0].weight], 0.01, 0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([two[0].bias, *two[1].parameters()], 0.01, weight_decay=0.1),
    ]
    inputs = torch.randn(8, 3)
    for _step in range(3):
        for net, optimizers in ((one, [both]), (two, apart)):
            for optimizer in optimizers:
                optimizer.zero_grad()
            net(inputs).square().sum().backward()
            for optimizer in optimizers:
                optimizer.step()
    for mine, torchs in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(mine, torchs, atol=1e-6)
