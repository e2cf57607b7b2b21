"""Augmentations that pick among many operations for each image: RandAugment and TrivialAugment.

Every operation is worked out for the whole batch and each image takes its own: the device never
waits for the host to learn which were picked.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import conv2d

from tuitrain.components.augmentations.pixels import (
    as_before,
    as_float,
    blend,
    each,
    grey,
    matrices,
    rotations,
    warp,
)
from tuitrain.components.draw import Draw
from tuitrain.components.registry import augmentation
from tuitrain.config.schema import PositiveInt

_OPERATIONS = (
    "identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate",
    "brightness", "color", "contrast", "sharpness",
    "posterize", "solarize", "autocontrast", "equalize",
)  # fmt: skip
_LEVELS = 30
"""The largest magnitude; both papers' code counts 31 of them."""


@dataclass(frozen=True, slots=True)
class _Strongest:
    """What each operation does at the largest magnitude."""

    shear: float
    translate: float
    """Part of the image's side, or pixels where `in_pixels`."""
    in_pixels: bool
    degrees: float
    enhance: float
    bits: int
    """Of the 8 of a colour that posterize drops."""


_RAND = _Strongest(0.3, 150 / 331, in_pixels=False, degrees=30, enhance=0.9, bits=4)
_TRIVIAL = _Strongest(0.99, 32, in_pixels=True, degrees=135, enhance=0.99, bits=6)


@augmentation("rand_augment")
def rand_augment(
    images: Tensor,
    draw: Draw,
    *,
    operations: PositiveInt = 2,
    magnitude: Annotated[int, Field(ge=0, le=30)] = 9,
) -> Tensor:
    """Apply as many operations of 14, each image its own, at one magnitude (Cubuk et al. 2020)."""
    made = as_float(images)
    strength = torch.full((len(images),), magnitude / _LEVELS, device=images.device)
    for _operation in range(operations):
        made = _apply(made, draw, strength, _RAND)
    return as_before(made, images)


@augmentation("trivial_augment")
def trivial_augment(images: Tensor, draw: Draw) -> Tensor:
    """Apply one operation of 14, each image its own, at any magnitude (Mueller, Hutter 2021)."""
    strength = draw.integers(0, _LEVELS) / _LEVELS
    return as_before(_apply(as_float(images), draw, strength, _TRIVIAL), images)


def _apply(images: Tensor, draw: Draw, strength: Tensor, most: _Strongest) -> Tensor:
    """Apply one operation to each image [batch, channels, height, width] from 0 to 1.

    `strength` is [batch], from 0 to 1.
    """
    picked = draw.integers(0, len(_OPERATIONS) - 1)
    sign = draw.integers(0, 1) * 2 - 1
    chosen = {name: picked == number for number, name in enumerate(_OPERATIONS)}
    signed = strength * sign
    made = torch.where(
        each((picked >= 1) & (picked <= 5)), _moved(images, chosen, signed, most), images
    )
    made = torch.where(
        each((picked >= 6) & (picked <= 9)),
        blend(images, _plainer(images, chosen), 1 + signed * most.enhance),
        made,
    )
    others = (
        ("posterize", _posterized(images, (strength * most.bits).round())),
        ("solarize", torch.where(images >= each(1 - strength), 1 - images, images)),
        ("autocontrast", _stretched(images)),
        ("equalize", _equalized(images)),
    )
    for name, other in others:
        made = torch.where(each(chosen[name]), other, made)
    return made


def _moved(images: Tensor, chosen: dict[str, Tensor], signed: Tensor, most: _Strongest) -> Tensor:
    """Return images sheared, translated or rotated as chosen."""
    height, width = images.shape[-2:]
    one, none = torch.ones_like(signed), torch.zeros_like(signed)
    turned = rotations(signed * torch.pi / 180 * most.degrees)
    sheared = matrices(
        one,
        torch.where(chosen["shear_x"], signed * most.shear, none),
        torch.where(chosen["shear_y"], signed * most.shear, none),
        one,
    )
    matrix = torch.where(chosen["rotate"][:, None, None], turned, sheared)
    sides = (1, 1) if most.in_pixels else (width, height)
    across = torch.where(chosen["translate_x"], signed * most.translate * sides[0], none)
    down = torch.where(chosen["translate_y"], signed * most.translate * sides[1], none)
    return warp(images, matrix, torch.stack((across, down), -1))


def _plainer(images: Tensor, chosen: dict[str, Tensor]) -> Tensor:
    """Return what an image is blended with: black, its greys, its mean grey, or smoothed."""
    greys = grey(images)
    plain = torch.where(each(chosen["color"]), greys, torch.zeros_like(images))
    plain = torch.where(each(chosen["contrast"]), greys.mean((2, 3), keepdim=True), plain)
    return torch.where(each(chosen["sharpness"]), _smoothed(images), plain)


def _smoothed(images: Tensor) -> Tensor:
    """Return each pixel as a mean of 13ths: 5 of its own, 1 of each neighbour; the edge stays."""
    if min(images.shape[-2:]) < 3:
        return images
    channels = images.shape[1]
    kernel = torch.ones(3, 3, device=images.device, dtype=images.dtype)
    kernel[1, 1] = 5
    made = images.clone()
    weights = (kernel / 13).expand(channels, 1, 3, 3)
    made[:, :, 1:-1, 1:-1] = conv2d(images, weights, groups=channels)
    return made


def _posterized(images: Tensor, dropped: Tensor) -> Tensor:
    """Return images without the lowest `dropped` [batch] of 8 bits."""
    step = each(2**dropped)
    return ((images * 255).round() / step).floor() * step / 255


def _stretched(images: Tensor) -> Tensor:
    """Return each channel with its least value at 0 and its largest at 1; a flat one as it is."""
    least, most = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = most == least
    made = (images - least) / torch.where(flat, torch.ones_like(most), most - least)
    return torch.where(flat, images, made)


def _equalized(images: Tensor) -> Tensor:
    """Return each channel with its 256 levels spread so that each is taken about as often."""
    levels = (images * 255).round().clamp(0, 255).long().flatten(2)  # [batch, channels, pixels]
    rows = levels.shape[0] * levels.shape[1]
    flat = levels.reshape(rows, -1)
    number = torch.arange(rows, device=images.device)[:, None]
    places = (flat + 256 * number).reshape(-1)
    counts = torch.zeros(rows * 256, dtype=torch.long, device=images.device)
    counts = counts.scatter_add_(0, places, torch.ones_like(places)).reshape(rows, 256)
    last = flat.amax(1, keepdim=True)
    # As in PIL: of the highest level's pixels none count.
    step = (flat.shape[1] - counts.gather(1, last)) // 255
    before = counts.cumsum(1) - counts
    table = ((before + step // 2) // step.clamp(min=1)).clamp(0, 255)
    made = table.gather(1, flat).to(images.dtype) / 255
    made = torch.where(step > 0, made, flat.to(images.dtype) / 255)
    return made.reshape(images.shape)
