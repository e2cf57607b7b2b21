"""From the columns of a table to numbers: which are used, which are categories, their codes.

What depends on values (vocabularies, means) is taken from the training rows alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tuitrain.errors import DataUnavailableError
from tuitrain.userdata.tables import Table, is_missing, numbers_of
from tuitrain.userdata.words import listed, shown

MOST_ONE_HOT = 1000
"""Columns that a category may become; more are an identifier as a rule."""
_NUMBERS_SHARE = 0.9
"""A column in which so many cells are numbers is one of numbers, and the others are mistakes."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are what."""

    targets: tuple[str, ...]
    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def used(self) -> tuple[str, ...]:
        """All that are read."""
        return (*self.targets, *self.numbers, *self.categories)


@dataclass(frozen=True, slots=True)
class Features:
    """What a model gets of a table."""

    values: np.ndarray
    """float32 [n, features]: numbers first, then categories, one-hot or as a code each."""
    codes: tuple[int, ...]
    """How many codes there are of each category; empty where they are one-hot."""


def choose_columns(
    table: Table,
    targets: Sequence[str],
    features: Sequence[str],
    drop: Sequence[str],
    categories: Sequence[str],
    decimal: str,
) -> Columns:
    """Return which columns are targets, numbers and categories.

    Args:
        table: the training table.
        targets: names.
        features: names; empty: all that are neither targets nor dropped.
        drop: names.
        categories: names of columns of numbers that only stand for something, as postcodes.
        decimal: what stands before a number's decimals.

    Raises:
        DataUnavailableError: a name is none of the table's, or a cell is no number.
    """
    goals = tuple(table.find(name, "data.target") for name in targets)
    gone = {table.find(name, "data.drop") for name in drop}
    forced = {table.find(name, "data.categories") for name in categories}
    chosen = [table.find(name, "data.features") for name in features]
    both = [name for name in (*chosen, *gone, *forced) if name in goals]
    if both:
        raise DataUnavailableError(f"data.target = {shown(both[0])}: it can't be a feature as well")
    chosen = chosen or [name for name in table.columns if name not in goals]
    chosen = [name for name in chosen if name not in gone]
    if not chosen:
        raise DataUnavailableError(f"{shown(table.path)}: no column is left to learn from")
    numeric = [n for n in chosen if n not in forced and is_numeric(table, n, decimal)]
    rest = [name for name in chosen if name not in numeric]
    return Columns(goals, tuple(numeric), tuple(rest))


def is_numeric(table: Table, name: str, decimal: str = ".") -> bool:
    """Return whether a column holds numbers.

    Raises:
        DataUnavailableError: nearly all cells are numbers and some are not.
    """
    cells = table.column(name)
    _values, wrong = numbers_of(cells, decimal)
    known = sum(not is_missing(cell) for cell in cells)
    if wrong and (known - len(wrong)) >= _NUMBERS_SHARE * known:
        cell, line = cells[wrong[0]], table.lines[wrong[0]]
        more = f", nor are {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        raise DataUnavailableError(
            f"{shown(table.path)}, line {line}, column {shown(name)}: {shown(cell)!r} is no number"
            f"{more}; correct it, or name the column in data.categories or data.drop"
        )
    return known > 0 and not wrong


def refuse_texts(table: Table, names: Sequence[str], decimal: str, advice: str = "") -> None:
    """Hold columns of numbers against what they must be.

    Raises:
        DataUnavailableError: a cell is no number; `advice` is added to the text.
    """
    for name in names:
        _values, wrong = numbers_of(table.column(name), decimal)
        if wrong:
            raise DataUnavailableError(
                f"{shown(table.path)}, line {table.lines[wrong[0]]}, column {shown(name)}: "
                f"{shown(table.column(name)[wrong[0]])!r} is no number{advice}"
            )


