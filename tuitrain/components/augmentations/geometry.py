"""Sizes, crops and turns of a batch of images.

What changes the size in training has to have its match in evaluations: a resize and a centre crop
are made in both, anywhere in the list.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor
from torch.nn.functional import interpolate, pad

from tuitrain.components.augmentations.pixels import (
    as_before,
    as_float,
    matrices,
    rotations,
    warp,
)
from tuitrain.components.draw import Draw
from tuitrain.components.registry import augmentation
from tuitrain.config.schema import NonNegativeInt, PositiveInt
from tuitrain.errors import TrainingError


@augmentation("resize")
def resize(images: Tensor, *, size: PositiveInt, square: bool = False) -> Tensor:
    """Scale to `size` pixels at the shorter side, or at both; in training and evaluation.

    `images` is [batch, channels, height, width]. Bilinear, and smoothed where it gets smaller.
    """
    height, width = images.shape[-2:]
    least = size if square else min(height, width)
    sides = (size, size) if square else (size * height // least, size * width // least)
    if sides == (height, width):
        return images
    made = interpolate(as_float(images), sides, mode="bilinear", antialias=True)
    return as_before(made.clamp(0, 1) if not images.is_floating_point() else made, images)


@augmentation("center_crop")
def center_crop(images: Tensor, *, size: PositiveInt) -> Tensor:
    """Cut out the middle, `size` x `size` pixels; in training and evaluation."""
    height, width = _at_least(images, size, "center_crop")
    top, left = (height - size) // 2, (width - size) // 2
    return images[:, :, top : top + size, left : left + size]


@augmentation("random_crop")
def random_crop(
    images: Tensor,
    draw: Draw,
    *,
    padding: NonNegativeInt = 4,
    size: NonNegativeInt = 0,
    fill: Literal["zeros", "reflect"] = "zeros",
) -> Tensor:
    """Pad by `padding` on each side, then cut out `size` x `size` anywhere; 0: the size it had."""
    height, width = images.shape[-2:]
    images = _padded(images, padding, fill)
    rows, columns = (size, size) if size else (height, width)
    most_down, most_right = images.shape[-2] - rows, images.shape[-1] - columns
    if min(most_down, most_right) < 0:
        _at_least(images, size, "random_crop")
    # Every window of the padded batch as a view; indexing picks one a sample and copies only that.
    windows = images.unfold(2, rows, 1).unfold(3, columns, 1)
    down, right = draw.integers(0, most_down), draw.integers(0, most_right)
    return windows[torch.arange(len(images), device=images.device), :, down, right]


def _at_least(images: Tensor, size: int, name: str) -> tuple[int, int]:
    height, width = images.shape[-2:]
    if min(height, width) < size:
        raise TrainingError(
            f"data.augment: {name} can't cut {size}x{size} pixels out of {height}x{width}; resize "
            "them first, or take a smaller size"
        )
    return height, width


def _padded(images: Tensor, padding: int, fill: str) -> Tensor:
    if fill == "zeros" or not padding:
        return pad(images, (padding,) * 4)
    for dimension in (2, 3):
        last = images.shape[dimension] - 1
        if padding > last:
            raise TrainingError(
                f"data.augment: random_crop can't reflect {padding} pixels of {last + 1}; take a "
                "smaller padding"
            )
        # Mirrored about the first and the last pixel; torch's own takes no whole numbers.
        place = torch.arange(-padding, last + 1 + padding, device=images.device).abs()
        images = images.index_select(dimension, last - (last - place).abs())
    return images


@augmentation("random_resized_crop")
def random_resized_crop(
    images: Tensor,
    draw: Draw,
    *,
    size: NonNegativeInt = 0,
    scale: Annotated[
        Sequence[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)
    ] = (0.08, 1.0),
    ratio: Annotated[Sequence[PositiveFloat], Field(min_length=2, max_length=2)] = (0.75, 1.333),
) -> Tensor:
    """Cut out a part of the area and of a ratio of sides, scaled to `size`; 0: the size it had.

    Bilinear, without smoothing (Szegedy et al. 2015).
    """
    height, width = images.shape[-2:]
    area = draw.uniform(*scale) * height * width
    shape = draw.uniform(math.log(ratio[0]), math.log(ratio[1])).exp()
    across = (area * shape).sqrt().clamp(max=width)
    down = (area / shape).sqrt().clamp(max=height)
    rows, columns = (size, size) if size else (height, width)
    none = torch.zeros_like(across)
    matrix = matrices(across / columns, none, none, down / rows)
    left, top = (
        draw.uniform(-0.5, 0.5) * (n - part) for n, part in ((width, across), (height, down))
    )
    made = warp(as_float(images), matrix, torch.stack((left, top), -1), (rows, columns))
    return as_before(made, images)


@augmentation("rotation")
def rotation(images: Tensor, draw: Draw, *, degrees: NonNegativeFloat = 15.0) -> Tensor:
    """Turn each image by up to `degrees` either way, filling with zeros; bilinear."""
    angle = draw.uniform(-1, 1) * math.radians(degrees)
    offset = torch.zeros(len(images), 2, device=images.device)
    return as_before(warp(as_float(images), rotations(angle), offset), images)
