"""Shifts and mirror images of a batch of images."""

import torch
from pydantic import PositiveInt
from torch import Tensor
from torch.nn.functional import pad

from tuitrain.components.draw import Draw
from tuitrain.components.registry import augmentation
from tuitrain.config.schema import Fraction


@augmentation("shift")
def shift(images: Tensor, draw: Draw, *, pixels: PositiveInt = 1) -> Tensor:
    """Move each image by up to `pixels` in both directions, filling with zeros.

    `images` is [batch, channels, height, width].
    """
    batch, _, height, width = images.shape
    rows, columns = draw.integers(0, 2 * pixels), draw.integers(0, 2 * pixels)
    # Every window of the padded batch as a view; indexing picks one a sample and copies only that.
    windows = pad(images, (pixels,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(batch, device=images.device), :, rows, columns]


@augmentation("flip")
def flip(images: Tensor, draw: Draw, *, probability: Fraction = 0.5) -> Tensor:
    """Mirror each image left to right with a probability.

    `images` is [batch, channels, height, width].
    """
    return torch.where(draw.chance(probability)[:, None, None, None], images.flip(3), images)
