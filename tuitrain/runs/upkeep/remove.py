"""Removing a run for good, never while somebody works on it.

Knows nothing of questions and answers: who calls this has asked.
"""

import os
import shutil

from tuitrain.errors import FolderError
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.upkeep.trash import move_unwatched


def remove_run(directory: RunDirectory) -> None:
    """Remove the run's folder with everything in it; lists lose it in one move.

    Raises:
        RunBusyError: its supervisor or its worker lives.
        FolderError: the folder can't be written.
    """
    hidden = directory.path.with_name(f".removing-{directory.id}-{os.getpid()}")
    try:
        move_unwatched(directory, hidden)
    except OSError as error:
        raise FolderError.of(directory.path, error, "can't be removed") from error
    try:
        hidden.unlink() if hidden.is_symlink() else shutil.rmtree(hidden)
    except OSError as error:
        raise FolderError.of(hidden, error, "can't be removed as a whole") from error
