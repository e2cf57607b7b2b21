"""A run's record that is open for writing, until it is closed as one file."""

from typing import Self

from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.storage.database import explained, open_for_supervisor, rest_journal
from tuitrain.runs.storage.record_tables import RecordTables


class OpenRecord:
    """What every writer of a record has: connection and tables."""

    def __init__(self, directory: RunDirectory) -> None:
        """Open the record for writing.

        Raises:
            RecordError: missing, damaged or of a newer version.
        """
        self._directory = directory
        self._connection = open_for_supervisor(directory)
        self._tables = RecordTables(self._connection, directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database, leaving it as one file where no reader has it open."""
        try:
            with explained(self._directory):
                rest_journal(self._connection)
        finally:
            self._connection.close()
