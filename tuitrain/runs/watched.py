"""Whether a record is of something that is not this program's own: a log, or a script.

Reads one fact of the record.
"""

from typing import Any

from tuitrain.errors import UsageError
from tuitrain.runs.directory import RunDirectory, host_of
from tuitrain.runs.reading.connection import RecordConnection, meta_value
from tuitrain.runs.rows import ScriptFacts, WatchedLog


def watched_log(directory: RunDirectory) -> WatchedLog | None:
    """Return the log that a record follows; None for a run of this program's own.

    Raises:
        RecordError: the record can't be read.
    """
    plain = _fact(directory, "watched")
    return None if plain is None else WatchedLog(plain["path"], plain["kind"])


def is_script(directory: RunDirectory) -> bool:
    """Return whether a run is of a script that somebody else wrote.

    Raises:
        RecordError: the record can't be read.
    """
    return _fact(directory, "script") is not None


def _fact(directory: RunDirectory, key: str) -> Any:
    record = RecordConnection(directory)
    try:
        return meta_value(record, key)
    finally:
        record.close()


def refuse_watched(directory: RunDirectory) -> None:
    """Do nothing for a run of this program's own.

    Raises:
        UsageError: the record follows a log; the text says what can't be done with it, and why.
        RecordError: the record can't be read.
    """
    log = watched_log(directory)
    if log is not None:
        raise UsageError(log.refusal(directory.id))


def refuse_script(directory: RunDirectory, action: str) -> None:
    """Do nothing for a run that is no script, or for what a script can be asked for.

    Args:
        directory: the run.
        action: as `ScriptFacts.refusal` knows it.

    Raises:
        UsageError: it can't be asked for; the text says why.
        RecordError: the record can't be read.
    """
    plain = _fact(directory, "script")
    if plain is None:
        return
    facts = ScriptFacts(tuple(plain["command"]), plain["ability"], tuple(plain["by"]))
    if refusal := facts.refusal(action):
        raise UsageError(f"{directory.id}: {refusal}")


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
