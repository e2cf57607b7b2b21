"""Tables of people's own, from CSV files."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field, PositiveFloat

from tuitrain.components.data import DataContext, Facts, Samples, Splits
from tuitrain.components.readers.rows import NO_CLASSES, EncodedRows, TargetColumns
from tuitrain.components.registry import dataset
from tuitrain.config.schema import NonNegativeInt
from tuitrain.errors import DataUnavailableError
from tuitrain.userdata.columns import (
    Columns,
    Features,
    choose_columns,
    fit_encoder,
    refuse_texts,
)
from tuitrain.userdata.image_labels import class_names
from tuitrain.userdata.split import held_out, held_out_rows
from tuitrain.userdata.tables import Table, is_missing, numbers_of, read_table
from tuitrain.userdata.words import counted, listed, shown


@dataset("csv")
def csv(
    context: DataContext,
    *,
    path: Annotated[str, Field(min_length=1)],
    target: str | Annotated[Sequence[str], Field(min_length=1)],
    features: Sequence[str] = (),
    drop: Sequence[str] = (),
    categories: Sequence[str] = (),
    encode: Literal["one_hot", "codes"] = "one_hot",
    target_unit: PositiveFloat = 1.0,
    missing: Literal["refuse", "mean", "drop"] = "refuse",
    validation: str = "",
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    split_seed: NonNegativeInt = 0,
    separator: str = "",
    decimal: Literal[".", ","] = ".",
    encoding: str = "",
) -> Splits:
    """A table of your own, a CSV file with column names: numbers and categories to a target."""
    file = context.folder / Path(path).expanduser()
    context.report(f"reading {shown(file)}")
    targets = [target] if isinstance(target, str) else list(target)
    tables = [read_table(file, separator, encoding)]
    if validation:
        tables.append(read_table(file.parent / validation, separator, encoding))
    columns = choose_columns(tables[0], targets, features, drop, categories, decimal)
    tables = [_complete(table, columns, missing, context) for table in tables]
    has_classes = _has_classes(tables[0], columns, decimal, context)
    for table in tables:
        refuse_texts(table, columns.numbers, decimal)
        if not has_classes:
            refuse_texts(table, columns.targets, decimal, NO_CLASSES)
    whole = _joined(tables, columns)
    goal, classes = _goal(whole, columns, decimal, context, has_classes)
    if validation:
        held = np.arange(len(whole.rows)) >= len(tables[0].rows)
        _refuse_new_classes(goal, held, classes, tables[1])
    elif classes:
        held = held_out(goal.astype(np.int64).tolist(), validation_share, split_seed)
    else:
        held = held_out_rows(len(whole.rows), validation_share, split_seed)
    if not held.any() or held.all():
        raise DataUnavailableError(
            f"{shown(file)} has {counted(len(whole.rows), 'row')}: too few for two parts"
        )
    if not has_classes:
        goal = goal / np.float32(target_unit)
    encoder = fit_encoder(whole, columns, ~held, encode, decimal)
    binary = context.task == "binary"
    targets_of = TargetColumns(columns.targets, decimal, tuple(classes), binary, target_unit)
    return replace(
        _splits(encoder.encode_rows(whole), goal, held, classes),
        facts=partial(_facts, tables, held),
        reader=EncodedRows(encoder, targets_of, encoding=encoding, missing=missing),
    )


def _facts(tables: Sequence[Table], held: np.ndarray) -> Facts:
    """Return lines and cells of the held-out rows; of columns that all tables have."""
    lines = [f"line {line}" for table in tables for line in table.lines]
    common = [name for name in tables[0].columns if all(name in t.columns for t in tables)]
    cells = {name: [cell for t in tables for cell in t.column(name)] for name in common}
    places = np.flatnonzero(held).tolist()
    columns = {name: [column[place] for place in places] for name, column in cells.items()}
    return Facts([lines[place] for place in places], False, columns)


def _has_classes(table: Table, columns: Columns, decimal: str, context: DataContext) -> bool:
    """Return whether the target is one of several texts; where the task does not say, it does."""
    if context.has_classes is None:
        return bool(numbers_of(table.column(columns.targets[0]), decimal)[1])
    return context.has_classes or context.task == "binary"


def _splits(made: Features, goal: np.ndarray, held: np.ndarray, classes: list[str]) -> Splits:
    inputs, targets = torch.from_numpy(made.values), torch.from_numpy(goal)
    train, validation = (torch.from_numpy(part) for part in (~held, held))
    return Splits(
        Samples(inputs[train], targets[train]),
        Samples(inputs[validation], targets[validation]),
        classes=tuple(shown(name) for name in classes),
        kind="table",
        codes=made.codes,
    )


def _complete(table: Table, columns: Columns, missing: str, context: DataContext) -> Table:
    """Return the table without rows that lack a value, as the preset says.

    Raises:
        DataUnavailableError: a value is missing, and the preset refuses that or it is a target.
    """
    lacking: dict[str, list[int]] = {}
    for name in columns.used:
        rows = [number for number, cell in enumerate(table.column(name)) if is_missing(cell)]
        if rows:
            lacking[name] = rows
    if not lacking:
        return table
    named = listed(
        [
            f"{shown(name)} {len(rows):,} (line {table.lines[rows[0]]})"
            for name, rows in lacking.items()
        ]
    )
    if missing == "drop":
        gone = set().union(*lacking.values())
        context.warn(
            f"{len(gone):,} of {counted(len(table.rows), 'row')} of {shown(table.path)} left out, "
            f"as values are missing: {named}"
        )
        return _kept(table, [n for n in range(len(table.rows)) if n not in gone])
    if missing == "refuse" or any(name in lacking for name in columns.targets):
        advice = 'data.missing = "drop" leaves such rows out' + (
            ', "mean" fills in the mean of a number' * (missing == "refuse")
        )
        raise DataUnavailableError(f"{shown(table.path)} lacks values: {named}; {advice}")
    context.report(f"missing values are filled in: {named}")
    return table


def _kept(table: Table, numbers: list[int]) -> Table:
    if not numbers:
        raise DataUnavailableError(f"{shown(table.path)}: no row has all values")
    return Table(
        table.path,
        table.columns,
        [table.rows[number] for number in numbers],
        [table.lines[number] for number in numbers],
        table.separator,
    )


def _joined(tables: list[Table], columns: Columns) -> Table:
    """Return the rows of all tables, with the columns in use."""
    used = columns.used
    rows, lines = [], []
    for table in tables:
        for name in used:
            table.find(name, "data.validation: column")
        places = [table.columns.index(name) for name in used]
        rows += [[row[place] for place in places] for row in table.rows]
        lines += table.lines
    return Table(tables[0].path, tuple(used), rows, lines, tables[0].separator)


def _goal(
    table: Table, columns: Columns, decimal: str, context: DataContext, has_classes: bool
) -> tuple[np.ndarray, list[str]]:
    """Return targets as the task takes them, and the classes' names where there are classes."""
    if has_classes:
        classes = class_names(table.column(columns.targets[0]))
        return _class_codes(table, columns, classes, context.task == "binary")
    numbers = [numbers_of(table.column(name), decimal)[0] for name in columns.targets]
    values = np.stack(numbers, axis=1).astype(np.float32)
    return (values[:, 0] if len(numbers) == 1 else values), []


