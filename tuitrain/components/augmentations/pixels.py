"""What augmentations of images have in common; registers none."""

import torch
from torch import Tensor


def as_float(images: Tensor) -> Tensor:
    """Return images as floating point from 0 to 1: whole numbers are 0 to 255."""
    return images if images.is_floating_point() else images.float() / 255


def as_before(images: Tensor, before: Tensor) -> Tensor:
    """Return what was made of `as_float(before)` in the type of `before`."""
    if before.is_floating_point():
        return images.to(before.dtype)
    return (images * 255).round_().clamp_(0, 255).to(before.dtype)


def each(values: Tensor) -> Tensor:
    """Return [batch] as [batch, 1, 1, 1], to go with images."""
    return values[:, None, None, None]


def warp(
    images: Tensor, matrix: Tensor, offset: Tensor, size: tuple[int, int] | None = None
) -> Tensor:
    """Return images sampled bilinearly at other places, with zeros from outside.

    Args:
        images: [batch, channels, height, width], floating point.
        matrix: [batch, 2, 2]: takes a pixel's (x, y) from the middle of the result to where it is
            read, from the middle of the image.
        offset: [batch, 2]: added to that, in pixels.
        size: height and width of the result; None: as the image.
    """
    height, width = images.shape[-2:]
    rows, columns = size or (height, width)
    x = torch.arange(columns, device=images.device, dtype=images.dtype) - (columns - 1) / 2
    y = torch.arange(rows, device=images.device, dtype=images.dtype) - (rows - 1) / 2
    matrix, offset = matrix.to(images.dtype), offset.to(images.dtype)
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(1, -1, 2)
    read = places @ matrix.transpose(1, 2) + offset[:, None]
    scale = torch.tensor([2 / width, 2 / height], device=images.device, dtype=images.dtype)
    grid = (read * scale).reshape(-1, rows, columns, 2)
    return torch.nn.functional.grid_sample(images, grid, align_corners=False)


def matrices(first: Tensor, second: Tensor, third: Tensor, fourth: Tensor) -> Tensor:
    """Return [batch, 2, 2] of four [batch]: the first row, then the second."""
    return torch.stack((first, second, third, fourth), -1).reshape(-1, 2, 2)


def rotations(angle: Tensor) -> Tensor:
    """Return the matrices that turn by `angle` [batch], in radians."""
    return matrices(angle.cos(), -angle.sin(), angle.sin(), angle.cos())


def grey(images: Tensor) -> Tensor:
    """Return the brightness of colours as [batch, 1, height, width] (ITU-R 601); grey as it is."""
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device, dtype=images.dtype)
    return (images * weights[:, None, None]).sum(1, keepdim=True)


def blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """Return what lies from `other` towards the images: at 0, 1 or, further, beyond 1.

    `factor` is [batch].
    """
    return (other + (images - other) * each(factor).to(images.dtype)).clamp(0, 1)
