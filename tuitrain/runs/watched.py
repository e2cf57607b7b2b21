"""Whether a record follows somebody else's log, whose training nobody here can command.

Reads one fact of the record.
"""

from tuitrain.errors import UsageError
from tuitrain.runs.directory import RunDirectory, host_of
from tuitrain.runs.reading.connection import RecordConnection, meta_value
from tuitrain.runs.rows import WatchedLog


def watched_log(directory: RunDirectory) -> WatchedLog | None:
    """Return the log that a record follows; None for a run of this program's own.

    Raises:
        RecordError: the record can't be read.
    """
    record = RecordConnection(directory)
    try:
        plain = meta_value(record, "watched")
    finally:
        record.close()
    return None if plain is None else WatchedLog(plain["path"], plain["kind"])


def refuse_watched(directory: RunDirectory) -> None:
    """Do nothing for a run of this program's own.

    Raises:
        UsageError: the record follows a log; the text says what can't be done with it, and why.
        RecordError: the record can't be read.
    """
    log = watched_log(directory)
    if log is not None:
        raise UsageError(log.refusal(directory.id))


def refuse_remote(directory: RunDirectory) -> None:
    """Do nothing for a run whose files are here.

    Raises:
        UsageError: it is on another machine; the text says what to do there.
    """
    host = host_of(str(directory.path))
    if host:
        raise UsageError(
            f"{directory.id} is on {host}, and this needs its files: `tuitrain pull "
            f"{host}:{directory.id}` copies them here"
        )
