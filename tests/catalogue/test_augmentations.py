"""Augmentations of images: what each does, for every type, and each sample by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms import functional as reference

from tests.training.test_loop import Course
from tuitrain.components import Draw
from tuitrain.components.augmentations import colour, policies
from tuitrain.components.augmentations.colour import color_jitter, random_erasing
from tuitrain.components.augmentations.geometry import (
    center_crop,
    random_crop,
    random_resized_crop,
    resize,
    rotation,
)
from tuitrain.components.augmentations.images import flip, shift
from tuitrain.components.augmentations.pixels import rotations, warp
from tuitrain.components.augmentations.policies import rand_augment, trivial_augment
from tuitrain.config.load import parse_preset
from tuitrain.errors import TrainingError
from tuitrain.training.build import build_components

RANDOM: list[tuple[Callable[..., Tensor], dict[str, Any]]] = [
    (shift, {"pixels": 2}),
    (flip, {}),
    (random_crop, {"padding": 2}),
    (random_crop, {"padding": 2, "fill": "reflect"}),
    (random_resized_crop, {}),
    (rotation, {"degrees": 40}),
    (color_jitter, {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}),
    (random_erasing, {}),
    (rand_augment, {"operations": 3, "magnitude": 20}),
    (trivial_augment, {}),
]


def pictures(number: int = 40, channels: int = 3, height: int = 9, width: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (number, channels, height, width)
    return torch.randint(0, 256, shape, generator=generator).to(torch.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("augment", "options"), RANDOM, ids=[f"{a.__name__}-{'-'.join(o)}" for a, o in RANDOM]
)
def test_each_sample_has_a_draw_of_its_own_whatever_batch_and_type_it_comes_in(
    augment: Callable[..., Tensor], options: dict[str, Any], channels: int
) -> None:
    whole = pictures(channels=channels)
    index = torch.arange(len(whole))
    made = augment(whole, Draw(index, 5), **options)
    assert (made.shape, made.dtype) == (whole.shape, torch.uint8)
    assert 0.2 < (made != whole).flatten(1).any(1).float().mean() <= 1
    chosen = torch.tensor([31, 4, 17])
    alone = augment(whole[chosen], Draw(index[chosen], 5), **options)
    # Sums of floating point may differ in their last bit with the size of a batch.
    assert (alone.int() - made[chosen].int()).abs().max() <= 1
    assert not torch.equal(augment(whole, Draw(index, 6), **options), made)
    for kind in (torch.float32, torch.float64):
        floats = augment(whole.to(kind) / 255, Draw(index, 5), **options)
        assert floats.dtype == kind
        assert (floats * 255 - made).abs().max() <= 1.01
        assert floats.min() >= 0
        assert floats.max() <= 1 + 1e-6


@pytest.mark.parametrize("sizes", [(6, False), (20, False), (7, True)])
def test_resize_is_that_of_torchvision(sizes: tuple[int, bool]) -> None:
    size, square = sizes
    images = pictures()
    made = resize(images, size=size, square=square)
    expected = reference.resize(images.float(), [size, size] if square else size, antialias=True)
    assert made.shape == expected.shape
    assert (made.float() - expected).abs().max() <= 1
    assert resize(images, size=9) is images


def test_crops_take_what_they_say() -> None:
    images = pictures()
    assert torch.equal(center_crop(images, size=5), images[:, :, 2:7, 3:8])
    cut = random_crop(images, Draw(torch.arange(40), 1), padding=0, size=4)
    windows = images.unfold(2, 4, 1).unfold(3, 4, 1)
    assert cut.shape == (40, 3, 4, 4)
    for number in range(40):
        found = (windows[number] == cut[number][:, None, None]).all(0).flatten(2).all(2)
        assert found.any()
    for wrong in (lambda: center_crop(images, size=10), lambda: random_crop(
        images, Draw(torch.arange(40), 1), padding=0, size=10
    )):  # fmt: skip
        with pytest.raises(TrainingError, match="can't cut 10x10 pixels out of 9x12"):
            wrong()
    reflected = random_crop(images, Draw(torch.arange(40), 1), padding=3, fill="reflect")
    padded = torch.nn.functional.pad(images.float(), (3, 3, 3, 3), mode="reflect")
    draw = Draw(torch.arange(40), 1)
    rows, columns = draw.integers(0, 6), draw.integers(0, 6)
    first = padded[0, :, rows[0] : rows[0] + 9, columns[0] : columns[0] + 12]
    assert torch.equal(reflected[0].float(), first)
    with pytest.raises(TrainingError, match="can't reflect 9 pixels of 9"):
        random_crop(images, Draw(torch.arange(40), 1), padding=9, fill="reflect")


def test_a_crop_of_the_whole_area_is_the_image_and_a_quarter_turn_is_exact() -> None:
    images = pictures(width=9)
    draw = Draw(torch.arange(40), 1)
    same = random_resized_crop(images, draw, scale=(1.0, 1.0), ratio=(1.0, 1.0))
    assert torch.equal(same, images)
    angle = torch.full((40,), torch.pi / 2)
    turned = warp(images / 255, rotations(angle), torch.zeros(40, 2))
    assert (turned - images.rot90(1, (2, 3)) / 255).abs().max() < 1e-4


@pytest.mark.parametrize("turn", [-0.5, -0.1, 0.0, 0.23])
def test_hue_and_the_operations_of_the_policies_are_those_of_torchvision(turn: float) -> None:
    images = pictures()
    floats = images / 255
    hue = colour._turn_hue(floats, torch.full((40,), turn))
    assert (hue - reference.adjust_hue(floats, turn)).abs().max() < 1e-4
    equal = (policies._equalized(floats) * 255).round().to(torch.uint8)
    assert torch.equal(equal, reference.equalize(images))
    stretched = policies._stretched(floats)
    assert (stretched - reference.autocontrast(floats)).abs().max() < 1e-5
    posterized = policies._posterized(floats, torch.full((40,), 3.0)) * 255
    assert torch.equal(posterized.round().to(torch.uint8), reference.posterize(images, 5))
    smoothed = policies._smoothed(floats)
    assert (smoothed - reference.adjust_sharpness(floats, 0)).abs().max() < 1e-5


def test_an_erased_box_is_black_and_of_the_share_asked_for() -> None:
    images = pictures(200, 1, 20, 20).clamp(min=1)
    options: dict[str, Any] = {"probability": 1.0, "scale": (0.25, 0.25), "ratio": (1.0, 1.0)}
    erased = random_erasing(images, Draw(torch.arange(200), 1), **options)
    assert ((erased == 0).flatten(1).sum(1) == 100).all()
    assert torch.equal(erased[erased > 0], images[erased > 0])
    none = random_erasing(images, Draw(torch.arange(200), 1), probability=0.0)
    assert torch.equal(none, images)


DIGITS = """
name = "digits"
task = "classification"
[data]
name = "digits"
mode = "{mode}"
workers = 0
augment = [{augment}]
[model]
name = "mlp"
hidden = [8]
[train]
epochs = 1
batch_size = 600
threads = 1
[optimizer]
lr = 1e-2
"""
CROP = '{ name = "resize", size = 14 }, { name = "random_crop", padding = 1, size = 12 }'
CENTRE = '{ name = "center_crop", size = 12 }'


def test_resizes_are_made_at_evaluations_too_and_both_ways_of_the_data_are_the_same(
    tmp_path: Path,
) -> None:
    augment = f'{CROP}, {CENTRE}, {{ name = "trivial_augment" }}'
    courses = [
        Course(tmp_path / mode, DIGITS.format(mode=mode, augment=augment))
        for mode in ("tensor", "loader")
    ]
    assert courses[0].parts.data.spec.input_shape == (1, 12, 12)
    assert courses[0].points("train/loss") == courses[1].points("train/loss")
    assert courses[0].last_evaluation == courses[1].last_evaluation


def test_a_size_that_only_training_has_is_told_with_what_to_add(tmp_path: Path) -> None:
    preset = parse_preset(DIGITS.format(mode="auto", augment=CROP), "config.toml")
    with pytest.raises(TrainingError) as caught:
        build_components(preset, tmp_path, lambda _text: None)
    assert "(1, 12, 12) in training and (1, 14, 14) at evaluations; add" in str(caught.value)
