"""The presets for images: each trains a few steps on small files through its own loading code."""

from pathlib import Path

import pytest
import torch

from tests.catalogue.image_files import IDX_FOLDERS, write_cifar, write_idx
from tests.training.test_hooks import resumed
from tests.training.test_loop import Course
from tuitrain.components import DataSpec
from tuitrain.components.models.convnet import convnet, tinyvgg
from tuitrain.components.models.resnet import resnet
from tuitrain.components.models.vit import vit
from tuitrain.components.models.whitened import whitened_cnn, whitening_filters
from tuitrain.config.folders import built_in_preset_directory
from tuitrain.config.load import load_preset, to_toml
from tuitrain.config.schema import Preset
from tuitrain.errors import TrainingError
from tuitrain.training.checkpoints.files import load_checkpoint

SMALL = (
    "train.max_steps=2", "train.batch_size=25", "train.threads=1", 'train.device="cpu"',
    "schedule.warmup_steps=1",
)  # fmt: skip
PRESETS = (
    "digits-vit", "mnist-cnn", "mnist-mlp", "mnist-mlp-128", "mnist-deep",
    "mnist-convnet", "fashion-tinyvgg",
    "cifar10-resnet", "cifar10-fast", "cifar10-vit",
)  # fmt: skip


def preset_of(name: str, *changes: str) -> Preset:
    return load_preset(built_in_preset_directory() / f"{name}.toml", [*SMALL, *changes])


def train_small(preset: Preset, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Train on files that are made in `folder`, where the preset's data set looks for its own."""
    if preset.data.name in IDX_FOLDERS:
        write_idx(folder, preset.data.name)
    elif preset.data.name.startswith("cifar"):
        write_cifar(folder, preset.data.name, monkeypatch)
    return Course(folder, to_toml(preset))


def check(course: Course) -> None:
    assert course.ended.state == "finished"
    losses = course.points("train/loss")
    assert len(losses) == 2
    assert all(0 < loss < 20 for loss in losses)
    assert {"val/loss", "val/accuracy"} <= course.last_evaluation.keys()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_trains_on_the_files_of_its_data_set(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(train_small(preset_of(name), tmp_path, monkeypatch))


def test_cifar_100_takes_the_place_of_cifar_10(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = preset_of("cifar10-fast", "data.name=cifar100")
    course = train_small(preset, tmp_path, monkeypatch)
    check(course)
    assert course.parts.data.spec.outputs == 100


def test_a_pretrained_preset_trains_its_last_layer_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The preset's own network is large: the smallest of its family of heads stands in.
    preset = preset_of(
        "cifar10-resnet18-finetune",
        'model.name="torchvision.shufflenet_v2_x0_5"',
        "model.pretrained=false",
        "model.size=32",
    )
    course = train_small(preset, tmp_path, monkeypatch)
    check(course)
    # An epoch is two steps, so the body has just been let go.
    state = course.parts.model.state_dict()
    assert int(state["conv1.1.num_batches_tracked"]) == 0
    assert course.parts.model.conv1[0].weight.requires_grad  # type: ignore[index]


def test_an_augmented_preset_goes_on_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = ("train.max_steps=6", "checkpoint.every_steps=3", "checkpoint.keep=9")
    small = (
        "model.depth=1",
        "model.width=12",
        "model.hidden=12",
        "data.mode=loader",
        "data.workers=0",
    )
    preset = preset_of("cifar10-vit", *changes, *small)
    train_small(preset, tmp_path, monkeypatch)
    whole = load_checkpoint(tmp_path / "checkpoints" / "last.pt")
    again, _points = resumed(tmp_path, to_toml(preset), 3)
    assert (whole["step"], again["step"]) == (6, 6)
    assert again["digest"] == whole["digest"]
    assert again["metrics"] == whole["metrics"]


@pytest.mark.parametrize(
    ("build", "shape", "parameters"),
    [
        (lambda spec: convnet(spec, log_softmax=True), (1, 28, 28), 21_840),
        (tinyvgg, (1, 28, 28), 7_740),
        (resnet, (3, 32, 32), 272_474),
        (vit, (3, 32, 32), 1_806_538),
    ],
    ids=["convnet", "tinyvgg", "resnet", "vit"],
)
def test_a_model_has_the_parameters_of_its_paper_or_course(build, shape, parameters) -> None:  # type: ignore[no-untyped-def]
    network = build(DataSpec(shape, 10))
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert network.eval()(torch.rand(2, *shape)).shape == (2, 10)


@pytest.mark.parametrize(
    ("build", "shape", "text"),
    [
        (convnet, (1, 8, 8), "convnet needs images of at least 16x16 pixels"),
        (tinyvgg, (1, 3, 9), "tinyvgg needs images of at least 4x4 pixels"),
        (whitened_cnn, (3, 8, 8), "whitened_cnn needs images of at least 9x9 pixels"),
        (resnet, (5,), "resnet needs images, the data has shape"),
        (vit, (1, 30, 30), "model.patch = 4 does not divide images of 30x30"),
    ],
)
def test_images_that_do_not_fit_a_model_are_told(build, shape, text) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TrainingError, match=text):
        build(DataSpec(shape, 10))


def test_the_whitened_patches_are_uncorrelated_and_of_deviation_1() -> None:
    noise = torch.randn(64, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    images = torch.nn.functional.avg_pool2d(noise, 3, 1, 1) + noise.mean(1, keepdim=True)
    filters = whitening_filters(images, floor=0.0)
    made = torch.nn.functional.conv2d(images - images.mean(), filters[:12])
    made = made.permute(1, 0, 2, 3).flatten(1)
    made = made - made.mean(1, keepdim=True)
    assert (made @ made.T / made.shape[1] - torch.eye(12)).abs().max() < 0.02
    assert torch.equal(filters[12:], -filters[:12])
