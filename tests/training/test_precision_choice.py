"""A run whose preset leaves the number format open computes in one format from first to last."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tuitrain.config.load import parse_preset
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.runtime import precision_choice
from tuitrain.training.runtime.precision_choice import choose_precision, decide
from tuitrain.training.runtime.randomness import seed_everything
from tuitrain.training.settings.live import PendingChanges
from tuitrain.training.state import TrainingState

CONFIG = """
name = "small"
task = "classification"
[data]
name = "digits"
augment = [{ name = "shift" }]
[model]
name = "cnn"
channels = [8]
hidden = 16
dropout = 0.5
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
[train]
batch_size = 64
precision = "auto"
"""


def built(folder: Path) -> TrainingComponents:
    preset = parse_preset(CONFIG, "config.toml")
    seed_everything(preset.train.seed)
    return build_components(preset, folder, lambda _text: None)


@pytest.mark.parametrize(
    ("seconds", "chosen", "why"),
    [
        ({"fp32": 1.0, "bf16": 0.5}, "bf16", "2.00 times as fast as fp32 here"),
        ({"fp32": 1.0, "bf16": 0.95}, "fp32", "as fast as any here (bf16 1.05 times its speed)"),
        ({"fp32": 1.0, "bf16": 4.0}, "fp32", "as fast as any here (bf16 0.25 times its speed)"),
        ({"fp32": 1.0, "tf32": 0.5, "bf16": 0.48}, "tf32", "2.00 times as fast as fp32 here"),
        ({"fp32": 1.0, "tf32": 0.5, "bf16": 0.3}, "bf16", "3.33 times as fast as fp32 here"),
        (
            {"fp32": float("inf"), "bf16": 0.5},
            "bf16",
            "which fits into memory where fp32 does not",
        ),
    ],
)
def test_fewer_digits_must_pay(seconds: Any, chosen: str, why: str) -> None:
    assert decide(seconds) == (chosen, why)


def test_the_choice_moves_nothing_that_a_run_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision_choice, "_LEAST_S", 0.0)
    untouched, parts = built(tmp_path), built(tmp_path)
    before = torch.get_rng_state()
    told: list[str] = []
    choose_precision(parts, told.append)
    assert torch.equal(torch.get_rng_state(), before)
    for (name, one), other in zip(
        parts.model.state_dict().items(), untouched.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert all(weight.grad is None for weight in parts.model.parameters())
    assert parts.precision.is_settled
    assert told[-1] == f"train.precision = auto: {parts.precision.name}, {parts.precision.why}"
    told.clear()
    choose_precision(parts, told.append)
    assert not told, "it is chosen once"


def test_a_pass_that_takes_no_time_is_not_measured_in_other_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision_choice, "_LEAST_S", 600.0)
    parts = built(tmp_path)
    choose_precision(parts, lambda _text: None)
    assert parts.precision.name == "fp32"


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_a_run_that_is_resumed_goes_on_in_its_format_whatever_would_be_chosen_now(
    tmp_path: Path, name: Any
) -> None:
    parts = built(tmp_path)
    parts.precision.settle(name, "measured")
    saved = TrainingState(parts).state_dict()
    again = built(tmp_path)
    TrainingState(again).load_state_dict(saved, PendingChanges(()))
    choose_precision(again, lambda _text: None)
    assert again.precision.name == name
    assert again.precision.is_plain == (name == "fp32")


def test_a_checkpoint_from_before_there_was_a_choice_was_in_fp32(tmp_path: Path) -> None:
    saved = TrainingState(built(tmp_path)).state_dict()
    del saved["precision"]
    again = built(tmp_path)
    TrainingState(again).load_state_dict(saved, PendingChanges(()))
    assert (again.precision.name, again.precision.is_settled) == ("fp32", True)
