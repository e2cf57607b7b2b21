"""A copy of a record as it was at one moment, while others write it.

Knows the database's file alone.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.storage.database import explained, open_for_reading

_PAGES = 1024
"""Pages of 4 KiB at a time: between them the supervisor writes."""


def copy_record(directory: RunDirectory, target: Path) -> None:
    """Copy a run's database to a file.

    Raises:
        RecordError: it can't be read.
    """
    with (
        explained(directory),
        closing(open_for_reading(directory)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy, pages=_PAGES)
        copy.execute("PRAGMA journal_mode=DELETE")
