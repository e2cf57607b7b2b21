"""A Parquet file of all points: columns metric, step and value, a group of rows for each piece.

Knows records and the file; nothing of trackers.
"""

from pathlib import Path
from typing import Any

from tuitrain.errors import UsageError
from tuitrain.extras import require
from tuitrain.runs.reader import RunReader

_GROUP_POINTS = 1 << 16
"""Points of a group of rows: readers skip by groups, and each costs a kilobyte of its own."""


def write_parquet(reader: RunReader, path: Path) -> None:
    """Write all points of a run: metric (text), step (int64), value (float64).

    Raises:
        UsageError: the library is not installed, or the file can't be written.
        RecordError: the record can't be read.
    """
    arrow: Any = require("pyarrow", "parquet", "a Parquet file")
    parquet: Any = require("pyarrow.parquet", "parquet", "a Parquet file")
    schema = arrow.schema(
        [
            ("metric", arrow.dictionary(arrow.int32(), arrow.string())),
            ("step", arrow.int64()),
            ("value", arrow.float64()),
        ]
    )
    try:
        with parquet.ParquetWriter(path, schema) as writer:
            for name in reader.curves.metric_names():
                for steps, values in _groups(reader, name):
                    names = arrow.array([name] * len(steps)).dictionary_encode()
                    columns = [names, arrow.array(steps), arrow.array(values, arrow.float64())]
                    writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
    except OSError as error:
        raise UsageError(f"{path}: can't be written ({error.strerror or error}).") from error


def _groups(reader: RunReader, name: str) -> Any:
    steps: list[int] = []
    values: list[float] = []
    for chunk in reader.curves.point_chunks(name):
        steps.extend(chunk.steps)
        values.extend(chunk.values)
        if len(steps) >= _GROUP_POINTS:
            yield steps, values
            steps, values = [], []
    if steps:
        yield steps, values
