"""Another name for a run: in its record and in the copy that lists read; its id stays.

May be done beside a live supervisor: it is one row.
"""

from contextlib import closing
from dataclasses import replace

from tuitrain.errors import FolderError
from tuitrain.runs.directory import RunDirectory, check_run_name
from tuitrain.runs.storage.database import explained, open_for_command, to_json
from tuitrain.runs.summary import load_summary, save_summary


def rename_run(directory: RunDirectory, name: str) -> None:
    """Call a run something else.

    Raises:
        UsageError: the name is not allowed.
        RecordError: the record can't be written.
        FolderError: the copy for lists can't be written.
    """
    check_run_name(name)
    with explained(directory), closing(open_for_command(directory)) as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('name', ?)", (to_json(name),))
    known = load_summary(str(directory.path))
    if known is not None:
        try:
            save_summary(directory, replace(known, name=name))
        except OSError as error:
            raise FolderError.of(directory.summary_path, error, "can't be written") from error
