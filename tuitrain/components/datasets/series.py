"""Series of numbers: what comes next, from a window of what came before."""

import csv
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field, PositiveFloat, PositiveInt

from tuitrain.components.data import DataContext, Samples, Splits
from tuitrain.components.files import file_in
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
    return _split(values[:, None], 0, window, horizon, validation_fraction, "data.points")


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
    values = _read_columns(context, path, (column, *also))
    if standardize:
        first = values[: _cut(len(values), validation_fraction)]
        deviation = first.std(0)
        values = (values - first.mean(0)) / np.where(deviation > 0, deviation, 1.0)
    return _split(values, 0, window, horizon, validation_fraction, path)


def _cut(number: int, validation_fraction: float) -> int:
    return number - max(1, round(number * validation_fraction))


def _split(
    values: np.ndarray,
    column: int,
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
    train, validation = (_windows(part, column, window, horizon) for part in parts)
    return Splits(train, validation, kind="series")


def _windows(values: np.ndarray, column: int, window: int, horizon: int) -> Samples:
    """Return [n, window, features], and the column's next values [n] or [n, horizon]."""
    numbers = torch.from_numpy(values.astype(np.float32))
    inputs = numbers[: len(numbers) - horizon].unfold(0, window, 1).transpose(1, 2).contiguous()
    targets = numbers[window:, column].unfold(0, horizon, 1).contiguous()
    return Samples(inputs, targets[:, 0] if horizon == 1 else targets)


def _read_columns(context: DataContext, path: str, columns: tuple[str, ...]) -> np.ndarray:
    """Return [rows, columns] of a CSV file with a header.

    Raises:
        TrainingError: a column is not there, or a value is no finite number.
    """
    file = file_in(context, path)
    rows: list[list[float]] = []
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        known = reader.fieldnames or []
        for column in columns:
            if column not in known:
                raise TrainingError(f"data.column = {column}: {file} has {', '.join(known)}")
        for row in reader:
            rows.append([_number(row[each], each, file.name, reader.line_num) for each in columns])
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))


def _number(text: str | None, column: str, file: str, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise TrainingError(
            f"{file}, line {line}: {column} is {text!r}, it must be a finite number"
        )
    return value
