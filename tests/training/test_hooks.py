"""Techniques beside the loop: what they do, and that a resumed run goes on with them exactly."""

import queue
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.test_loop import Course
from tuitrain.components import Hook, HookContext
from tuitrain.components.schedules.plateau import Plateau
from tuitrain.components.techniques.mixing import cutmix, mixup
from tuitrain.config.load import parse_preset
from tuitrain.errors import CheckpointError, PresetError, TrainingError
from tuitrain.messages import Evaluated
from tuitrain.training.build import build_components
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.checkpoints.files import CheckpointFolder, load_checkpoint
from tuitrain.training.checkpoints.writer import CheckpointWriter
from tuitrain.training.hooks import HookList
from tuitrain.training.loop import Trainer
from tuitrain.training.runtime.randomness import seed_everything
from tuitrain.training.settings.live import PendingChanges
from tuitrain.training.task import find_task

DIGITS = """
name = "digits"
task = "classification"
[data]
name = "digits"
[model]
name = "mlp"
hidden = [8]
dropout = 0.2
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
[train]
epochs = 3
batch_size = 300
accumulate = 2
threads = 1
[checkpoint]
every_steps = 4
keep = 9
"""
HOOKS = {
    "ema": 'hooks = [{ name = "ema", decay = 0.9 }]',
    "unfreeze": 'hooks = [{ name = "unfreeze", modules = ["1"], at_epoch = 2 }]',
    "mixup": 'hooks = [{ name = "mixup" }]',
    "all": 'hooks = [{ name = "cutmix" }, { name = "ema" }]',
    "plateau": 'schedule = { name = "plateau", patience = 0, threshold = 0.9 }',
}


def resumed(folder: Path, config: str, step: int) -> dict[str, Any]:
    """Go on from the checkpoint of a step, with everything else new; return the last state."""
    preset = parse_preset(config, "config.toml")
    seed_everything(1234)
    components = build_components(preset, folder, lambda _text: None)
    channel = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
    channel.begin(2)
    checkpoints = CheckpointFolder(folder / "again")
    checkpoints.prepare()
    trainer = Trainer(components, channel, CheckpointWriter(checkpoints, folder), config)
    state = load_checkpoint(folder / "checkpoints" / f"step-{step:08d}.pt")
    trainer.state.load_state_dict(state, PendingChanges(()))
    trainer.run()
    return load_checkpoint(folder / "again" / "last.pt")


@pytest.mark.parametrize("name", HOOKS)
def test_a_run_goes_on_exactly_with_every_hook(tmp_path: Path, name: str) -> None:
    config = HOOKS[name] + DIGITS
    Course(tmp_path, config)
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    again = resumed(tmp_path, config, 4)
    assert (whole["step"], again["step"]) == (9, 9)
    assert again["digest"] == whole["digest"]
    assert str(again["hooks"]) == str(whole["hooks"])
    assert again["metrics"] == whole["metrics"]


def test_averaged_weights_are_evaluated_and_saved_beside_the_raw_ones(tmp_path: Path) -> None:
    course = Course(tmp_path, HOOKS["ema"] + DIGITS)
    last = [event for event in course.events if isinstance(event, Evaluated)][-1]
    assert {"val/loss", "ema/loss", "val/accuracy", "ema/accuracy"} <= last.metrics.keys()
    assert last.metrics["ema/loss"] != last.metrics["val/loss"]
    state = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    means = state["hooks"][0]["state"]["means"]
    weights = list(course.parts.model.parameters())
    assert [mean.shape for mean in means] == [weight.shape for weight in weights]
    assert torch.equal(state["model"]["1.weight"], weights[0])
    assert not torch.equal(means[0], weights[0])


def test_frozen_parameters_train_from_their_epoch_on(tmp_path: Path) -> None:
    Course(tmp_path, HOOKS["unfreeze"] + DIGITS)
    states = {
        int(path.stem.removeprefix("step-")): load_checkpoint(path)["model"]
        for path in (tmp_path / "checkpoints").glob("step-*.pt")
    }
    before = [step for step in sorted(states) if step <= 6]
    after = [step for step in sorted(states) if step > 6]
    assert len({states[step]["1.weight"].sum().item() for step in before}) == 1
    assert len({states[step]["4.weight"].sum().item() for step in before}) == len(before)
    assert states[after[0]]["1.weight"].sum() != states[before[0]]["1.weight"].sum()


def test_mixing_gives_shares_of_two_classes_and_follows_from_its_seed() -> None:
    model = nn.Linear(1, 1)
    context = HookContext(
        model, torch.optim.SGD(model.parameters()), torch.device("cpu"),
        find_task("classification"), 3, 10, 100, 0,
    )  # fmt: skip
    images, targets = torch.rand(6, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    for build in (mixup, cutmix):
        hook = build(context, alpha=1.0)
        mixed, shares = hook.transform_batch(images, targets, 5)
        again, _ = hook.transform_batch(images, targets, 5)
        other, _ = hook.transform_batch(images, targets, 6)
        assert torch.equal(mixed, again)
        assert not torch.equal(mixed, other)
        assert mixed.shape == images.shape
        assert torch.allclose(shares.sum(1), torch.ones(6))
        assert (shares > 0).sum(1).max() <= 2


@pytest.mark.parametrize(
    ("hooks", "error", "text"),
    [
        ('[{ name = "emma" }]', PresetError, "hooks[0].name: found \"emma\", which is no hook"),
        ('[{ name = "ema", decay = 2 }]', PresetError, "hooks[0].decay"),
        ('[{ name = "ema", speed = 2 }]', PresetError, "hooks[0].speed: unknown key"),
        ('[{ name = "unfreeze", modules = ["head"] }]', TrainingError, "no trainable parameters"),
        ('[{ name = "unfreeze", modules = ["1", "4"] }]', TrainingError, "nothing is left"),
        ('[{ name = "collections:OrderedDict" }]', TrainingError, "returned OrderedDict, not a"),
    ],
)  # fmt: skip
def test_a_hook_that_does_not_fit_is_told(
    tmp_path: Path, hooks: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        Course(tmp_path, f"hooks = {hooks}{DIGITS}")
    assert text in str(caught.value)


def test_only_what_is_overridden_is_asked_in_a_step_and_other_hooks_are_not_resumed() -> None:
    class Counts(Hook):
        steps = 0

        def updated(self, step: int) -> None:
            self.steps = step

        def state_dict(self) -> dict[str, Any]:
            return {"steps": self.steps}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.steps = state["steps"]

    one, other = HookList([("counts", Counts())]), HookList([("counts", Counts())])
    assert (len(one.updated), len(one.transforms), len(one.weights)) == (1, 0, 0)
    one.updated[0](7)
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == [{"name": "counts", "state": {"steps": 7}}]
    with pytest.raises(CheckpointError, match="made with the hooks counts, the preset has none"):
        HookList([]).load_state_dict(one.state_dict())


def test_a_plateau_lowers_the_rate_after_its_patience_and_nan_is_no_improvement() -> None:
    plateau = Plateau("val/loss", "min", factor=0.5, patience=1, threshold=0.0)
    found = []
    for loss in (1.0, 0.9, 0.95, float("nan"), 0.8, 0.8, 0.8):
        plateau.evaluated({"val/loss": loss}, 0)
        found.append(plateau(0, 1))
    assert found == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
    with pytest.raises(TrainingError, match=r"schedule\.monitor = val/loss: evaluations give a"):
        plateau.evaluated({"a": 1.0}, 0)
