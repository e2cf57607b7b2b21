"""Samples from the body of a request, read by the run's own reader.

Knows forms of bodies; nothing of HTTP beyond a content type.
"""

import base64
import binascii
import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from tuitrain.components.data import SampleReader
from tuitrain.errors import TuitrainError, UsageError

FORMS = {
    "images": 'one image (image/*), or JSON {"images": [BASE64, ...]}',
    "rows": 'a table with column names (text/csv), or JSON {"rows": [{COLUMN: VALUE}, ...]}',
    "series": 'values in order of time (text/csv), or JSON {"series": [{COLUMN: VALUE}, ...]}',
    "texts": 'texts, one a line (text/plain), or JSON {"texts": [TEXT, ...]}',
}
"""What a body may be, by what the run takes."""


def read_samples(reader: SampleReader, content_type: str, body: bytes) -> list[Tensor]:
    """Return the inputs of a request's samples, as groups [n, ...] in their order.

    Args:
        reader: the run's.
        content_type: the request's, without parameters.
        body: the request's.

    Raises:
        UsageError: the body is none that the run takes.
        TuitrainError: a sample can't be read; the text says which and why.
    """
    if not body:
        raise UsageError(f"the request has no body; it may be {FORMS[reader.takes]}")
    form = content_type.partition("/")[0]
    if content_type == "application/json":
        return _READ[reader.takes](reader, _listed(reader.takes, body))
    if reader.takes == "images" and form in {"image", ""}:
        return [_image(reader, body, "the image")]
    if reader.takes in {"rows", "series"} and content_type in {"text/csv", "text/plain", ""}:
        return [_table(reader, body)]
    if reader.takes == "texts" and form in {"text", ""}:
        return _texts(reader, [line for line in _decoded(body).splitlines() if line.strip()])
    raise UsageError(
        f"a body of type {content_type} is not read here; it may be {FORMS[reader.takes]}"
    )


def _listed(takes: str, body: bytes) -> list[Any]:
    """Return the samples of a JSON body."""
    try:
        found = json.loads(body)
    except ValueError as error:
        raise UsageError(f"the body is no JSON: {error}") from error
    samples = found.get(takes) if isinstance(found, dict) else None
    if not isinstance(samples, list) or not samples:
        raise UsageError(f"the JSON has no list {takes!r}; it must be {FORMS[takes]}")
    return samples


def _images(reader: SampleReader, samples: list[Any]) -> list[Tensor]:
    inputs = []
    for number, text in enumerate(samples, 1):
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise UsageError(f"image {number} is no text in base64: {error}") from error
        inputs.append(_image(reader, content, f"image {number}"))
    return inputs


def _image(reader: SampleReader, content: bytes, name: str) -> Tensor:
    return _from_file(reader, content, name, ".img")


def _rows(reader: SampleReader, samples: list[Any]) -> list[Tensor]:
    for number, row in enumerate(samples, 1):
        if not isinstance(row, dict):
            form = FORMS[reader.takes]
            raise UsageError(f"row {number} is no object of columns; it must be {form}")
        if row.keys() != samples[0].keys():
            raise UsageError(f"row {number} has other columns than row 1: all must have the same")
    columns = list(samples[0])
    with tempfile.TemporaryDirectory(prefix="tuitrain-serve-") as folder:
        file = Path(folder) / "rows.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(
                [columns, *([row[name] for name in columns] for row in samples)]
            )
        return [_read(reader, file, "the rows")]


def _table(reader: SampleReader, content: bytes) -> Tensor:
    return _from_file(reader, content, "the table", ".csv")


def _texts(reader: SampleReader, samples: Sequence[Any]) -> list[Tensor]:
    strange = next((n for n, text in enumerate(samples, 1) if not isinstance(text, str)), None)
    if strange is not None:
        raise UsageError(f"text {strange} is no text; it must be {FORMS['texts']}")
    if not samples:
        raise UsageError("the body has no text: there must be one a line")
    return [reader.read([text]) for text in samples]


_READ = {"images": _images, "rows": _rows, "series": _rows, "texts": _texts}


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the body is no text in UTF-8: {error}") from error


def _from_file(reader: SampleReader, content: bytes, name: str, suffix: str) -> Tensor:
    with tempfile.TemporaryDirectory(prefix="tuitrain-serve-") as folder:
        file = Path(folder) / f"sample{suffix}"
        file.write_bytes(content)
        return _read(reader, file, name)


def _read(reader: SampleReader, file: Path, name: str) -> Tensor:
    """Read a file of this module's own, which is called by `name` in an error's text."""
    try:
        return reader.read([str(file)])
    except TuitrainError as error:
        raise type(error)(str(error).replace(str(file), name)) from error
