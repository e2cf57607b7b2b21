"""One run's database, open for reading: queries, and several of them at one moment.

Knows nothing of what is in the tables.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.storage.database import explained, open_for_reading


class RecordConnection:
    """Asks one run's database; every method raises RecordError when it can't be read."""

    def __init__(self, directory: RunDirectory) -> None:
        """Open the database.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        self.directory = directory
        self.connection = open_for_reading(directory)

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def one(self, query: str, values: tuple[Any, ...] = ()) -> Any:
        """Return the first row that a query finds; None where it finds none."""
        with explained(self.directory):
            cursor = self.connection.execute(query, values)
            row = cursor.fetchone()
            # A cursor left open would keep its read transaction.
            cursor.close()
            return row

    def all(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Return all rows that a query finds."""
        with explained(self.directory):
            return self.connection.execute(query, values).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let several reads see one and the same state of the record."""
        nested = self.connection.in_transaction
        if nested:
            yield
            return
        with explained(self.directory):
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.commit()


def meta_value(record: RecordConnection, key: str) -> Any:
    """Return one fact about the run as JSON data; None where it is not on record."""
    row = record.one("SELECT value_json FROM meta WHERE key=?", (key,))
    return json.loads(row[0]) if row else None
