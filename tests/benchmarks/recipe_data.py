"""Images of CIFAR-10's shape: torchvision holds the true files against their checksums."""

import numpy as np
import torch

from tuitrain.components import DataContext, Samples, Splits

_SAMPLES = 50_000


def cifar_pixels() -> tuple[np.ndarray, np.ndarray]:
    """Return pixels [50000, 32, 32, 3] uint8 and labels [50000], drawn."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (_SAMPLES, 32, 32, 3), dtype=np.uint8)
    return pixels, random.integers(0, 10, _SAMPLES)


def cifar(context: DataContext) -> Splits:
    """Return them as the data set of tuitrain's `cifar10` has them."""
    del context
    pixels, labels = cifar_pixels()
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    samples = Samples(images, torch.from_numpy(labels))
    few = Samples(samples.inputs[:1000], samples.targets[:1000])
    return Splits(samples, few, classes=tuple("abcdefghij"), kind="image")
