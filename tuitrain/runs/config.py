"""The settings of a run as its record has them, beside the file that people can edit.

Knows texts and where they are kept; nothing of what a setting means.
"""

import os
from contextlib import closing

from tuitrain.errors import FolderError
from tuitrain.file_lock import FileLock
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.storage.database import explained, open_for_command, to_json
from tuitrain.whole_file import written_whole

_LOCK_WAIT_S = 0.2


def recorded_config(directory: RunDirectory) -> str | None:
    """Return the settings that the run was recorded with; None for a run of an older version.

    Raises:
        RecordError: the record can't be read.
    """
    with RunReader(directory) as reader:
        found = reader.meta().get("config")
    return None if found is None else str(found)


def record_config(directory: RunDirectory, text: str) -> None:
    """Put other settings on record and into config.toml, both or neither.

    Raises:
        RunBusyError: the run is live.
        RecordError: the record can't be written.
        FolderError: the file can't be written.
    """
    with (
        FileLock(directory.lock_path, wait_s=_LOCK_WAIT_S),
        explained(directory),
        closing(open_for_command(directory)) as connection,
    ):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('config', ?)", (to_json(text),))
        write_config(directory, text)
        connection.execute("COMMIT")


def write_config(directory: RunDirectory, text: str) -> None:
    """Write config.toml in one move: the old one or the new one is there, whole.

    Raises:
        FolderError: it can't be written.
    """
    try:
        with (
            written_whole(directory.config_path) as draft,
            draft.open("w", encoding="utf-8") as file,
        ):
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FolderError.of(directory.config_path, error, "can't be written") from error
