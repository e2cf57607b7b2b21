"""Reading tables of text, CSV and its kin: columns by name, each fault with its line.

Knows nothing of what a column is used for.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from tuitrain.errors import DataUnavailableError, FolderError
from tuitrain.userdata.words import counted, listed, shown

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands for a value that is not there, in lower case."""
SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 20
"""Lines that the separator is told from."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it stands in its file: texts."""

    path: Path
    columns: tuple[str, ...]
    rows: list[list[str]]
    """[n][columns], without white space around a cell."""
    lines: list[int]
    """[n] where each row ends in the file, counted from 1."""
    separator: str

    def column(self, name: str) -> list[str]:
        """Return a column's cells."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def find(self, name: str, key: str) -> str:
        """Return a column's name as the table has it.

        Raises:
            DataUnavailableError: there is no such column; the text has the preset's `key`.
        """
        if name in self.columns:
            return name
        near = get_close_matches(name.lower(), [each.lower() for each in self.columns], n=1)
        means = [each for each in self.columns if near and each.lower() == near[0]]
        hint = f"; did you mean {shown(means[0])}?" if means else ";"
        raise DataUnavailableError(
            f"{key} = {shown(name)}: there is no such column in {shown(self.path)}{hint} it has "
            f"{listed([shown(each) for each in self.columns], 30)}"
        )


def is_missing(cell: str) -> bool:
    """Say whether a cell stands for a value that is not there."""
    return cell.lower() in MISSING


def read_table(path: Path, separator: str = "", encoding: str = "") -> Table:
    """Read a table with a row of column names at its top.

    Args:
        path: the file.
        separator: between cells; empty: told from the first lines.
        encoding: of the text; empty: told from a byte order mark, else UTF-8.

    Raises:
        DataUnavailableError: it is no such table; the text names the line.
        FolderError: it can't be read.
    """
    text = _text(path, encoding)
    separator = separator or _separator(text)
    rows = _rows(path, text, separator)
    first = next(rows, None)
    if first is None:
        raise DataUnavailableError(f"{shown(path)} is empty")
    columns = _columns(path, first[1])
    cells, lines = [], []
    for line, row in rows:
        if len(row) != len(columns):
            raise DataUnavailableError(
                f"{shown(path)}, line {line}: the row has {counted(len(row), 'cell')}, there are "
                f"{counted(len(columns), 'column')} (separator {separator!r})"
            )
        cells.append(row)
        lines.append(line)
    if not cells:
        raise DataUnavailableError(f"{shown(path)} has column names and no rows")
    return Table(path, columns, cells, lines, separator)


def _text(path: Path, encoding: str) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataUnavailableError(f"{shown(path)}: there is no such file") from None
    except OSError as error:
        raise FolderError.of(shown(path), error, "can't be read") from error
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding or marked)
    except LookupError:
        raise DataUnavailableError(f"encoding = {encoding}: python knows no such") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataUnavailableError(
            f"{shown(path)}, line {line}: it is not {error.encoding} text; name its encoding, in a "
            'preset as data.encoding = "latin-1", else as `tuitrain new FILE --encoding latin-1`'
        ) from error
    if "\0" in text:
        raise DataUnavailableError(f"{shown(path)} holds zero bytes: it is no table of text")
    return text.removeprefix("\ufeff")


def _separator(text: str) -> str:
    """Return what parts the first lines into equally many cells, the most of them."""
    sample = "\n".join(text.split("\n", _LOOKED_AT)[:_LOOKED_AT])

    def score(separator: str) -> tuple[int, int]:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample), delimiter=separator) if row]
        except csv.Error:
            return 0, 0
        # A cut quotation may spoil the last row.
        alike = sum(len(row) == len(rows[0]) for row in rows) if rows else 0
        return (alike if len(rows[0]) > 1 else 0, len(rows[0])) if rows else (0, 0)

    return max(SEPARATORS, key=score)


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of rows that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataUnavailableError(f"{shown(path)}, line {reader.line_num}: {error}") from error
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield reader.line_num, [cell.strip() for cell in row]


def _columns(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    unnamed = [number for number, name in enumerate(names, 1) if not name]
    if unnamed:
        raise DataUnavailableError(
            f"{shown(path)}: column {unnamed[0]} has no name; the first row must name each column"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataUnavailableError(f"{shown(path)}: there are two columns {shown(twice[0])}")
    if all(_is_number(name) for name in names):
        raise DataUnavailableError(
            f"{shown(path)}: its first row holds numbers only; it must name the columns"
        )
    return tuple(names)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def numbers_of(cells: Sequence[str], decimal: str = ".") -> tuple[np.ndarray, list[int]]:
    """Return a column as float64 [n], NaN where a value is missing, and the places of no numbers.

    Infinities count as no numbers.
    """
    if decimal != ".":
        cells = [cell.replace(decimal, ".") for cell in cells]
    try:
        values = np.array(cells, dtype=np.float64)
        wrong = np.isinf(values)
    except ValueError:
        values = np.array([_number(cell) for cell in cells], dtype=np.float64)
        wrong = np.isinf(values)
    places: list[int] = np.flatnonzero(wrong).tolist()
    return values, places


def _number(cell: str) -> float:
    """Return a cell's number; NaN where it is missing, infinite where it is none."""
    if is_missing(cell):
        return float("nan")
    return float(cell) if _is_number(cell) else float("inf")
