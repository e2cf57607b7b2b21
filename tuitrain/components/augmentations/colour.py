"""Colours of a batch of images, and boxes of it blotted out."""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor

from tuitrain.components.augmentations.pixels import as_before, as_float, blend, each, grey
from tuitrain.components.draw import Draw
from tuitrain.components.registry import augmentation


@augmentation("color_jitter")
def color_jitter(
    images: Tensor,
    draw: Draw,
    *,
    brightness: NonNegativeFloat = 0.0,
    contrast: NonNegativeFloat = 0.0,
    saturation: NonNegativeFloat = 0.0,
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0,
) -> Tensor:
    """Change brightness, contrast and saturation by factors of 1 +- each, then hue, in this order.

    `hue` is a part of the circle of colours. Grey images have neither saturation nor hue.
    """
    made = as_float(images)
    if brightness:
        made = blend(made, torch.zeros_like(made), _factor(draw, brightness))
    if contrast:
        made = blend(made, grey(made).mean((1, 2, 3), keepdim=True), _factor(draw, contrast))
    if saturation and made.shape[1] == 3:
        made = blend(made, grey(made), _factor(draw, saturation))
    if hue and made.shape[1] == 3:
        made = _turn_hue(made, draw.uniform(-hue, hue))
    return as_before(made, images)


def _factor(draw: Draw, amount: float) -> Tensor:
    return draw.uniform(max(0.0, 1 - amount), 1 + amount)


def _turn_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Return images with their hue moved by `turn` [batch] of the circle, by way of HSV."""
    red, green, blue = images.unbind(1)
    value, spread = images.amax(1), images.amax(1) - images.amin(1)
    safe = torch.where(spread > 0, spread, torch.ones_like(spread))
    hue = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = hue + turn[:, None, None].to(images.dtype) * 6
    channels = []
    for place in (5, 3, 1):
        sector = (place + hue) % 6
        channels.append(value - spread * torch.minimum(sector, 4 - sector).clamp(0, 1))
    return torch.stack(channels, 1)


@augmentation("random_erasing")
def random_erasing(
    images: Tensor,
    draw: Draw,
    *,
    probability: Annotated[float, Field(ge=0, le=1)] = 0.5,
    scale: Annotated[
        Sequence[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)
    ] = (0.02, 0.33),
    ratio: Annotated[Sequence[PositiveFloat], Field(min_length=2, max_length=2)] = (0.3, 3.3),
) -> Tensor:
    """Make a box of the image black, with a probability (Zhong et al. 2020)."""
    height, width = images.shape[-2:]
    area = draw.uniform(*scale) * height * width
    shape = draw.uniform(math.log(ratio[0]), math.log(ratio[1])).exp()
    inside = [
        _within(length, side, draw)
        for length, side in (((area / shape).sqrt(), height), ((area * shape).sqrt(), width))
    ]
    box = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    box = box & each(draw.chance(probability))
    return torch.where(box, torch.zeros_like(images), images)


def _within(length: Tensor, side: int, draw: Draw) -> Tensor:
    """Return [batch, side]: which pixels lie in a stretch of `length` [batch] put anywhere."""
    length = length.round().clamp(1, side)
    first = (draw.uniform(0, 1) * (side - length + 1)).floor()
    place = torch.arange(side, device=length.device)
    return (place >= first[:, None]) & (place < (first + length)[:, None])
