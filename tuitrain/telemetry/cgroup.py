"""The memory that a container or a batch job may use, where that is less than the machine's.

Linux control groups, both versions; knows files, nothing of processes.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


class _Version(NamedTuple):
    """What the files of a version are called."""

    limit: str
    used: str
    cached: str
    """Of the counted pages those of files not touched of late: given up before anybody is killed;
    the name of a row in memory.stat."""


_FIRST = _Version("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_SECOND = _Version("memory.max", "memory.current", "inactive_file")


class Usage(NamedTuple):
    """Memory of a control group."""

    used_bytes: int
    limit_bytes: int


def find_limit(
    machine_bytes: int, root: Path = _ROOT, membership: Path = _MEMBERSHIP
) -> Callable[[], Usage | None] | None:
    """Return what reads the tightest limit below `machine_bytes` and what counts towards it.

    None where there is no such limit, as on a machine of one's own.

    Args:
        machine_bytes: memory of the whole machine.
        root: where the control groups are.
        membership: says in which of them this process is.
    """
    limits = [
        (limit, folder, version)
        for folder, version in _folders(root, membership)
        if (limit := _number(folder / version.limit)) is not None and limit < machine_bytes
    ]
    if not limits:
        return None
    limit_bytes, folder, version = min(limits, key=lambda each: each[0])
    return lambda: _usage(folder, version, limit_bytes)


def _folders(root: Path, membership: Path) -> Iterator[tuple[Path, _Version]]:
    """Yield the folders of this process's group and of those above it, which bind it as well."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _number_of, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "memory" if controllers else root
        version = _FIRST if controllers else _SECOND
        place = top / path.lstrip("/")
        while place != top:
            yield place, version
            place = place.parent
        # A container sees its own group as the root.
        yield top, version


def _usage(folder: Path, version: _Version, limit_bytes: int) -> Usage | None:
    used = _number(folder / version.used)
    if used is None:
        return None
    return Usage(min(limit_bytes, max(0, used - _cached(folder, version.cached))), limit_bytes)


def _cached(folder: Path, name: str) -> int:
    try:
        rows = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(row.split()[1]) for row in rows if row.startswith(f"{name} ")), 0)


def _number(path: Path) -> int | None:
    """Return a file's number; None for `max` and for a file that is not there."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
