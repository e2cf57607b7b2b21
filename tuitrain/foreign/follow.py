"""One log followed into its record: what is new is read and written, and how training stands.

Knows no format and no screen.
"""

import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from tuitrain.errors import FolderError, RunBusyError
from tuitrain.foreign.find import FoundLog
from tuitrain.foreign.reader import LogReader
from tuitrain.messages import RunState
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.imported import ImportWriter, create_imported
from tuitrain.runs.listing import write_summary
from tuitrain.runs.lock import FileLock, is_alive
from tuitrain.runs.rows import WatchedLog

QUIET_S = 600.0
"""A log without a new point for so long is taken for one of a training that ended."""
_LOCK_WAIT_S = 0.2
"""Whoever looks whether the record is followed delays that for an instant."""


class LogFollower:
    """Follows one log for as long as no other process does."""

    def __init__(
        self, log: FoundLog, record: RunDirectory, clock: Callable[[], float] = time.time
    ) -> None:
        """Follow `log` into `record`; reads nothing yet."""
        self.log = log
        self.record = record
        self._clock = clock
        self._lock = FileLock(record.lock_path, wait_s=_LOCK_WAIT_S)
        self._writer: ImportWriter | None = None
        self._gone = ""
        self._asleep: float | None = None
        self._seen: float | None = None
        """When the log was written to before the last look that found nothing new."""

    @cached_property
    def _reader(self) -> LogReader:
        return self.log.reader()

    def create(self) -> None:
        """Make the record where there is none.

        Raises:
            RecordError: it can't be written.
            FolderError: the folder can't be written.
        """
        if self.record.path.exists():
            return
        log = WatchedLog(str(self.log.path), self.log.kind)
        try:
            written = self.log.path.stat().st_mtime
            create_imported(self.record, self.log.name, log, written)
        except OSError as error:
            raise FolderError.of(self.record.path, error, "can't be written") from error

    def is_read(self) -> bool:
        """Return whether all of a log that is quiet was read before, and nothing came since."""
        try:
            known = self._stamp_path.read_text(encoding="utf-8")
        except OSError:
            return False
        return self.record.summary_path.exists() and known == self._stamp(self._changed())

    @property
    def _stamp_path(self) -> Path:
        return self.record.path / "read-until.txt"

    def _stamp(self, changed: float) -> str:
        return f"{changed!r} {self.log.name}"

    def begin(self) -> bool:
        """Take the record, made where there is none; return whether it is ours now.

        Raises:
            RecordError: the record can't be written.
            FolderError: the folder can't be written.
        """
        if self._writer is not None:
            return True
        self.create()
        if is_alive(self.record):
            return False
        try:
            self._lock.acquire()
        except RunBusyError:
            return False
        try:
            self._writer = ImportWriter(self.record)
        except BaseException:
            self._lock.release()
            raise
        self._writer.begin(self.log.name)
        self._tell_state()
        self._take_settings(self._writer)
        return True

    def _take_settings(self, writer: ImportWriter) -> None:
        """Take the settings beside the log; some are written after its first points."""
        try:
            settings = self._reader.settings()
        except OSError:
            # The log is gone, which its state says.
            return
        if settings:
            writer.set_settings(settings)

    def look(self) -> bool:
        """Read a piece where the log was written to; return whether there is more at once.

        A log that is quiet is let go of, and taken again when it grows.

        Raises:
            RecordError: the record can't be written.
            FolderError: the folder can't be written.
        """
        changed = self._changed()
        if self._writer is None and (changed == self._asleep or self.is_read()):
            self._asleep = changed
            return False
        if not self.begin():
            return False
        more = self.poll()
        if not more and self._writer is not None and self._state(self._writer)[0] != "running":
            self.close()
            self._asleep = changed
        return more

    def quiet_s(self) -> float:
        """Return for how long the log was not written to."""
        return max(0.0, self._clock() - self._changed())

    def poll(self) -> bool:
        """Read a piece of what is new; return whether there is more at once.

        Raises:
            RecordError: the record can't be written.
        """
        writer = self._writer
        if writer is None:
            return False
        changed = self._changed()
        try:
            batch = self._reader.read(writer.position())
        except OSError as error:
            self._gone = f"{self.log.path} can't be read: {error.strerror or error}"
            self._tell_state()
            return False
        self._gone = ""
        if batch.position is not None:
            writer.add(batch, self._clock())
        if not batch.more:
            self._seen = changed
            self._tell_state()
        return batch.more

    def catch_up(self) -> None:
        """Read all that is new."""
        while self.poll():
            pass

    def close(self) -> None:
        """Give the record back, with what lists need of it."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            state, reason, at = self._state(writer)
            growing = state == "running"
            if growing:
                state, reason = "stopped", "no longer watched; the log may still grow"
            self._take_settings(writer)
            writer.rest(state, reason, at)
            writer.close()
            write_summary(self.record)
            if not growing and self._seen is not None:
                self._stamp_path.write_text(self._stamp(self._seen), encoding="utf-8")
        finally:
            self._lock.release()

    def _tell_state(self) -> None:
        if self._writer is not None:
            self._writer.change_state(*self._state(self._writer))

    def _state(self, writer: ImportWriter) -> tuple[RunState, str, float]:
        """Return how training stands as far as the log says, why, and since when."""
        changed = self._changed()
        at = changed or self._clock()
        ended = writer.position().get("ended")
        if ended:
            return ended[0], ended[1], at
        if self._gone or not changed:
            return "stopped", self._gone or f"{self.log.path} is gone", at
        if self._clock() - changed > QUIET_S:
            return "stopped", "the log no longer grows; it does not say how training ended", at
        return "running", "", at

    def _changed(self) -> float:
        try:
            return self._reader.changed()
        except OSError:
            return 0.0
