"""A run whose preset leaves compiling open compiles where it pays, and keeps to that."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_precision_choice import CONFIG
from tuitrain.config.load import parse_preset
from tuitrain.training.build import TrainingComponents, build_components
from tuitrain.training.runtime import compile_choice
from tuitrain.training.runtime.compile_choice import choose_compile, decide
from tuitrain.training.runtime.randomness import seed_everything
from tuitrain.training.settings.live import PendingChanges
from tuitrain.training.state import TrainingState


def built(folder: Path) -> TrainingComponents:
    text = CONFIG.replace('precision = "auto"', 'compile = "auto"')
    preset = parse_preset(text, "config.toml")
    seed_everything(preset.train.seed)
    return build_components(preset, folder, lambda _text: None)


@pytest.mark.parametrize(
    ("plain", "compiled", "first", "passes", "pays", "why"),
    [
        (1.0, 0.5, 30.0, 1000, True, "2.00 times as fast here; compiling takes 30 s, the run gain"),
        (1.0, 0.5, 30.0, 50, False, "as compiling takes 30 s and the run gains 25 s"),
        (1.0, 0.99, 1.0, 10**6, False, "as a compiled model is 1.01 times as fast here"),
        (1.0, 2.0, 1.0, 10**6, False, "as a compiled model is 0.50 times as fast here"),
    ],
)
def test_compiling_must_pay_for_itself(
    plain: float, compiled: float, first: float, passes: int, pays: bool, why: str
) -> None:
    found = decide(plain, compiled, first, passes)
    assert found[0] is pays
    assert found[1].startswith(why)


def test_a_short_run_is_not_compiled(tmp_path: Path) -> None:
    parts, told = built(tmp_path), list[str]()
    choose_compile(parts, 1, told.append)
    assert parts.compiled is False
    assert parts.forward is parts.model
    assert told[-1].startswith("train.compile = auto: false, as all passes take about ")


@pytest.mark.parametrize("gain", [0.0, 1e9])
def test_what_is_chosen_is_kept_and_moves_nothing_that_a_run_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gain: float
) -> None:
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    monkeypatch.setattr(compile_choice, "_LEAST_S", 0.0)
    monkeypatch.setattr(compile_choice, "decide", lambda *_all: (gain < 1, "measured"))
    untouched, parts = built(tmp_path), built(tmp_path)
    before = torch.get_rng_state()
    choose_compile(parts, 100, lambda _text: None)
    assert parts.compiled is (gain < 1)
    assert torch.equal(torch.get_rng_state(), before)
    weights = zip(parts.model.parameters(), untouched.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)
    batch = parts.batches(0).step(0)[0].inputs
    parts.model.eval()
    assert torch.allclose(parts.forward(batch), parts.model(batch), atol=1e-6)

    saved, again = TrainingState(parts).state_dict(), built(tmp_path)
    TrainingState(again).load_state_dict(saved, PendingChanges(()))
    told: list[str] = []
    choose_compile(again, 100, told.append)
    assert again.compiled is parts.compiled
    assert not told, "it is chosen once"


def test_a_model_that_can_not_be_compiled_trains_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_all: Any) -> None:
        raise RuntimeError("no compiler here\nand more")

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=refuse))
    monkeypatch.setattr(compile_choice, "_LEAST_S", 0.0)
    parts = built(tmp_path)
    choose_compile(parts, 100, lambda _text: None)
    assert parts.compiled is False
    assert parts.compile_why.startswith("as compiling fails: ")
    assert "no compiler here" in parts.compile_why
