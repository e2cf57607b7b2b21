"""Data sets: each returns training and validation samples; none knows batches or devices."""

from typing import Annotated
from urllib.error import URLError

import numpy as np
import torch
from pydantic import Field, PositiveInt

from tuitrain.config.schema import Fraction, NonNegativeFloat
from tuitrain.errors import DataUnavailableError
from tuitrain.training.registry import dataset
from tuitrain.training.samples import DataContext, Samples, Splits

_BROKEN_FILE = (ValueError, AssertionError, LookupError)
"""What torchvision's reader raises for a file that ends too soon or is something else."""


@dataset("digits", tasks=("classification",))
def digits(
    context: DataContext, *, validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
) -> Splits:
    """scikit-learn's 1,797 scanned digits, 8x8 pixels, 10 classes."""
    context.report("loading digits")
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    # Pixels count 0..16 set points of a 4x4 block; as 0..255 they are images like any other.
    images = np.round(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    # The same held-out part for every seed, with each class in its share, so that runs compare.
    train_x, held_x, train_y, held_y = train_test_split(
        images, labels, test_size=validation_fraction, random_state=0, stratify=labels
    )
    return Splits(
        Samples(torch.from_numpy(train_x), torch.from_numpy(train_y)),
        Samples(torch.from_numpy(held_x), torch.from_numpy(held_y)),
        classes=tuple(str(digit) for digit in range(10)),
    )


@dataset("linear", tasks=("regression",))
def linear(
    context: DataContext,
    *,
    samples: PositiveInt = 1000,
    slope: float = 0.7,
    intercept: float = 0.3,
    noise: NonNegativeFloat = 0.0,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
) -> Splits:
    """Points on the line y = slope x + intercept, x in 0..1, with Gaussian noise."""
    del context
    random = np.random.default_rng(0)
    x = random.uniform(0, 1, size=(samples, 1)).astype(np.float32)
    y = slope * x[:, 0] + intercept + noise * random.standard_normal(samples)
    return _split(x, y.astype(np.float32), validation_fraction)


@dataset("circles", tasks=("binary",))
def circles(
    context: DataContext,
    *,
    samples: PositiveInt = 1000,
    noise: NonNegativeFloat = 0.03,
    factor: Fraction = 0.8,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
) -> Splits:
    """Two classes on two concentric circles in the plane, the inner `factor` times as wide."""
    context.report("making circles")
    from sklearn.datasets import make_circles

    x, y = make_circles(n_samples=samples, noise=noise, factor=factor, random_state=0)
    splits = _split(x.astype(np.float32), y.astype(np.float32), validation_fraction)
    return Splits(splits.train, splits.validation, classes=("outer", "inner"))


@dataset("mnist", download="MNIST, 12 MB", tasks=("classification",))
def mnist(context: DataContext) -> Splits:
    """MNIST: 60,000 and 10,000 handwritten digits, 28x28 grey pixels, 10 classes."""
    context.report("loading MNIST")
    from torchvision.datasets import MNIST

    parts = []
    for is_train in (True, False):
        try:
            part = MNIST(context.folder, train=is_train, download=True)
        except (*_BROKEN_FILE, URLError, OSError, RuntimeError) as error:
            raise DataUnavailableError(_missing_mnist(context, error)) from error
        parts.append(Samples(part.data.unsqueeze(1), part.targets))
    return Splits(parts[0], parts[1], classes=tuple(str(digit) for digit in range(10)))


def _missing_mnist(context: DataContext, error: Exception) -> str:
    from torchvision.datasets import MNIST

    raw = context.folder / "MNIST" / "raw"
    files = ", ".join(name for name, _checksum in MNIST.resources)
    return (
        f"MNIST is not whole in {raw} and could not be downloaded ({_first_line(error)}); put the "
        f"files {files} there, or name another folder with --data-dir or $TUITRAIN_DATA"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")


def _split(x: np.ndarray, y: np.ndarray, validation_fraction: float) -> Splits:
    held = max(1, round(len(x) * validation_fraction))
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    return Splits(
        Samples(inputs[held:], targets[held:]),
        Samples(inputs[:held], targets[:held]),
    )
