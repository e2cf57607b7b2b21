"""Techniques beside the loop: what they do, and that a resumed run goes on with them exactly."""

import json
import math
import queue
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from tests.training.test_loop import LINE, Course
from tuitrain.components import Hook, HookContext, Samples
from tuitrain.components.pictures import as_pixels, to_png
from tuitrain.components.schedules.plateau import Plateau
from tuitrain.components.techniques.mixing import cutmix, mixup
from tuitrain.components.techniques.samples import kept_places
from tuitrain.config.load import parse_preset
from tuitrain.errors import CheckpointError, PresetError, RecordError, TrainingError
from tuitrain.messages import AlertRaised, Evaluated, StepsTaken
from tuitrain.metric_names import is_split_metric
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.samples import read_samples, sampled_steps
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
    "gradients": 'hooks = [{ name = "gradient_statistics", every_steps = 2, dead_units = true }]',
    "samples": 'hooks = [{ name = "samples", number = 3 }]',
    "plateau": 'schedule = { name = "plateau", patience = 0, threshold = 0.9 }',
}


def told_points(channel: WorkerChannel, after: int) -> dict[tuple[str, int], float]:
    """Return every point of the steps after one, but for what is measured by the clock."""
    found = {}
    for event in (numbered.event for numbered in channel.unacknowledged()):
        for points in event.points if isinstance(event, StepsTaken) else ():
            if points.name != "samples_per_s" and not is_split_metric(points.name):
                first = points.first_step
                steps = points.steps or range(first, first + len(points.values))
                found |= {
                    (points.name, step): value
                    for step, value in zip(steps, points.values, strict=True)
                    if step > after
                }
    return found


def shown(folder: Path) -> dict[str, bytes]:
    """Return what hooks have written into a run's folder."""
    files = (path for path in folder.glob("samples/**/*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def resumed(
    folder: Path, config: str, step: int
) -> tuple[dict[str, Any], dict[tuple[str, int], float]]:
    """Go on from the checkpoint of a step, with everything else new; return state and points."""
    preset = parse_preset(config, "config.toml")
    seed_everything(1234)
    components = build_components(preset, folder, lambda _text: None, folder)
    channel = WorkerChannel(queue.Queue(), queue.Queue(), 60.0)  # type: ignore[arg-type]
    channel.begin(2)
    checkpoints = CheckpointFolder(folder / "again")
    checkpoints.prepare()
    trainer = Trainer(components, channel, CheckpointWriter(checkpoints, folder), config)
    state = load_checkpoint(folder / "checkpoints" / f"step-{step:08d}.pt")
    trainer.state.load_state_dict(state, PendingChanges(()))
    trainer.run()
    return load_checkpoint(folder / "again" / "last.pt"), told_points(channel, step)


@pytest.mark.parametrize("name", HOOKS)
def test_a_run_goes_on_exactly_with_every_hook(tmp_path: Path, name: str) -> None:
    config = HOOKS[name] + DIGITS
    course = Course(tmp_path, config)
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    samples = shown(tmp_path)
    again, points = resumed(tmp_path, config, 4)
    assert (whole["step"], again["step"]) == (9, 9)
    assert again["digest"] == whole["digest"]
    assert str(again["hooks"]) == str(whole["hooks"])
    assert again["metrics"] == whole["metrics"]
    assert points == told_points(course.link, 4)
    assert shown(tmp_path) == samples
    assert bool(samples) is (name == "samples")
    assert any(told.startswith("aux/") for told, _step in points) is (name == "gradients")


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
        (
            '[{ name = "gradient_statistics", by = "tensor" }]',
            PresetError,
            "hooks[0].by: found \"tensor\", must be one of layer or module",
        ),
        ('[{ name = "samples", number = 0 }]', PresetError, "hooks[0].number: found 0, must be a"),
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


def test_gradient_statistics_are_those_of_each_layer(tmp_path: Path) -> None:
    text = DIGITS.replace("dropout = 0.2", "dropout = 0.0").replace('"adamw"', '"sgd"\nlr = 0.5')
    course = Course(tmp_path, HOOKS["gradients"] + text)
    points = told_points(course.link, 0)
    parts = ("1/weight_norm", "1/gradient_norm", "1/update_norm", "3/gradient_norm", "2/dead_units")
    for part in parts:
        assert [step for name, step in points if name == f"aux/{part}"] == [2, 4, 6, 8]
    for step in (2, 4, 6, 8):
        of = {name: value for (name, at), value in points.items() if at == step}
        # Plain gradient descent moves weights by the gradients times the rate.
        for layer in ("1", "3"):
            moved = of["lr"] * of[f"aux/{layer}/gradient_norm"]
            assert of[f"aux/{layer}/update_norm"] == pytest.approx(moved, rel=1e-3)
        assert 0 <= of["aux/2/dead_units"] < 1
    first = load_checkpoint(tmp_path / "checkpoints" / "step-00000004.pt")["model"]
    norm = math.hypot(*(first[f"1.{name}"].norm().item() for name in ("weight", "bias")))
    # The norm is that before the update.
    assert abs(points["aux/1/weight_norm", 4] - norm) <= points["aux/1/update_norm", 4] + 1e-5
    assert not [m for m in course.parts.model.modules() if m._forward_hooks]


def decoded_image(path: Path) -> torch.Tensor:
    """Return [channels, height, width]."""
    with Image.open(path) as image:
        pixels = torch.from_numpy(np.array(image))
    return pixels[None] if pixels.ndim == 2 else pixels.movedim(2, 0)


def test_samples_lie_in_the_runs_folder_at_every_evaluation(tmp_path: Path) -> None:
    course = Course(tmp_path, HOOKS["samples"] + DIGITS)
    folders = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert folders == ["step-00000003", "step-00000006", "step-00000009"]
    last = tmp_path / "samples" / "step-00000009"
    directory = RunDirectory(tmp_path)
    assert sampled_steps(directory) == [3, 6, 9]
    found = read_samples(directory, 9)
    assert (found.step, found.folder, len(found.samples)) == (9, last, 3)
    sample = found.samples[1]
    assert sample["input"] == {
        "kind": "image", "file": "1-input.png", "width": 8, "height": 8, "range": [0.0, 255.0],
    }  # fmt: skip
    validation = course.parts.data.validation
    assert isinstance(validation, Samples)
    place = len(validation) // 3
    assert sample["target"] == {"kind": "text", "text": str(int(validation.targets[place]))}
    assert re.fullmatch(r"[0-9] \(\d+%\)", sample["output"]["text"])
    decoded = decoded_image(last / "1-input.png")
    assert torch.equal(decoded, validation.inputs[place])
    with pytest.raises(RecordError, match="there are no samples of step 4"):
        read_samples(directory, 4)
    (last / "index.json").write_text("{")
    with pytest.raises(RecordError, match="can't be read"):
        read_samples(directory, 9)


@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 2, 9), (7, 3)])
def test_images_are_written_as_any_program_reads_them(tmp_path: Path, shape: Any) -> None:
    image = torch.rand(shape)
    pixels, spread = as_pixels(image)
    (tmp_path / "a.png").write_bytes(to_png(pixels))
    decoded = decoded_image(tmp_path / "a.png")
    assert spread == (0.0, 1.0)
    wanted = (image.double() * 255).round().to(torch.uint8)
    assert torch.equal(decoded, wanted.reshape(-1, *shape[-2:]))
    assert as_pixels(image * 4 - 1)[1] == pytest.approx(
        (float(image.min() * 4 - 1), float(image.max() * 4 - 1))
    )


