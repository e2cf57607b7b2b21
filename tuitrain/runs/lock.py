"""Whether a run is alive: its supervisor holds the lock on run.lock. No guess by age.

Knows nothing of the database.
"""

from tuitrain.file_lock import FileLock, Holder, is_held, read_holder
from tuitrain.runs.directory import RunDirectory

__all__ = ["FileLock", "Holder", "holder", "is_alive", "is_worker_alive"]


def is_alive(directory: RunDirectory) -> bool:
    """Tell whether the run's supervisor lives."""
    return is_held(directory.lock_path)


def is_worker_alive(directory: RunDirectory) -> bool:
    """Tell whether a worker lives, which may outlast its supervisor by some seconds."""
    return is_held(directory.worker_lock_path)


def holder(directory: RunDirectory) -> Holder | None:
    """Return who holds the run, or None when nobody does."""
    return read_holder(directory.lock_path) if is_alive(directory) else None
