"""What a table holds, for a person and for a preset: columns, kinds, gaps, copies, leaks."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tuitrain.errors import DataUnavailableError
from tuitrain.userdata.columns import is_numeric
from tuitrain.userdata.tables import Table, is_missing, numbers_of, read_table
from tuitrain.userdata.words import counted, shown

Kind = Literal["number", "category", "identifier", "constant"]

_TARGETS = ("target", "label", "class", "y", "outcome")
_IDENTIFIERS = ("id", "index", "key", "uuid", "row", "rowid", "row_id")
_MOST_CLASSES = 20
"""A column of whole numbers with more different values is one of amounts."""
_SHOWN = 3
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,(\d{1,2}|\d{4,})\s*")
"""A number with a comma that does not stand before thousands, as in 1,234."""


@dataclass(frozen=True, slots=True)
class ColumnSurvey:
    """One column."""

    name: str
    kind: Kind
    missing: int
    distinct: int
    summary: str
    """The range of numbers, or the most frequent texts."""
    tells_target: bool = False
    """Each of its values stands for one of the target's and the other way round."""


@dataclass(frozen=True, slots=True)
class TableSurvey:
    """What was found."""

    path: Path
    validation: str
    """Another file beside it that is the validation part; empty: a share is held out."""
    rows: int
    encoding: str
    """Of the text, as it was named; empty: told from a byte order mark, else UTF-8."""
    separator: str
    decimal: str
    """What stands before a number's decimals: a point or a comma."""
    columns: tuple[ColumnSurvey, ...]
    """As the table has them, the target too."""
    target: str
    task: Literal["classification", "regression"]
    classes: dict[str, int]
    """Of a classification: rows of each."""
    spread: float
    """Of a regression: the deviation of the target."""
    copies: int
    """Rows that are equal to another one."""
    leaks: int
    """Rows of the validation file that the training file has too."""

    @property
    def features(self) -> tuple[ColumnSurvey, ...]:
        """The columns beside the target."""
        return tuple(each for each in self.columns if each.name != self.target)


def survey_table(
    path: Path, target: str = "", validation: str = "", encoding: str = ""
) -> TableSurvey:
    """Look at a table.

    Args:
        path: the file.
        target: the column to predict; empty: one called so, or the last.
        validation: another file in the same folder that is the validation part.
        encoding: of the text; empty: told from a byte order mark, else UTF-8.

    Raises:
        DataUnavailableError: it can't be used; the text says where and why.
    """
    table = read_table(path, encoding=encoding)
    goal = table.find(target, "--target") if target else _target(table)
    if len(table.columns) < 2:
        raise DataUnavailableError(f"{shown(path)} has one column: there is nothing to learn from")
    decimal = _decimal(table)
    columns = tuple(_column(table, name, goal, decimal) for name in table.columns)
    is_number, classes = is_numeric(table, goal, decimal), _classes(table, goal)
    as_classes = not is_number or (len(classes) <= _MOST_CLASSES and _whole(table, goal, decimal))
    if len(classes) < 2:
        raise DataUnavailableError(
            f"{shown(path)}: the column {shown(goal)} has one value only in "
            f"{counted(len(table.rows), 'row')}: there is nothing to learn; --target names another"
        )
    rows = Counter(map(tuple, table.rows))
    return TableSurvey(
        path=path,
        validation=validation,
        rows=len(table.rows),
        encoding=encoding,
        separator=table.separator,
        decimal=decimal,
        columns=columns,
        target=goal,
        task="classification" if as_classes else "regression",
        classes=classes if as_classes else {},
        spread=0.0 if as_classes else float(np.nanstd(numbers_of(table.column(goal), decimal)[0])),
        copies=len(table.rows) - len(rows),
        leaks=_leaks(table, path.parent / validation, encoding) if validation else 0,
    )


def _target(table: Table) -> str:
    return next((n for n in table.columns if n.lower() in _TARGETS), table.columns[-1])


def _classes(table: Table, name: str) -> dict[str, int]:
    return dict(Counter(c for c in table.column(name) if not is_missing(c)).most_common())


def _decimal(table: Table) -> str:
    """Return a comma where a column has numbers with one; a point with decimals speaks against."""
    columns = [table.column(name) for name in table.columns]
    if any("." in cell and not numbers_of([cell])[1] for cells in columns for cell in cells):
        return "."
    with_comma = (
        any(map(_DECIMAL_COMMA.fullmatch, cells)) and not numbers_of(cells, ",")[1]
        for cells in columns
    )
    return "," if any(with_comma) else "."


def _whole(table: Table, name: str, decimal: str) -> bool:
    values = numbers_of(table.column(name), decimal)[0]
    known = values[~np.isnan(values)]
    return bool((known == np.round(known)).all())


def _column(table: Table, name: str, target: str, decimal: str) -> ColumnSurvey:
    cells = table.column(name)
    known = [cell for cell in cells if not is_missing(cell)]
    counts = Counter(known)
    number = bool(known) and is_numeric(table, name, decimal)
    kind = _kind(name, number, len(counts), len(cells)) if name != target else None
    return ColumnSurvey(
        name=name,
        kind=kind or ("number" if number else "category"),
        missing=len(cells) - len(known),
        distinct=len(counts),
        summary=_summary(cells, counts, decimal if number else ""),
        tells_target=name != target and _tells(cells, table.column(target)),
    )


def _kind(name: str, number: bool, distinct: int, rows: int) -> Kind:
    if distinct < 2:
        return "constant"
    if name.lower() in _IDENTIFIERS and distinct == rows:
        return "identifier"
    if not number and distinct > max(50, rows // 2):
        return "identifier"
    return "number" if number else "category"


def _summary(cells: Sequence[str], counts: "Counter[str]", decimal: str) -> str:
    """Return what a column holds; without `decimal` it is none of numbers."""
    if decimal:
        values = numbers_of(cells, decimal)[0]
        return f"{np.nanmin(values):g} to {np.nanmax(values):g}, mean {np.nanmean(values):g}"
    some = ", ".join(f"{shown(text)} {n:,}" for text, n in counts.most_common(_SHOWN))
    return some + (", ..." if len(counts) > _SHOWN else "")


def _tells(cells: Sequence[str], target: Sequence[str]) -> bool:
    """Say whether two columns of more than one value are the same but for how it is written."""
    pairs = len(set(zip(cells, target, strict=True)))
    # A column of all different values stands for anything.
    return 1 < pairs < len(cells) and pairs == len(set(cells)) == len(set(target))


def _leaks(table: Table, other: Path, encoding: str) -> int:
    there = set(map(tuple, table.rows))
    return sum(tuple(row) in there for row in read_table(other, encoding=encoding).rows)
