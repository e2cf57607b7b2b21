"""Files of texts with a label each: which form and which columns, and their rows."""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tuitrain.errors import TrainingError

Row = tuple[str, str]
"""A text and its label."""


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Where in a file texts and labels are."""

    form: Literal["csv", "jsonl"]
    text: str
    """The column or field of texts."""
    label: str
    """That of labels."""

    def read(self, path: Path) -> list[Row]:
        """Return a file's rows.

        Raises:
            TrainingError: it is no such file; the text names the line.
        """
        rows = _csv_rows if self.form == "csv" else _jsonl_rows
        return list(rows(path, self.text, self.label))


def _csv_rows(path: Path, text: str, label: str) -> Iterator[Row]:
    limit = csv.field_size_limit(min(sys.maxsize, 1 << 30))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            for key, column in (("text", text), ("label", label)):
                if column not in columns:
                    raise TrainingError(
                        f"data.{key} = {column}: {path} has the columns {', '.join(columns)}"
                    )
            for row in reader:
                yield _row(row[text], row[label], path, reader.line_num)
    except (csv.Error, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is no CSV file in UTF-8: {error}") from error
    finally:
        csv.field_size_limit(limit)


def _jsonl_rows(path: Path, text: str, label: str) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found: Any = json.loads(line)
            except ValueError as error:
                raise TrainingError(f"{path}, line {number}: no JSON: {error}") from error
            if not isinstance(found, dict):
                raise TrainingError(f"{path}, line {number}: it must be one JSON object a line")
            for key, field in (("text", text), ("label", label)):
                if field not in found:
                    raise TrainingError(
                        f"data.{key} = {field}: {path}, line {number} has the fields "
                        f"{', '.join(found)}"
                    )
            yield _row(found[text], found[label], path, number)


def _row(text: Any, label: Any, path: Path, line: int) -> Row:
    """Return a row; a label may be a whole number or a truth value in JSON."""
    if not isinstance(text, str):
        raise TrainingError(f"{path}, line {line}: the text is {text!r}, it must be a string")
    if not isinstance(label, str | int) or label == "":
        raise TrainingError(f"{path}, line {line}: the label is {label!r}, it must say something")
    return text, str(label)