@dataclass(frozen=True, slots=True)
class ColumnEncoder:
    """What turns a table's columns into features, as it was fitted to training rows."""

    numbers: tuple[tuple[str, float], ...]
    """Columns of numbers, and what stands for a missing one: the mean of the training rows."""
    categories: tuple[tuple[str, tuple[str, ...]], ...]
    """Columns of categories, and their texts in the order of their codes, which begin at 1."""
    encode: str
    """`one_hot` or `codes`."""
    decimal: str
    """What stands before a number's decimals."""

    @property
    def columns(self) -> Columns:
        """The features' columns in their order; there are no targets among them."""
        numbers, categories = (
            tuple(name for name, _fitted in each) for each in (self.numbers, self.categories)
        )
        return Columns((), numbers, categories)

    def encode_rows(self, table: Table) -> Features:
        """Return the features of a table's rows.

        A missing number becomes the mean of the training rows. A category that no training row
        has, or that is missing, is code 0, or one-hot all zeros.
        """
        parts = [_filled(table, name, mean, self.decimal) for name, mean in self.numbers]
        codes: list[int] = []
        for name, vocabulary in self.categories:
            number = {text: place for place, text in enumerate(vocabulary, 1)}
            coded = np.array([number.get(cell, 0) for cell in table.column(name)])
            if self.encode == "codes":
                codes.append(len(vocabulary) + 1)
                parts.append(coded[:, None].astype(np.float32))
            else:
                rows = np.eye(len(vocabulary) + 1, dtype=np.float32)[coded]
                parts.append(rows[:, 1:])
        return Features(np.ascontiguousarray(np.concatenate(parts, axis=1)), tuple(codes))

    def state(self) -> dict[str, Any]:
        """Return it as JSON data, for `from_state`."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ColumnEncoder":
        """Return the encoder that `state` is of."""
        return cls(
            tuple((str(name), float(mean)) for name, mean in state["numbers"]),
            tuple((str(name), tuple(texts)) for name, texts in state["categories"]),
            state["encode"],
            state["decimal"],
        )


def fit_encoder(
    table: Table, columns: Columns, training: np.ndarray, encode: str, decimal: str
) -> ColumnEncoder:
    """Return what encodes rows by what the training rows have.

    Args:
        table: all rows.
        columns: which are used how.
        training: [n] bool, the training rows.
        encode: `one_hot` or `codes`.
        decimal: what stands before a number's decimals.

    Raises:
        DataUnavailableError: a category has too many values, or a column no number.
    """
    means = tuple((name, _mean(table, name, training, decimal)) for name in columns.numbers)
    vocabularies = []
    for name in columns.categories:
        cells = zip(table.column(name), training, strict=True)
        vocabulary = sorted({cell for cell, trained in cells if trained and not is_missing(cell)})
        _refuse_identifier(table, name, vocabulary, encode)
        vocabularies.append((name, tuple(vocabulary)))
    return ColumnEncoder(means, tuple(vocabularies), encode, decimal)


def _mean(table: Table, name: str, training: np.ndarray, decimal: str) -> float:
    values, _wrong = numbers_of(table.column(name), decimal)
    known = values[training & ~np.isnan(values)]
    if not len(known):
        raise DataUnavailableError(
            f"{shown(table.path)}: no training row has a number in column {shown(name)}; drop it "
            f'with data.drop = ["{shown(name)}"]'
        )
    return float(known.mean())


def _filled(table: Table, name: str, mean: float, decimal: str) -> np.ndarray:
    """Return a column [n, 1] with the mean in the place of what is missing."""
    values, _wrong = numbers_of(table.column(name), decimal)
    values[np.isnan(values)] = mean
    return values[:, None].astype(np.float32)


def _refuse_identifier(table: Table, name: str, vocabulary: list[str], encode: str) -> None:
    if encode == "one_hot" and len(vocabulary) > MOST_ONE_HOT:
        raise DataUnavailableError(
            f"{shown(table.path)}, column {shown(name)}: {len(vocabulary):,} different texts "
            f"({listed([shown(each) for each in vocabulary], 3)}); drop it with data.drop, or take "
            'data.encode = "codes" with the model table_mlp'
        )
