"""Naming and deleting the checkpoints of a run at rest, in its folder and in its record.

Works on files and rows; what is in a checkpoint, and questions to the user, are others' business.
"""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tuitrain.checkpoint_files import links_to, point, remove, sync_folder
from tuitrain.errors import RunBusyError, UsageError
from tuitrain.file_lock import FileLock
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.lock import is_worker_alive
from tuitrain.runs.storage.database import explained, open_for_supervisor, rest_journal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED_NAMES = ("last", "best")
_LOCK_WAIT_S = 0.2


def check_checkpoint_name(name: str) -> str:
    """Return `name` when a user may call a checkpoint that.

    Raises:
        UsageError: it may not.
    """
    if name in _RESERVED_NAMES or name.startswith("step-") or not _NAME.fullmatch(name):
        raise UsageError(
            f"checkpoint name {name!r}: allowed are 1 to 64 letters, digits, dots, dashes and "
            f"underscores, and not {' or '.join(_RESERVED_NAMES)} or step-..."
        )
    return name


def name_checkpoint(directory: RunDirectory, path: str, name: str) -> None:
    """Let a name lead to a checkpoint; it is then kept for good. Another that had it loses it.

    Args:
        directory: the run.
        path: the checkpoint's path within the run's directory, as the record has it.
        name: what to call it.

    Raises:
        UsageError: the name is not allowed, or there is no such checkpoint.
        RunBusyError: the run is live.
        RecordError: the database can't be written.
        OSError: the folder can't be written.
    """
    check_checkpoint_name(name)
    with _at_rest(directory), _record(directory) as connection:
        file = _existing(directory, path)
        connection.execute("INSERT OR REPLACE INTO checkpoint_names VALUES (?, ?)", (name, path))
        point(name, file)
        sync_folder(file.parent)


def delete_checkpoint(directory: RunDirectory, path: str, now: float | None = None) -> None:
    """Delete a checkpoint's file or folder and the names that lead to it.

    Args:
        directory: the run.
        path: the checkpoint's path within the run's directory, as the record has it.
        now: seconds since the epoch; read from the clock when None.

    Raises:
        UsageError: there is no such checkpoint.
        RunBusyError: the run is live.
        RecordError: the database can't be written.
        OSError: the folder can't be written.
    """
    with _at_rest(directory), _record(directory) as connection:
        file = _existing(directory, path)
        connection.execute(
            "UPDATE checkpoints SET removed=?, removed_reason='deleted by the user' WHERE path=?",
            (time.time() if now is None else now, path),
        )
        connection.execute("DELETE FROM checkpoint_names WHERE path=?", (path,))
        for link in links_to(file):
            link.unlink()
        remove(file)
        sync_folder(file.parent)


@contextmanager
def _at_rest(directory: RunDirectory) -> Iterator[None]:
    """Hold the run's lock, so that no supervisor and no worker works on it meanwhile."""
    with FileLock(directory.lock_path, wait_s=_LOCK_WAIT_S):
        if is_worker_alive(directory):
            raise RunBusyError(f"{directory.id}: its worker still lives; wait until it has ended.")
        yield


@contextmanager
def _record(directory: RunDirectory) -> Iterator[sqlite3.Connection]:
    """Open the record for one transaction, taken back when the files can't follow."""
    with explained(directory), closing(open_for_supervisor(directory)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        rest_journal(connection)


def _existing(directory: RunDirectory, path: str) -> Path:
    file = directory.path / path
    # A path from the record must not lead out of the run's own folder of checkpoints.
    if file.parent != directory.checkpoints or file.is_symlink() or not file.exists():
        raise UsageError(f"{directory.id} has no checkpoint file {path!r}")
    return file
