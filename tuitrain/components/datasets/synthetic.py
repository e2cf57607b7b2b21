"""Data sets that are computed: the same points for every seed, so that runs compare."""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field, PositiveInt

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.registry import dataset
from tuitrain.config.schema import Fraction, NonNegativeFloat


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


def _split(x: np.ndarray, y: np.ndarray, validation_fraction: float) -> Splits:
    held = max(1, round(len(x) * validation_fraction))
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    return Splits(
        Samples(inputs[held:], targets[held:]),
        Samples(inputs[:held], targets[:held]),
    )
