"""Series of numbers from CSV files, scaled as those of a data set."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.data import Facts, Samples, Takes
from tuitrain.errors import DataUnavailableError, TrainingError, UsageError


class SeriesReader:
    """Reads the last values of a series, to go on from them."""

    takes: Takes = "series"

    def __init__(
        self,
        columns: Sequence[str],
        window: int,
        horizon: int,
        mean: np.ndarray | None = None,
        deviation: np.ndarray | None = None,
    ) -> None:
        """Take what a sample is.

        Args:
            columns: that are read, the one that is predicted first.
            window: values of each that a sample has.
            horizon: values that follow.
            mean: [columns] of the training part, where values are scaled by it; None: they aren't.
            deviation: as mean.
        """
        self.names = tuple(columns)
        self.window, self._horizon = window, horizon
        self._mean = np.zeros(len(columns)) if mean is None else mean
        self._deviation = np.ones(len(columns)) if deviation is None else deviation

    def read(self, items: Sequence[str]) -> Tensor:
        """Return the last values of a CSV file, in order of time, as float32 [1, window, columns].

        Raises:
            DataUnavailableError: it can't be read, or has too few values.
        """
        values = self._values(Path(items[0]), self.window)
        last = (values[-self.window :] - self._mean) / self._deviation
        return torch.from_numpy(last.astype(np.float32))[None]

    def in_units(self, outputs: Tensor) -> Tensor:
        """Return predicted values [n, ...] in the file's own units."""
        return outputs * float(self._deviation[0]) + float(self._mean[0])

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Return all windows of another file, each with the values that follow it.

        Raises:
            DataUnavailableError: it can't be read, or has too few values.
        """
        values = self._values(path, self.window + self._horizon)
        scaled = (values - self._mean) / self._deviation
        samples = windows(scaled, 0, self.window, self._horizon)
        return samples, Facts([f"from value {place + 1}" for place in range(len(samples))])

    def state(self) -> dict[str, Any]:
        """Return it as JSON data, for `from_state`."""
        return {
            "columns": self.names,
            "window": self.window,
            "horizon": self._horizon,
            "mean": self._mean.tolist(),
            "deviation": self._deviation.tolist(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "SeriesReader":
        """Return the reader that `state` is of."""
        scales = (np.asarray(state[key], dtype=np.float64) for key in ("mean", "deviation"))
        return cls(state["columns"], state["window"], state["horizon"], *scales)

    def _values(self, path: Path, least: int) -> np.ndarray:
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file")
        try:
            values = read_columns(path, self.names)
        except TrainingError as error:
            raise DataUnavailableError(str(error)) from error
        if len(values) < least:
            raise DataUnavailableError(
                f"{path} has {len(values):,} values, {least:,} are needed: the model looks at "
                f"{self.window:,} (data.window)"
            )
        return values


def windows(values: np.ndarray, column: int, window: int, horizon: int) -> Samples:
    """Return [n, window, features], and the column's next values [n] or [n, horizon]."""
    numbers = torch.from_numpy(values.astype(np.float32))
    inputs = numbers[: len(numbers) - horizon].unfold(0, window, 1).transpose(1, 2).contiguous()
    targets = numbers[window:, column].unfold(0, horizon, 1).contiguous()
    return Samples(inputs, targets[:, 0] if horizon == 1 else targets)


def read_columns(file: Path, columns: Sequence[str]) -> np.ndarray:
    """Return [rows, columns] of a CSV file with a header.

    Raises:
        TrainingError: it is none, a column is not there, or a value is no finite number.
    """
    rows: list[list[float]] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            known = reader.fieldnames or []
            for column in columns:
                if column not in known:
                    raise TrainingError(f"data.column = {column}: {file} has {', '.join(known)}")
            for row in reader:
                line = reader.line_num
                rows.append([_number(row[each], each, file.name, line) for each in columns])
    except (csv.Error, UnicodeDecodeError) as error:
        raise TrainingError(f"{file} is no CSV file in UTF-8: {error}") from error
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
