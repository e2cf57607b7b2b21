"""Series of numbers: what comes next, from a window of what came before."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from tuitrain.components.data import DataContext, Splits
from tuitrain.components.files import file_in
from tuitrain.components.readers.series import SeriesReader, read_columns, windows
from tuitrain.components.registry import dataset
from tuitrain.config.schema import NonNegativeFloat
from tuitrain.errors import TrainingError


@dataset("sine", tasks=("regression",))
def sine(
    context: DataContext,
    *,
    points: PositiveInt = 4000,
    period: PositiveFloat = 31.4,
    amplitude: PositiveFloat = 1.0,
    noise: NonNegativeFloat = 0.005,
    window: PositiveInt = 40,
    horizon: PositiveInt = 1,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
) -> Splits:
    """A sine of a period in points, with Gaussian noise: the next `horizon` points of a window."""
    context.report("making a sine")
    random = np.random.default_rng(0)
    values = amplitude * np.sin(2 * np.pi * np.arange(points) / period)
    values = values + noise * random.standard_normal(points)
    reader = SeriesReader(("value",), window, horizon)
    return _split(values[:, None], reader, window, horizon, validation_fraction, "data.points")


@dataset("series_csv", tasks=("regression",))
def series_csv(
    context: DataContext,
    *,
    path: Annotated[str, Field(min_length=1)],
    column: str,
    also: Sequence[str] = (),
    standardize: bool = True,
    window: PositiveInt = 40,
    horizon: PositiveInt = 1,
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2,
) -> Splits:
    """A column of a CSV file in order of time: its next `horizon` values, from it and `also`.

    `standardize` shifts and scales each column by the training part's mean and deviation, so that
    errors are in deviations.
    """
    columns = (column, *also)
    values = read_columns(file_in(context, path), columns)
    reader = SeriesReader(columns, window, horizon)
    if standardize:
        first = values[: _cut(len(values), validation_fraction)]
        mean, deviation = first.mean(0), first.std(0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        reader = SeriesReader(columns, window, horizon, mean, deviation)
        values = (values - mean) / deviation
    return _split(values, reader, window, horizon, validation_fraction, path)


def _cut(number: int, validation_fraction: float) -> int:
    return number - max(1, round(number * validation_fraction))


def _split(
    values: np.ndarray,
    reader: SeriesReader,
    window: int,
    horizon: int,
    validation_fraction: float,
    source: str,
) -> Splits:
    """Cut at one time: no window that is trained on has a value that is validated on."""
    cut = _cut(len(values), validation_fraction)
    parts = values[:cut], values[cut:]
    least = window + horizon
    for name, part in zip(("training", "validation"), parts, strict=True):
        if len(part) < least:
            raise TrainingError(
                f"{source}: the {name} part has {len(part):,} values, data.window + data.horizon "
                f"= {least:,} are needed"
            )
    train, validation = (windows(part, 0, window, horizon) for part in parts)
    return Splits(train, validation, kind="series", reader=reader)
