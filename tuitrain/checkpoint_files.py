"""Files of checkpoints, as training leaves them and as they are kept: names, removal, the disk.

A checkpoint is a file, or a folder where ranks have written a part each; names are symbolic links
beside it. Knows nothing of what is in one, nor of records.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

ENDING = ".pt"
UNFINISHED = ".tmp"
"""What the hidden name ends in of one that is being written or removed."""


def links_in(folder: Path) -> Iterator[Path]:
    """Return the names in a folder that lead to checkpoints."""
    return (link for link in folder.glob(f"*{ENDING}") if link.is_symlink())


def links_to(checkpoint: Path) -> list[Path]:
    """Return the names that lead to one."""
    found = links_in(checkpoint.parent)
    return [link for link in found if link.readlink() == Path(checkpoint.name)]


def point(name: str, checkpoint: Path) -> None:
    """Let a name lead to a checkpoint, in one step: it always leads to one or the other."""
    draft = checkpoint.with_name(f".{name}{ENDING}{UNFINISHED}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(checkpoint.name)
    draft.replace(checkpoint.with_name(f"{name}{ENDING}"))


def remove(checkpoint: Path) -> None:
    """Remove one, if it is there; a folder first loses its name, so that none is half."""
    if not checkpoint.is_dir():
        checkpoint.unlink(missing_ok=True)
        return
    if not checkpoint.name.startswith("."):
        checkpoint = checkpoint.rename(checkpoint.with_name(f".{checkpoint.name}{UNFINISHED}"))
    shutil.rmtree(checkpoint)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
