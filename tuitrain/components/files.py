"""Files that a preset names."""

from pathlib import Path

from tuitrain.components.data import DataContext
from tuitrain.errors import DataUnavailableError


def file_in(context: DataContext, path: str) -> Path:
    """Return where a file is.

    Raises:
        DataUnavailableError: it is not there.
    """
    found = context.folder / Path(path).expanduser()
    if not found.is_file():
        raise DataUnavailableError(
            f"there is no file {found}; paths of a data set are absolute or relative to --data-dir "
            "($TUITRAIN_DATA)"
        )
    return found
