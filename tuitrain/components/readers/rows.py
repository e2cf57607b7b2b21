"""Rows of tables by their columns' names, as those of a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuitrain.components.data import Column, Facts, Samples, Takes
from tuitrain.errors import DataUnavailableError, UsageError
from tuitrain.userdata.columns import ColumnEncoder, refuse_texts
from tuitrain.userdata.tables import MISSING, Table, is_missing, numbers_of, read_table
from tuitrain.userdata.words import listed, shown


class NumberRows:
    """Reads columns of plain numbers."""

    takes: Takes = "rows"
    decimal = "."
    """What stands before a number's decimals."""

    def __init__(self, names: Sequence[str]) -> None:
        """Take the columns' names in the order of the features."""
        self._names = tuple(names)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the features are, in their order."""
        return tuple(Column(name) for name in self._names)

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
        table = with_columns(table, self._names)
        refuse_missing(table)
        refuse_texts(table, self._names, self.decimal)
        return torch.tensor([[float(cell) for cell in row] for row in table.rows])

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Raise: the set's own file of targets is not known."""
        raise UsageError(f"--data {path}: this data set is part of a library, it has no other file")

    def state(self) -> dict[str, Any]:
        """Return it as JSON data, for `from_state`."""
        return {"columns": self._names}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "NumberRows":
        """Return the reader that `state` is of."""
        return cls(state["columns"])


@dataclass(frozen=True, slots=True)
class TargetColumns:
    """What makes targets of a table's cells, as those of the training table were made."""

    columns: tuple[str, ...]
    decimal: str
    """What stands before a number's decimals."""
    classes: tuple[str, ...]
    """Texts in the order of the class numbers; empty: targets are numbers."""
    binary: bool
    """Whether class numbers are 0. and 1."""
    unit: float
    """What numbers are divided by."""

    def read(self, table: Table) -> Tensor:
        """Return the targets [n] or [n, columns] of a table that has them.

        Raises:
            DataUnavailableError: one is no number, or no class of the training table.
        """
        if not self.classes:
            refuse_texts(table, self.columns, self.decimal, NO_CLASSES)
            numbers = [numbers_of(table.column(name), self.decimal)[0] for name in self.columns]
            values = torch.from_numpy(np.stack(numbers, axis=1).astype(np.float32)) / self.unit
            return values[:, 0] if len(numbers) == 1 else values
        number = {text: place for place, text in enumerate(self.classes)}
        cells = table.column(self.columns[0])
        strange = next((place for place, cell in enumerate(cells) if cell not in number), None)
        if strange is not None:
            raise DataUnavailableError(
                f"{shown(table.path)}, line {table.lines[strange]}: {shown(cells[strange])} is no "
                f"class of the run: it has {listed([shown(name) for name in self.classes], 20)}"
            )
        codes = torch.tensor([number[cell] for cell in cells])
        return codes.float() if self.binary else codes


NO_CLASSES = ", a regression target is; for classes take task = classification or binary"


class EncodedRows:
    """Reads numbers and categories as the training rows of a table were encoded."""

    takes: Takes = "rows"
    missing_texts = MISSING
    """What stands for a missing value, in lower case."""

    def __init__(
        self, encoder: ColumnEncoder, targets: TargetColumns, *, encoding: str, missing: str
    ) -> None:
        """Take what was fitted to the training rows.

        Args:
            encoder: of the features.
            targets: of a table that has them.
            encoding: of a file's text; empty: told from it.
            missing: what becomes of missing values; `drop` refuses them here, as rows keep order.
        """
        self.encoder = encoder
        self.encoding, self.missing = encoding, missing
        self._targets = targets

    @property
    def decimal(self) -> str:
        """What stands before a number's decimals."""
        return self.encoder.decimal

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the features are, in their order."""
        coded = self.encoder.encode == "codes"
        categories = [
            Column(name, 1 if coded else len(texts), texts)
            for name, texts in self.encoder.categories
        ]
        return (*(Column(name) for name, _mean in self.encoder.numbers), *categories)

    def read(self, items: Sequence[str]) -> Tensor:
        """Return a table's rows as float32 [n, features].

        Raises:
            DataUnavailableError: it lacks a column, or a value that is no number.
        """
        return self._encoded(read_table(Path(items[0]), encoding=self.encoding))

    def labelled(self, path: Path) -> tuple[Samples, Facts]:
        """Return the rows of a table that has the targets as well.

        Raises:
            DataUnavailableError: it lacks a column or a value, or has another class.
        """
        table = read_table(path, encoding=self.encoding)
        goals = with_columns(table, self._targets.columns)
        refuse_missing(goals)
        lines = [f"line {line}" for line in table.lines]
        columns = {name: table.column(name) for name in table.columns}
        return Samples(self._encoded(table), self._targets.read(goals)), Facts(
            lines, False, columns
        )

    def row(self, cells: Mapping[str, str]) -> Tensor:
        """Return a row [1, features] of cells by their columns' names, as a table has them.

        Raises:
            DataUnavailableError: a column is not there, or a value is missing or no number.
        """
        return self._encoded(_one_row(cells))

    def state(self) -> dict[str, Any]:
        """Return it as JSON data, for `from_state`."""
        targets = asdict(self._targets)
        rest = {"encoding": self.encoding, "missing": self.missing}
        return {"encoder": self.encoder.state(), "targets": targets, **rest}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "EncodedRows":
        """Return the reader that `state` is of."""
        goal = dict(state["targets"])
        goal |= {key: tuple(goal[key]) for key in ("columns", "classes")}
        return cls(
            ColumnEncoder.from_state(state["encoder"]),
            TargetColumns(**goal),
            encoding=state["encoding"],
            missing=state["missing"],
        )

    def _encoded(self, table: Table) -> Tensor:
        columns = self.encoder.columns
        rows = with_columns(table, columns.used)
        if self.missing != "mean":
            refuse_missing(rows)
        refuse_texts(rows, columns.numbers, self.encoder.decimal)
        return torch.from_numpy(self.encoder.encode_rows(rows).values)


def _one_row(cells: Mapping[str, str]) -> Table:
    return Table(Path("the row"), tuple(cells), [list(cells.values())], [1], ",")


def with_columns(table: Table, names: Sequence[str]) -> Table:
    """Return a table with these columns alone, in their order.

    Raises:
        DataUnavailableError: it lacks one.
    """
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        columns = "column" if len(lacking) == 1 else "columns"
        raise DataUnavailableError(
            f"{shown(table.path)} lacks the {columns} {listed([shown(name) for name in lacking])}; "
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
