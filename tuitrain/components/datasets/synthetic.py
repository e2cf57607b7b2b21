"""Data sets that are computed: the same points for every seed, so that runs compare."""

from dataclasses import replace
from typing import Annotated

import numpy as np
import torch
from pydantic import Field, PositiveInt

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.readers.rows import NumberRows
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
    spacing: NonNegativeFloat = 0.0,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
) -> Splits:
    """Points on y = slope x + intercept with Gaussian noise: x in 0..1, or `spacing` apart from 0.

    Drawn points are held out at random; of those a `spacing` apart it is the last ones.
    """
    del context
    random = np.random.default_rng(0)
    x = np.arange(samples) * spacing if spacing else random.uniform(0, 1, size=samples)
    y = slope * x + intercept + noise * random.standard_normal(samples)
    held = _held(samples, validation_fraction)
    if spacing:
        # `_split` holds out the first ones.
        x, y = np.roll(x, held), np.roll(y, held)
    return _split(x[:, None].astype(np.float32), y.astype(np.float32), held)


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
    return _two_classes(x, y, validation_fraction, ("outer", "inner"))


@dataset("moons", tasks=("binary",))
def moons(
    context: DataContext,
    *,
    samples: PositiveInt = 1000,
    noise: NonNegativeFloat = 0.07,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
) -> Splits:
    """Two classes on two half circles in the plane that reach into each other."""
    context.report("making moons")
    from sklearn.datasets import make_moons

    x, y = make_moons(n_samples=samples, noise=noise, random_state=0)
    return _two_classes(x, y, validation_fraction, ("upper", "lower"))


def _two_classes(
    x: np.ndarray, y: np.ndarray, validation_fraction: float, classes: tuple[str, str]
) -> Splits:
    held = _held(len(x), validation_fraction)
    splits = _split(x.astype(np.float32), y.astype(np.float32), held)
    return replace(splits, classes=classes)


def _held(samples: int, validation_fraction: float) -> int:
    return max(1, round(samples * validation_fraction))


def _split(x: np.ndarray, y: np.ndarray, held: int) -> Splits:
    """Hold out the first points."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    return Splits(
        Samples(inputs[held:], targets[held:]),
        Samples(inputs[:held], targets[:held]),
        reader=NumberRows(["x"] if x.shape[1] == 1 else [f"x{n + 1}" for n in range(x.shape[1])]),
    )
