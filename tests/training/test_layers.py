"""What layers do in a step is measured on request, and moves no bit of the run."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_hooks import DIGITS, resumed, told_points
from tests.training.test_loop import Course
from tuitrain.messages import AlertRaised, ChangeSetting, SettingChanged
from tuitrain.metric_names import axis_of, layer_metric, layer_of
from tuitrain.training.checkpoints.files import load_checkpoint
from tuitrain.training.metrics.layers import Activation

EVERY_2 = DIGITS.replace("threads = 1", "threads = 1\nlayers_every = 2")


def same(one: Any, other: Any) -> bool:
    """Return whether two states are equal in every bit.

    But for clocks, the setting itself, what is not on record yet, and Python's own generator, which
    whatever a process does besides draws from.
    """
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        left_out = {"train_s", "config", "settings", "pending", "python"}
        return one.keys() == other.keys() and all(
            same(one[key], other[key]) for key in one.keys() - left_out
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def layers(points: dict[tuple[str, int], float]) -> dict[tuple[str, int], float]:
    return {key: value for key, value in points.items() if layer_of(key[0])}


@pytest.mark.parametrize(
    "change",
    [
        ("threads = 1", "threads = 1"),
        ("threads = 1", 'threads = 1\nprecision = "bf16"\nclip_norm = 0.5'),
        ("threads = 1", 'threads = 1\nprecision = "fp16"'),
        ("threads = 1", "threads = 1\ngradient_checkpointing = '1'"),
        ('name = "adamw"', 'name = "torch.LBFGS"'),
    ],
    ids=["fp32", "bf16 clipped", "fp16", "recomputed", "closure"],
)
def test_every_bit_is_as_without(tmp_path: Path, change: tuple[str, str]) -> None:
    plain = Course(tmp_path / "plain", DIGITS.replace(*change))
    looked = Course(tmp_path / "looked", EVERY_2.replace(*change))
    first, second = (
        load_checkpoint(tmp_path / name / "checkpoints" / "last.pt") for name in ("plain", "looked")
    )
    assert same(first, second)
    one, other = told_points(plain.link, 0), told_points(looked.link, 0)
    found = layers(other)
    assert one == {key: value for key, value in other.items() if key not in found}
    assert {step for _name, step in found} == {
        step for step in range(1, looked.ended.step + 1) if step % 2 == 0
    }
    assert not [event for event in looked.events if isinstance(event, AlertRaised)]


def test_layers_are_those_of_the_model_with_what_each_has(tmp_path: Path) -> None:
    course = Course(tmp_path, EVERY_2)
    found = layers(told_points(course.link, 0))
    kinds: dict[str, set[str]] = {}
    for name, _step in found:
        kind, layer = layer_of(name) or ("", "")
        kinds.setdefault(layer, set()).add(kind)
    with_weights = {"activation", "gradient", "weight", "dead"}
    assert set(map(frozenset, kinds.values())) == {
        frozenset(with_weights), frozenset({"activation", "dead"}),
    }  # fmt: skip
    assert all(0 <= value <= 1 for (name, _), value in found.items() if "/dead/" in name)
    assert all(value > 0 for (name, _), value in found.items() if "/weight/" in name)


def test_the_request_is_live_and_a_resume_goes_on_measuring(tmp_path: Path) -> None:
    asked = Course(tmp_path, DIGITS, ChangeSetting(1, "train.layers_every", 2))
    changed = [event for event in asked.events if isinstance(event, SettingChanged)]
    assert [(event.key, event.new) for event in changed] == [("train.layers_every", 2.0)]
    whole = told_points(asked.link, 4)
    assert layers(whole)
    state, points = resumed(tmp_path, DIGITS, 4)
    assert layers(points) == layers(whole)
    assert same(state, load_checkpoint(tmp_path / "checkpoints" / "last.pt"))


def test_no_request_measures_nothing(tmp_path: Path) -> None:
    assert not layers(told_points(Course(tmp_path, DIGITS).link, 0))


def test_activations_are_a_root_of_the_mean_square_and_dead_units_never_give_anything() -> None:
    seen = Activation()
    seen.see(torch.nn.ReLU(), (), torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 4.0]]))
    found = seen.measures()
    assert float(found["activation"]) == pytest.approx((25 / 6) ** 0.5)
    assert float(found["dead"]) == pytest.approx(1 / 3)
    # A unit that lives in another batch of the step is not dead.
    seen.see(torch.nn.ReLU(), (), torch.tensor([[0.0, 1.0, 0.0]]))
    assert float(seen.measures()["dead"]) == 0.0
    images = Activation()
    images.see(torch.nn.ReLU(), (), torch.stack([torch.zeros(2, 3, 3), torch.ones(2, 3, 3)]))
    assert float(images.measures()["dead"]) == 0.0
    nothing = Activation()
    nothing.see(torch.nn.Embedding(2, 2), (), torch.tensor([1, 2]))
    nothing.see(torch.nn.LSTM(2, 2), (), ())
    assert nothing.measures() == {}


def test_names_tell_kind_and_layer_and_make_no_curves() -> None:
    name = layer_metric("dead", "features.0/odd")
    assert layer_of(name) == ("dead", "features.0/odd")
    assert axis_of(name) == "layer"
    assert layer_of("layer/else/x") is None
    assert axis_of("train/loss") == "step"