@given(st.integers(1, 200), st.integers(2, 9))
def test_samples_are_kept_of_evenly_spread_evaluations_and_the_last(number: int, keep: int) -> None:
    places = kept_places(number, keep)
    assert len(places) <= keep
    assert {0, number - 1} <= set(places)
    assert number == 1 or set(places[:-1]) <= set(kept_places(number - 1, keep))


OFFERING = """
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, spec): super().__init__(nn.Flatten(), nn.Linear(64, 10))
class Writes(Net):
    def samples(self, batch):
        assert not self.training and not torch.is_grad_enabled()
        drawn = torch.rand(1).item()
        odd = torch.tensor([1.0, torch.nan])
        return [{"text": "the \\x1b[2J end", "drawn": drawn, "odd": odd}]
class Wrong(Net):
    def samples(self, batch): return [{"text": None}]
class Full(Net):
    def samples(self, batch): raise OSError(28, "No space left on device")
"""


@pytest.mark.parametrize("name", ["Writes", "Wrong", "Full"])
def test_a_model_may_offer_samples_and_what_it_does_there_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "offering_code.py").write_text(OFFERING)
    monkeypatch.syspath_prepend(str(tmp_path))
    before, after = DIGITS.split('name = "mlp"\nhidden = [8]\ndropout = 0.2')
    plain = Course(tmp_path / "plain", f'{before}name = "offering_code:Net"{after}')
    offers = f'{HOOKS["samples"]}{before}name = "offering_code:{name}"{after}'
    course = Course(tmp_path / "run", offers)
    assert course.ended.state == "finished"
    weights = zip(plain.parts.model.parameters(), course.parts.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)
    alerts = [event for event in course.events if isinstance(event, AlertRaised)]
    if name == "Writes":
        index = json.loads((tmp_path / "run/samples/step-00000009/index.json").read_text())
        (sample,) = index["samples"]
        assert sample["text"] == {"kind": "text", "text": "the \x1b[2J end"}
        assert sample["odd"] == {"kind": "numbers", "shape": [2], "values": [1.0, "nan"]}
        assert alerts == []
    elif name == "Wrong":
        (alert,) = alerts
        assert "the part 'text' is a NoneType, it must be a text, a number or a" in alert.text
    else:
        assert [alert.kind for alert in alerts] == ["disk"] * 3
        assert "hooks.samples could not write what it has of step 9: " in alerts[-1].text


MIXED = """
from tuitrain.components.tasks.regression import Regression

class Mine(Regression): pass
class Plain(Regression):
    targets = ("numbers",)
"""


def test_every_task_that_says_its_targets_can_be_blended_can_be_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mixed_code.py").write_text(MIXED)
    monkeypatch.syspath_prepend(str(tmp_path))
    before, after = (HOOKS["mixup"] + LINE).split('"regression"')
    course = Course(tmp_path / "mine", f'{before}"mixed_code:Mine"{after}')
    assert course.ended.state == "finished"
    parts, inputs = course.parts, torch.rand(40, 1)
    context = HookContext(parts.model, parts.optimizer, torch.device("cpu"), parts.task, 1, 1, 1, 0)
    mixed, blended = mixup(context, alpha=1.0).transform_batch(inputs, 3 * inputs[:, 0], 5)
    assert torch.allclose(blended, 3 * mixed[:, 0], atol=1e-6)
    assert not torch.allclose(mixed, inputs)
    with pytest.raises(TrainingError, match="task = mixed_code:Plain does not say that it takes"):
        Course(tmp_path / "plain", f'{before}"mixed_code:Plain"{after}')
