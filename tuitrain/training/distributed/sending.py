"""Sends a file of rank 0's to machines that have none like it: no shared disk is needed."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuitrain.errors import CheckpointError
from tuitrain.training.distributed.world import World

_CHUNK_BYTES = 32 << 20


@contextmanager
def at_hand(world: World, path: Path, folder: Path) -> Iterator[Path]:
    """Give the path at which this rank can read rank 0's file; all ranks do so together.

    Where all of them see the file itself, as on a shared disk, nothing is sent. What was sent is
    removed again in the end.

    Args:
        world: the ranks.
        path: of the file, as rank 0 has it.
        folder: takes the file on a machine that lacks it.

    Raises:
        CheckpointError: it is a folder that a machine does not see.
    """
    size = world.first(path.stat().st_size if world.leads and path.is_file() else 0)
    sees = path.is_file() and path.stat().st_size == size
    if all(world.gather(sees or path.is_dir())):
        yield path
        return
    if not size:
        raise CheckpointError(
            f"{path} is a folder with a part of each rank: several machines need it on a disk that "
            "all of them see"
        )
    copy = folder / path.name
    takes = not sees and not world.place.rank
    _send(world, path, copy if takes else None, size)
    world.gather(None)
    yield path if sees else copy
    world.gather(None)
    if takes:
        copy.unlink()


def is_seen_by_all(world: World, folder: Path) -> bool:
    """Return whether all ranks see rank 0's folder, as on a shared disk; all ask together.

    Args:
        world: the ranks.
        folder: as rank 0 has it.
    """
    mark = folder / f".seen-{secrets.token_hex(8)}"
    if world.leads:
        mark.touch()
    mark = world.first(mark)
    seen = all(world.gather(mark.is_file()))
    if world.leads:
        mark.unlink()
    return seen


def _send(world: World, path: Path, copy: Path | None, size: int) -> None:
    if copy is not None:
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy.write_bytes(b"")
    for offset in range(0, size, _CHUNK_BYTES):
        piece = world.first(_read(path, offset) if world.leads else b"")
        if copy is not None:
            with copy.open("ab") as file:
                file.write(piece)


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(_CHUNK_BYTES)
