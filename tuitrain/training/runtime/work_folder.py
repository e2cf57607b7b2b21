"""Folders of one process in the system's folder for temporary files.

What a killed process leaves there the next one removes. Knows nothing of what is in them.
"""

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tuitrain.file_lock import FileLock, is_held

_LOCK = ".lock"
_YOUNG_S = 60.0
"""A lock may not be held for a moment after its file was made."""

_locks: list[FileLock] = []
"""Of this process; a fork lets go of those that somebody knows."""


def make_work_folder(prefix: str, root: Path | None = None) -> Path:
    """Return a new folder, and remove those of the same prefix whose processes are gone.

    Args:
        prefix: of its name.
        root: where; None: in the system's folder for temporary files.
    """
    root = Path(tempfile.gettempdir()) if root is None else root
    for path in root.glob(f"{prefix}*"):
        if _is_left(path / _LOCK):
            shutil.rmtree(path, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
    lock = FileLock(folder / _LOCK)
    lock.acquire()
    _locks.append(lock)
    return folder


def _is_left(lock: Path) -> bool:
    with suppress(OSError):
        return time.time() - lock.stat().st_mtime > _YOUNG_S and not is_held(lock)
    return False
