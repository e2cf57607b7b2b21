"""What was read of GPU, host and worker over time.

Knows nothing of what the names mean.
"""

from tuitrain.runs.reading.connection import RecordConnection
from tuitrain.runs.series import Series
from tuitrain.runs.storage.database import explained
from tuitrain.runs.storage.readings import (
    latest_reading_time,
    latest_readings,
    read_readings,
    reading_names,
    reduce_readings,
)


class ReadingReader:
    """Reads one run's readings; every method raises RecordError when it can't."""

    def __init__(self, record: RecordConnection) -> None:
        """Read through an open record."""
        self._record = record

    def sample_names(self) -> list[str]:
        """Return what was sampled."""
        with explained(self._record.directory):
            return reading_names(self._record.connection)

    def samples(
        self, name: str, first_time: float = 0.0, last_time: float = float("inf")
    ) -> list[tuple[float, float]]:
        """Return the readings of one name as (time, value); one without a value is NaN."""
        with self._record.snapshot():
            return list(read_readings(self._record.connection, name, first_time, last_time))

    def sample_series(self, name: str, first_s: int, last_s: int, columns: int = 300) -> Series:
        """Return the readings of a name reduced to columns; its steps are seconds since the epoch.

        Args:
            name: what was read; an unknown one has no columns.
            first_s: left edge, in whole seconds since the epoch.
            last_s: right edge, included.
            columns: how many the screen has.
        """
        with self._record.snapshot():
            return reduce_readings(self._record.connection, name, first_s, last_s, columns)

    def latest_samples(self) -> dict[str, float]:
        """Return the newest reading of everything that was sampled of late."""
        with explained(self._record.directory):
            return latest_readings(self._record.connection)

    def latest_sample_time(self) -> float | None:
        """Return when the newest reading was taken; None where nothing was read."""
        with explained(self._record.directory):
            return latest_reading_time(self._record.connection)
