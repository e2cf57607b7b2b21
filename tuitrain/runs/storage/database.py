"""Opening run.db for each purpose, and saying what is wrong with one in a user's words.

Knows of files, versions and journals, not of what the tables mean.
"""

import errno
import json
import shutil
import sqlite3
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tuitrain.errors import DiskFullError, HeldRecordError, RecordError
from tuitrain.messages import decode, storable
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.metrics import monitor_of
from tuitrain.runs.storage.filesystem import file_system_type, is_network
from tuitrain.runs.storage.tables import FROM_VERSION_1, SCHEMA_VERSION, TABLES
from tuitrain.runs.writing.identity import describe_origin

_Value = TypeVar("_Value")

BUSY_TIMEOUT_S = 5.0
_JOURNAL_RETRY_S = 0.02
_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


class NewerRecordError(RecordError):
    """The database was written by a newer tuitrain than this."""


def create_database(
    directory: RunDirectory,
    identity: Mapping[str, object],
    config_text: str,
    origin: Mapping[str, object] | None = None,
) -> None:
    """Write a new run's database with its identity and the state `queued`.

    Without `origin` it is started here and now; which metric decides follows from the preset where
    `identity` does not say so.

    Raises:
        RecordError: it can't be written.
    """
    meta = {**(describe_origin(Path.cwd()) if origin is None else origin), **identity}
    if "monitor" not in meta:
        meta["monitor"], meta["mode"] = monitor_of(tomllib.loads(config_text))
    meta |= {"at_rest": False, "environment": {}}
    with explained(directory), closing(sqlite3.connect(directory.database_path)) as connection:
        connection.isolation_level = None
        connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)", [(key, _fact(key, meta[key])) for key in meta]
        )
        connection.execute(
            "INSERT INTO states (time, state, reason) VALUES (?, 'queued', '')", (meta["created"],)
        )
        connection.execute("COMMIT")


def open_for_supervisor(directory: RunDirectory) -> sqlite3.Connection:
    """Open for writing, with the journal that the file system allows, safe against power loss.

    Raises:
        RecordError: missing, damaged or of a newer version.
    """
    connection = open_for_command(directory)
    try:
        with explained(directory):
            network = is_network(file_system_type(directory.path))
            _set_journal(connection, "DELETE" if network else "WAL")
            connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_command(directory: RunDirectory) -> sqlite3.Connection:
    """Open for writing one row beside a supervisor, leaving the journal as it is.

    Raises:
        RecordError: missing, damaged or of a newer version.
    """
    return _open(directory, "mode=rw")


def open_for_reading(directory: RunDirectory) -> sqlite3.Connection:
    """Open without ever writing a row, on a read-only medium too.

    Raises:
        RecordError: missing, damaged or of a newer version.
    """
    try:
        # Not mode=ro: what a killed supervisor left must be rolled back before it can be read,
        # and the last one to close a WAL clears it away. SQLite itself falls back to reading
        # where the file is write-protected.
        connection = _open(directory, "mode=rw")
        connection.execute("PRAGMA query_only=1")
    except sqlite3.OperationalError as error:
        if _code(error) not in _READ_ONLY:
            raise explain(directory, error) from error
        # A read-only medium: then nobody else writes, which is what `immutable` says.
        with explained(directory):
            return _open(directory, "mode=ro&immutable=1")
    return connection


def rest_journal(connection: sqlite3.Connection) -> None:
    """Leave run.db as the one file that holds everything, unless a reader is looking just now."""
    try:
        connection.execute("PRAGMA busy_timeout=0")
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.OperationalError as error:
        if _code(error) not in _BUSY | _FULL:
            raise


