"""Images of circles, squares and triangles, with the class of each pixel."""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field, PositiveInt

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.registry import dataset
from tuitrain.config.schema import NonNegativeFloat

CLASSES = ("background", "circle", "square", "triangle")


@dataset("shapes", tasks=("segmentation",))
def shapes(
    context: DataContext,
    *,
    samples: PositiveInt = 1000,
    size: Annotated[int, Field(ge=16, le=1024)] = 32,
    most: PositiveInt = 3,
    noise: NonNegativeFloat = 0.1,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
) -> Splits:
    """1 to `most` circles, squares and triangles of different grey on noise, over each other."""
    context.report("drawing shapes")
    random = np.random.default_rng(0)
    drawn = [_draw(random, size, most, noise) for _ in range(samples)]
    images = torch.from_numpy(np.stack([image for image, _mask in drawn]))[:, None]
    masks = torch.from_numpy(np.stack([mask for _image, mask in drawn]))
    held = max(1, round(samples * validation_fraction))
    return Splits(
        Samples(images[held:], masks[held:]), Samples(images[:held], masks[:held]), classes=CLASSES
    )


def _draw(
    random: np.random.Generator, size: int, most: int, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return an image and the class of each of its pixels: both [size, size] uint8."""
    image, mask = np.full((size, size), 0.2), np.zeros((size, size), dtype=np.uint8)
    rows, columns = np.mgrid[:size, :size] + 0.5
    for _ in range(random.integers(1, most + 1)):
        kind = int(random.integers(1, len(CLASSES)))
        radius = random.uniform(0.14, 0.26) * size
        down, right = random.uniform(radius, size - radius, 2)
        inside = _inside(kind, (rows - down) / radius, (columns - right) / radius)
        image[inside], mask[inside] = random.uniform(0.45, 0.95), kind
    image += noise * random.standard_normal((size, size))
    return np.round(image.clip(0, 1) * 255).astype(np.uint8), mask


def _inside(kind: int, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return which places lie in a shape of radius 1 around 0."""
    if kind == 1:
        inside: np.ndarray = down**2 + right**2 <= 1
    elif kind == 2:
        inside = np.maximum(np.abs(down), np.abs(right)) <= 0.8
    else:
        # Upright: half as wide as it is far down from its tip.
        inside = (down <= 0.8) & (np.abs(right) <= (down + 1) / 1.8)
    return inside
