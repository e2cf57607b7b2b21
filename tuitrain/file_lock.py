"""A file lock that the kernel releases when its holder dies, however it dies.

Knows nothing of runs: supervisor and worker each lock a path of their own.
"""

import fcntl
import json
import os
import socket
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from tuitrain.errors import FolderError, RunBusyError

RETRY_S = 0.02


@dataclass(frozen=True, slots=True)
class Holder:
    """Who wrote itself into a lock file."""

    pid: int
    host: str


class FileLock:
    """An exclusive lock on a file, for as long as this process lives or until `release`.

    The file exists only while it is held, so that no ending leaves one behind but a kill, and
    after a kill the kernel has let go of it: what counts is the lock, never the file.
    """

    def __init__(self, path: Path, wait_s: float = 2.0) -> None:
        """Lock `path`; a reader that looks at it may delay that for an instant, hence `wait_s`."""
        self.path = path
        self._wait_s = wait_s
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            RunBusyError: another process holds it.
            FolderError: the folder can't be written.
        """
        deadline = time.monotonic() + self._wait_s
        try:
            while not self._try():
                if time.monotonic() >= deadline:
                    raise RunBusyError(_busy_text(self.path))
                time.sleep(RETRY_S)
        except OSError as error:
            raise FolderError.of(self.path, error, "can't be written") from error
        _held.add(self)

    def release(self) -> None:
        """Give the lock back and remove its file; without effect when it is not held."""
        if self._descriptor is None:
            return
        # Removed while still held: whoever opened this file before finds out in `_try` that the
        # path no longer leads to it.
        self.path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Close this process's hold without touching the file."""
        # Given up before it is closed: its number may be another file's an instant later.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        _held.discard(self)

    def __enter__(self) -> "FileLock":
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def _try(self) -> bool:
        # Readable by whom the folder lets in: to look whether it is held takes opening it.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _leads_to(self.path, descriptor):
                os.close(descriptor)
                return False
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _identity(), 0)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True


def is_held(path: Path) -> bool:
    """Tell whether a living process holds the lock on `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Somebody else's: the file is there only while it is held, but for a kill.
        return os.access(path, os.F_OK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_holder(path: Path) -> Holder | None:
    """Return who last wrote itself into the lock file, if it says."""
    try:
        plain = json.loads(path.read_bytes())
        return Holder(int(plain["pid"]), str(plain["host"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _identity() -> bytes:
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()


def _leads_to(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _busy_text(path: Path) -> str:
    holder = read_holder(path)
    who = f"process {holder.pid} on {holder.host}" if holder else "another process"
    return f"{path} is held by {who}: wait until it ends, or stop it."


_held: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()


# A forked child (a DataLoader worker, say) shares its parent's lock and would hold it on after
# the parent's death.
os.register_at_fork(after_in_child=_forget_all)