@contextmanager
def explained(directory: RunDirectory) -> Iterator[None]:
    """Turn SQLite's errors into RecordError, HeldRecordError where another try may do."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise
    except sqlite3.DatabaseError as error:
        raise explain(directory, error) from error


def explain(directory: RunDirectory, error: sqlite3.DatabaseError) -> RecordError:
    """Say what is wrong with the database, and what can still be done."""
    path, code = directory.database_path, _code(error)
    if code in _FULL:
        free_bytes = shutil.disk_usage(directory.path).free
        return DiskFullError(
            f"{path}: no space left to write to (disk or quota full, {free_bytes // 2**20} MiB "
            "free on this file system). Nothing that was recorded is lost: free some space."
        )
    if code in _BUSY:
        return HeldRecordError(
            f"{path}: another process has held it for {BUSY_TIMEOUT_S:g} s; try again."
        )
    if code in _READ_ONLY:
        return RecordError(
            f"{path}: can't be opened ({error}); look at the folder's permissions and owner."
        )
    return RecordError(f"{path} is damaged ({error}). {_what_is_left(directory)}")


def from_json(directory: RunDirectory, kind: type[_Value], text: str) -> _Value:
    """Return a value as `to_json` wrote it, as one of the dataclasses that the record holds.

    Raises:
        RecordError: it is no such value.
    """
    return from_plain(directory, kind, json.loads(text))


def from_plain(directory: RunDirectory, kind: type[_Value], value: object) -> _Value:
    """Return JSON data from the record as one of the dataclasses that it holds.

    Raises:
        RecordError: it is no such value.
    """
    try:
        return decode(kind, value)
    except ValueError as error:
        raise RecordError(
            f"{directory.database_path}: an entry can't be read ({error}): it is damaged, or of "
            "another version of tuitrain."
        ) from error


def to_json(value: Any) -> str:
    """Write a value as JSON text; NaN and infinities survive in Python's spelling."""
    # Odd characters stand in the texts of JSON alone, where a backslash is itself escaped.
    return storable(json.dumps(value, ensure_ascii=False, default=str), backslash=r"\\")


def _fact(key: str, value: object) -> str:
    """Return a fact about the run as JSON text; the path that a resume takes again as it was."""
    return json.dumps(value) if key == "data_directory" else to_json(value)


def _open(directory: RunDirectory, mode: str) -> sqlite3.Connection:
    path = directory.database_path
    if not path.exists():
        raise RecordError(f"{path} is missing. {_what_is_left(directory)}")
    uri = f"{path.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        _check_version(connection, directory, writable=mode == "mode=rw")
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.DatabaseError) and _code(error) not in _READ_ONLY:
            raise explain(directory, error) from error
        raise
    return connection


def _check_version(
    connection: sqlite3.Connection, directory: RunDirectory, *, writable: bool
) -> None:
    path = directory.database_path
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > SCHEMA_VERSION:
        raise NewerRecordError(
            f"{path} has version {found}, this tuitrain knows up to version {SCHEMA_VERSION}: "
            "update tuitrain."
        )
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if found == 0:
        raise RecordError(f"{path} holds no record of a run. {_what_is_left(directory)}")
    if found < SCHEMA_VERSION:
        if not writable:
            raise RecordError(
                f"{path} was written by an older tuitrain, and to be read it must be brought up to "
                "date, which needs a place that can be written: copy the run's folder to one."
            )
        _bring_up_to_date(connection)


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Give a record of an older version the tables of today; what it holds stays as it is."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again: of two that open it at once, the second finds it done.
        if connection.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
            for statement in FROM_VERSION_1.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _set_journal(connection: sqlite3.Connection, mode: str) -> None:
    """Set the journal, waiting for readers; SQLite does not wait by itself for this one."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode={mode}").fetchall()
        except sqlite3.OperationalError as error:
            if _code(error) not in _BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_JOURNAL_RETRY_S)
        else:
            return


def _what_is_left(directory: RunDirectory) -> str:
    left = []
    if any(directory.checkpoints.glob("*.pt")):
        left.append(f"the checkpoints in {directory.checkpoints} are still usable")
    if directory.config_path.exists():
        left.append(f"`tuitrain run {directory.config_path}` repeats the run")
    return f"What is left: {'; '.join(left)}." if left else "Nothing else of the run is left."


def _code(error: sqlite3.DatabaseError) -> int:
    code = getattr(error, "sqlite_errorcode", errno.EINVAL)
    # Extended codes of "busy", "read-only" and "can't open" all mean the plain one.
    primary = code & 0xFF
    return primary if primary in _BUSY | _READ_ONLY else code
