"""SQLite files of other programs, read without leaving a trace beside them.

Knows no table.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

_MAGIC = b"SQLite format 3\0"
_VERSION_AT, _WAL_VERSION = 18, 2
"""Where the head says how the file is written to, and that there is a write-ahead log."""
_LOCKED_S = 5.0
"""Programs hold a lock for as long as they write a batch."""


def tables_of(path: Path) -> set[str]:
    """Return the names of a file's tables; none where it is no such file.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return set()
    with opened(path) as store:
        return {name for (name,) in store.execute("SELECT name FROM sqlite_master")}


class LastLogged:
    """When something of a run was logged last, in a file that other runs share."""

    def __init__(self, path: Path, find: Callable[[sqlite3.Connection], float]) -> None:
        """Know nothing yet.

        Args:
            path: the file.
            find: returns when it was, in seconds since the epoch.
        """
        self._path, self._find = path, find
        self._known: tuple[object, float] = (None, 0.0)

    def time(self) -> float:
        """Return when it was, found anew where the file was written to.

        Raises:
            OSError: the file can't be read.
        """
        stamp = written(self._path)
        if stamp != self._known[0]:
            with opened(self._path) as store:
                self._known = stamp, self._find(store)
        return self._known[1]


def written(path: Path) -> tuple[int, int]:
    """Return what changes with every transaction, also while it is in a journal of its own.

    Raises:
        OSError: the file is gone.
    """
    log = _beside(path, "wal")
    try:
        return path.stat().st_mtime_ns, log.stat().st_mtime_ns
    except FileNotFoundError:
        return path.stat().st_mtime_ns, 0


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that only reads.

    A reader of a file with a write-ahead log makes two files beside it where no writer has them:
    such a file is read as one that nobody writes to, and if somebody did meanwhile, it is refused.

    Raises:
        OSError: it can't be read, or was written to by a writer that came meanwhile.
    """
    before = written(path)
    try:
        with ExitStack() as held:
            address, alone = _address(path, held)
            connection = sqlite3.connect(address, uri=True, timeout=_LOCKED_S)
            yield held.enter_context(closing(connection))
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error
    if alone and (_beside(path, "wal").exists() or written(path) != before):
        raise OSError(f"{path}: written to while it was read")


def _address(path: Path, held: ExitStack) -> tuple[str, bool]:
    """Return how SQLite is told of the file, and whether it is told that nobody writes to it."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with path.open("rb") as file:
        has_log = file.read(_VERSION_AT + 1)[-1:] == bytes([_WAL_VERSION])
    log, index = _beside(path, "wal"), _beside(path, "shm")
    if not has_log or (log.exists() and index.exists()):
        return uri, False
    if not log.exists():
        return f"{uri}&immutable=1", True
    # A writer that was killed has left its log: that is read in a copy.
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="tuitrain-")))
    for each in (path, log):
        shutil.copyfile(each, folder / each.name)
    return f"{(folder / path.name).as_uri()}?mode=ro", False


def _beside(path: Path, end: str) -> Path:
    return path.with_name(f"{path.name}-{end}")
