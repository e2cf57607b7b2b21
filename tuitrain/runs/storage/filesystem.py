"""Which kind of file system a path lies on, as SQLite's WAL does not work across machines.

Knows nothing of databases: it only names what it finds.
"""

from collections.abc import Iterable
from pathlib import Path

NETWORK_TYPES: frozenset[str] = frozenset(
    {
        "9p", "acfs", "afs", "afpfs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs", "gfs2",
        "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs",
        "panfs", "pvfs2", "quobyte", "virtiofs", "vboxsf", "webdav", "wekafs",
    }
)  # fmt: skip
NETWORK_FUSE: tuple[str, ...] = (
    "sshfs", "ceph", "glusterfs", "s3fs", "gcsfuse", "goofys", "rclone", "juicefs", "davfs",
    "curlftpfs", "nfs", "smb", "lustre", "beegfs", "quobyte", "moosefs", "mfs",
)  # fmt: skip


def file_system_type(path: Path, mounts: Iterable[tuple[str, str]] | None = None) -> str:
    """Return the type of the file system that holds `path`, or will once it is created.

    Args:
        path: a file or folder, which need not exist yet.
        mounts: (mount point, type) pairs; the machine's own when left out.

    Returns:
        The type as the system names it (ext4, nfs4, fuse.sshfs, ...); "unknown" if none fits.
    """
    target = path.resolve()
    best, found = -1, "unknown"
    for mount_point, kind in _system_mounts() if mounts is None else mounts:
        # The later of two mounts on one point hides the earlier.
        if target.is_relative_to(mount_point) and len(mount_point) >= best:
            best, found = len(mount_point), kind
    return found


def is_network(kind: str) -> bool:
    """Tell whether a file system of this type may be shared between machines."""
    name = kind.lower()
    if name.startswith("fuse."):
        return name.removeprefix("fuse.").startswith(NETWORK_FUSE)
    return name in NETWORK_TYPES or name.startswith("smb")


def _system_mounts() -> list[tuple[str, str]]:
    import psutil

    return [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]
