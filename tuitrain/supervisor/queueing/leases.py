"""A lease: the lock on a place's file, held as long as its holder lives, and who that is.

The file stays when a lease ends, so that no two processes ever lock different files of one name;
in a folder that users share, each may lock a file that another one made.
"""

import fcntl
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tuitrain.errors import FolderError
from tuitrain.file_lock import is_held


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who has a lease, or waits for one."""

    user: str
    host: str
    pid: int
    run: str
    """Its id."""
    path: str
    """Its folder."""
    since: float
    """Seconds since the epoch."""
    gives_way: bool = False


class Leases:
    """Locks on places that this process holds, until `release` or its end."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        """Hold nothing yet.

        Args:
            folder: where the runs of the box meet.
            tenant: is written into what is held.
        """
        self._folder = folder
        self._tenant = tenant
        self._held: dict[str, int] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The places that are held."""
        return tuple(self._held)

    def take(self, names: Sequence[str]) -> bool:
        """Take all of these places or none; return whether they are held now.

        Raises:
            FolderError: the folder can't be written.
        """
        for name in names:
            if not self._take(name):
                self.release()
                return False
        return True

    def _take(self, name: str) -> bool:
        path = lease_path(self._folder, name)
        try:
            descriptor = _open(path)
        except OSError as error:
            raise FolderError.of(path, error, "can't be written") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(descriptor, asdict(self._tenant))
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            raise FolderError.of(path, error, "can't be written") from error
        self._held[name] = descriptor
        return True

    def release(self, at: float | None = None) -> None:
        """Give every place back; `at` is put down as the time when its work was over."""
        for descriptor in self._held.values():
            if at is not None:
                _write(descriptor, {"released": at})
            os.close(descriptor)
        self._held.clear()


def lease_path(folder: Path, name: str) -> Path:
    """Return the file of a place."""
    return folder / f"{name}.lock"


def tenant_of(folder: Path, name: str) -> Tenant | None:
    """Return who holds a place; None where nobody does."""
    path = lease_path(folder, name)
    if not is_held(path):
        return None
    try:
        return Tenant(**_read(path))
    except TypeError:
        # Taken an instant ago, and not yet signed.
        return Tenant("somebody", "", 0, "", "", 0.0)


def released_at(folder: Path, name: str) -> float:
    """Return when a run gave a place back that nobody has taken since; minus infinity: unknown."""
    value = _read(lease_path(folder, name)).get("released")
    return float(value) if isinstance(value, int | float) else float("-inf")


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        pass
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if path.parent.stat().st_mode & stat.S_IWOTH:
        # In a folder that users share, the next one has to lock and sign the same file.
        os.fchmod(descriptor, 0o666)
    return descriptor


def _write(descriptor: int, plain: dict[str, Any]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(plain).encode(), 0)


def _read(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return plain if isinstance(plain, dict) else {}
