"""Rows of tables by their columns' names, as those of a data set."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.data import Column, Facts, Samples, Takes
from tuitrain.errors import DataUnavailableError, UsageError
from tuitrain.userdata.columns import (
    Columns,
    category_values,
    encode_features,
    refuse_texts,
)
from tuitrain.userdata.tables import Table, is_missing, read_table
from tuitrain.userdata.words import listed, shown


class NumberRows:
    """Reads columns of plain numbers."""

    takes: Takes = "rows"

    decimal = "."
    """What stands before a number's decimals."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Take the columns' names in the order of the features."""
        self._columns = tuple(columns)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the features are, in their order."""
        return tuple(Column(name) for name in self._columns)

    def read(self, items: Sequence[str]) -> Tensor:
        """Return a table's rows as float32 [n, features].

        Raises:
            DataUnavailableError: it lacks a column or a number.
        """
        return self._encoded(read_table(Path(items[0])))

    def row(self, cells: Mapping[str, str]) -> Tensor:
        """Return a row [1, features] of cells by their columns' names, as a table has them.

        Raises:
            DataUnavailableError: a column is not there, or a value is missing or no number.
        """
        return self._encoded(_one_row(cells))

    def _encoded(self, table: Table) -> Tensor:
        table = with_columns(table, self._columns)
        refuse_missing(table)
        refuse_texts(table, self._columns, ".")
        return torch.tensor([[float(cell) for cell in row] for row in table.rows])

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Raise: the set's own file of targets is not known."""
        raise UsageError(f"--data {path}: this data set is part of a library, it has no other file")


class EncodedRows:
    """Reads numbers and categories as the training rows of a table were encoded."""

    takes: Takes = "rows"

    def __init__(
        self,
        known: Table,
        training: np.ndarray,
        columns: Columns,
        *,
        encode: str,
        decimal: str,
        encoding: str,
        missing: str,
        goal: Callable[[Table], Tensor],
    ) -> None:
        """Take the table that vocabularies and means are of.

        Args:
            known: all rows of the data set.
            training: [n] bool, which of them are trained on.
            columns: which are used how.
            encode: `one_hot` or `codes`.
            decimal: what stands before a number's decimals.
            encoding: of a file's text; empty: told from it.
            missing: what becomes of missing values; `drop` refuses them here, as rows keep order.
            goal: returns the targets of a table that has them.
        """
        self._features = Columns((), columns.numbers, columns.categories)
        self._targets = columns.targets
        self._known = with_columns(known, self._features.used)
        self._training = training
        self._encode, self.decimal, self._encoding = encode, decimal, encoding
        self._missing = missing
        self._goal = goal

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the features are, in their order."""
        categories = [
            Column(name, 1 if self._encode == "codes" else len(known), tuple(known))
            for name in self._features.categories
            for known in [category_values(self._known, name, self._training)]
        ]
        return (*(Column(name) for name in self._features.numbers), *categories)

    def read(self, items: Sequence[str]) -> Tensor:
        """Return a table's rows as float32 [n, features].

        Raises:
            DataUnavailableError: it lacks a column, or a value that is no number.
        """
        return self._encoded(read_table(Path(items[0]), encoding=self._encoding))

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Return the rows of a table that has the targets as well.

        Raises:
            DataUnavailableError: it lacks a column or a value, or has another class.
        """
        table = read_table(path, encoding=self._encoding)
        goals = with_columns(table, self._targets)
        refuse_missing(goals)
        lines = [f"line {line}" for line in table.lines]
        columns = {name: table.column(name) for name in table.columns}
        return Samples(self._encoded(table), self._goal(goals)), Facts(lines, False, columns)

    def row(self, cells: Mapping[str, str]) -> Tensor:
        """Return a row [1, features] of cells by their columns' names, as a table has them.

        Raises:
            DataUnavailableError: a column is not there, or a value is missing or no number.
        """
        return self._encoded(_one_row(cells))

    def _encoded(self, table: Table) -> Tensor:
        rows = with_columns(table, self._features.used)
        if self._missing != "mean":
            refuse_missing(rows)
        refuse_texts(rows, self._features.numbers, self.decimal)
        known = self._known
        joined = Table(
            rows.path, rows.columns, [*known.rows, *rows.rows], [*known.lines, *rows.lines],
            rows.separator,
        )  # fmt: skip
        training = np.concatenate([self._training, np.zeros(len(rows.rows), dtype=bool)])
        made = encode_features(joined, self._features, training, self._encode, self.decimal)
        return torch.from_numpy(np.ascontiguousarray(made.values[len(known.rows) :]))


def _one_row(cells: Mapping[str, str]) -> Table:
    return Table(Path("the row"), tuple(cells), [list(cells.values())], [1], ",")


def with_columns(table: Table, names: Sequence[str]) -> Table:
    """Return a table with these columns alone, in their order.

    Raises:
        DataUnavailableError: it lacks one.
    """
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise DataUnavailableError(
            f"{shown(table.path)} lacks the column {listed([shown(name) for name in lacking])}; "
            f"it has {listed([shown(each) for each in table.columns], 30)}, and must have "
            f"{listed([shown(each) for each in names], 30)}"
        )
    places = [table.columns.index(name) for name in names]
    rows = [[row[place] for place in places] for row in table.rows]
    return Table(table.path, tuple(names), rows, table.lines, table.separator)


def refuse_missing(table: Table) -> None:
    """Hold a table against its need of every value.

    Raises:
        DataUnavailableError: a value is missing; the text says where the first one is.
    """
    for line, row in zip(table.lines, table.rows, strict=True):
        for name, cell in zip(table.columns, row, strict=True):
            if is_missing(cell):
                raise DataUnavailableError(
                    f"{shown(table.path)}, line {line}: column {shown(name)} has no value; fill it "
                    "in, as no row may be left out here"
                )
