"""CSV tables and JSON lines that grow row by row.

A row counts once it is whole. A file that was written anew is read anew.
"""

import csv
import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tuitrain.foreign.reader import Position, last_written
from tuitrain.foreign.settings import hparams_beside
from tuitrain.foreign.table_rows import Keys, RowPoints, json_row, keys_of, number
from tuitrain.runs.imported import Batch, Rewind

Form = Literal["csv", "jsonl"]
_BLOCK_BYTES = 1 << 20
_SNIFFED_BYTES = 1 << 16
_COMPARED_BYTES = 256
_SURE_S = 60.0
_DELIMITERS = ",;\t|"
_COMMA_DECIMAL = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
"""How numbers are written where semicolons stand between the cells."""


class TableReader:
    """Reads one file of rows."""

    def __init__(self, path: Path, form: Form) -> None:
        self._path = path
        self._form = form

    def changed(self) -> float:
        """Return when the file was written to."""
        return last_written([self._path])

    def settings(self) -> Mapping[str, Any]:
        """Return the hyperparameters that Lightning wrote beside it."""
        return hparams_beside(self._path.parent)

    def read(self, position: Position) -> Batch:
        """Return the rows since `position`, up to a piece of the file."""
        with self._path.open("rb") as file:
            if position.get("at") and _mark(file, position["at"]) != position.get("mark"):
                return Batch((Rewind(0),), position={}, more=True)
            at, names = int(position.get("at", 0)), position.get("names")
            if self._form == "csv" and not names:
                head = file.readline(_SNIFFED_BYTES)
                names, at = header(head), len(head)
                if not names:
                    return Batch()
                position = {**position, "delimiter": delimiter(head)}
            file.seek(at)
            block = file.read(_BLOCK_BYTES)
            whole = block.rfind(b"\n") + 1
            if not whole and len(block) == _BLOCK_BYTES:
                whole = len(block)
            if not whole:
                return self._last_row(block, names, position)
            mark = _mark(file, at + whole)
        return self._rows(block[:whole], names, position, {"at": at + whole, "mark": mark})

    def _last_row(self, block: bytes, names: list[str] | None, position: Position) -> Batch:
        """Return the last row of a file that does not end its lines, where it can be whole.

        It is read again once it ends: JSON that parses is whole, cells are where nothing came for
        long and none is missing.
        """
        if not block.strip() or position.get("half") == len(block):
            return Batch()
        if names:
            cells = next(_csv_rows(block, names, position.get("delimiter", ",")), {})
            if len(cells) < len(names) or time.time() - self.changed() < _SURE_S:
                return Batch()
        elif json_row(block) is None:
            return Batch()
        batch = self._rows(block, names, position, {})
        return replace(batch, position={**position, "half": len(block)})

    def _rows(
        self, block: bytes, names: list[str] | None, position: Position, place: dict[str, Any]
    ) -> Batch:
        between = position.get("delimiter", ",")
        rows = list(_csv_rows(block, names, between) if names else _json_rows(block))
        keys = _keys(position, names, rows)
        points = RowPoints.go_on(keys, position)
        read_at = self.changed()
        for row in rows:
            points.add(row, read_at)
        kept = {"keys": [keys.step, keys.epoch, keys.time]} if keys.known or names else {}
        place |= {"names": names, "delimiter": between, "rows": points.state(), **kept}
        # Without keys nothing was read yet: these lines come before the first that has a step.
        return Batch(points.changes(), points.progress(), place, more=True)


def header(line: bytes) -> list[str]:
    """Return the names of a table's columns; empty where the line is not whole or has none."""
    if not line.endswith(b"\n"):
        return []
    text = line.decode("utf-8-sig", "replace").strip("\r\n")
    found = next(csv.reader([text], delimiter=delimiter(line)), [])
    names = [name.strip() for name in found]
    return names if len(names) > 1 and not any(number(name) is not None for name in names) else []


def sniff(path: Path, *, named: bool) -> Form | None:
    """Return what a file is, by its first lines; None where it holds no rows of metrics.

    Args:
        path: the file.
        named: the user gave it: then rows may go without a step, and are numbered.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        block = file.read(_SNIFFED_BYTES)
    lines = block.splitlines(keepends=True)
    if not lines:
        return None
    if lines[0].lstrip().startswith(b"{"):
        rows = [row for row in map(json_row, lines) if row]
        known = any(keys_of(row).known and _has_metric(row) for row in rows)
        # One object alone is a result or a setting as likely as the begin of a log.
        known = known and (len(rows) > 1 or path.suffix != ".json")
        return "jsonl" if rows and (known or (named and any(map(_has_metric, rows)))) else None
    names = header(lines[0])
    if not names or b"\0" in block or not (keys_of(names).known or named):
        return None
    rows = list(_csv_rows(b"".join(lines[1:50]), names, delimiter(lines[0])))
    return "csv" if any(map(_has_metric, rows)) or (not rows and keys_of(names).known) else None


def _has_metric(row: Mapping[str, Any]) -> bool:
    keys = keys_of(row)
    others = (cell for name, cell in row.items() if name not in (keys.step, keys.epoch, keys.time))
    return any(number(cell) is not None for cell in others)


def _keys(position: Position, names: list[str] | None, rows: list[dict[str, Any]]) -> Keys:
    """Return the keys as they were chosen at the begin: a later row must not change the axis."""
    if "keys" in position:
        return Keys(*position["keys"])
    if names:
        return keys_of(names)
    return next((keys for keys in map(keys_of, rows) if keys.known), Keys(None, None, None))


def delimiter(line: bytes) -> str:
    """Return what stands between the cells of a table's first line."""
    return max(_DELIMITERS, key=line.decode("utf-8", "replace").count)


def _csv_rows(block: bytes, names: list[str], between: str) -> Iterator[dict[str, Any]]:
    text = block.decode("utf-8", "replace").splitlines()
    for cells in csv.reader(text, delimiter=between):
        yield dict(zip(names, (_cell(cell, between) for cell in cells), strict=False))


def _cell(cell: str, between: str) -> str:
    """Return what a cell holds, a number with a decimal point."""
    cell = cell.strip()
    if between == ";" and _COMMA_DECIMAL.fullmatch(cell):
        return cell.replace(",", ".")
    return cell


def _json_rows(block: bytes) -> Iterator[dict[str, Any]]:
    rows = (json_row(line) for line in block.splitlines())
    return (row for row in rows if row is not None)


def _mark(file: Any, at: int) -> str:
    """Return what tells whether the file up to `at` is still the same: its begin, and its end."""
    file.seek(0)
    begin = file.read(min(at, _COMPARED_BYTES))
    file.seek(max(0, at - _COMPARED_BYTES))
    end = file.read(min(at, _COMPARED_BYTES))
    return hashlib.sha256(begin + end).hexdigest()[:16]