def _class_codes(
    table: Table, columns: Columns, classes: list[str], binary: bool
) -> tuple[np.ndarray, list[str]]:
    name = columns.targets[0]
    where = f"data.target = {shown(name)}:"
    if len(columns.targets) > 1:
        raise DataUnavailableError("data.target: classes stand in one column, name one")
    if len(classes) < 2 or (binary and len(classes) > 2):
        found = listed([shown(each) for each in classes])
        wanted = "two" if binary else "at least two"
        raise DataUnavailableError(
            f"{where} the column has {len(classes):,} different values ({found}), there must be "
            f"{wanted}"
        )
    if len(classes) > len(table.rows) // 2 and len(table.rows) > 4:
        raise DataUnavailableError(
            f"{where} the column has {len(classes):,} different values in "
            f"{counted(len(table.rows), 'row')}: these are no classes; for numbers take task = "
            "regression"
        )
    code = {each: number for number, each in enumerate(classes)}
    codes = np.array([code[text] for text in table.column(name)], dtype=np.int64)
    return (codes.astype(np.float32) if binary else codes), classes


def _refuse_new_classes(
    goal: np.ndarray, held: np.ndarray, classes: list[str], table: Table
) -> None:
    if not classes:
        return
    new = sorted(set(goal[held].astype(int)) - set(goal[~held].astype(int)))
    if new:
        names = listed([shown(classes[number]) for number in new])
        raise DataUnavailableError(
            f"{shown(table.path)} has the class {names}, which no training row has"
        )
