"""A checkpoint that is a folder: each rank writes its part of what is sharded, one the rest.

For a state too large for the memory of one host. Parts are written and read by
torch.distributed.checkpoint, which can cut them for another number of ranks. Knows nested states
and folders; nothing of runs.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from tuitrain.errors import TrainingError
from tuitrain.training.checkpoints.saveable import Place, copy_nested, digest_state
from tuitrain.training.checkpoints.sharded import is_sharded, own_part

REST = "rest.pt"
"""All that is not sharded, with a tensor without numbers in the place of each that is."""
Files = dict[str, tuple[int, str]]
"""By name: how long a file is, and the sha256 of its content."""


@dataclass(frozen=True, slots=True)
class Written:
    """What all ranks have written of a checkpoint."""

    files: Files
    digest: str
    """Of the model's weights as they lie on the ranks, however they lie in the files."""


WriteParts = Callable[[Path], Written]
"""Writes into a folder."""
_MODEL = "model/"
"""What the weights' keys begin with."""

_Put = TypeVar("_Put")
_READERS = 8
_CHUNK_BYTES = 1 << 22


def sharded_bytes(state: Any) -> int:
    """Return the bytes of all that is sharded in a nested state, as if it were whole."""
    sharded = (tensor for _place, tensor in _tensors(state) if is_sharded(tensor))
    return sum(prod(tensor.shape) * tensor.dtype.itemsize for tensor in sharded)


def take_parts(state: Any) -> tuple[Any, dict[str, Tensor]]:
    """Return a state with tensors without numbers for what is sharded, and copies of this part.

    The copies are on the host, so that training can go on while they are written.
    """
    parts: dict[str, Tensor] = {}

    def take(tensor: Tensor, place: Place) -> Tensor:
        if not is_sharded(tensor):
            return tensor
        held = tensor.detach()
        parts[_key(place)] = held.cpu() if held.device.type != "cpu" else held.clone()
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")

    return copy_nested(state, take), parts


def write_parts(
    parts: Mapping[str, Tensor], folder: Path, group: "dist.ProcessGroup | None"
) -> Written:
    """Write this rank's part; all ranks do so together, and know what all have written.

    Args:
        parts: of this rank.
        folder: which the first rank has made.
        group: the ranks meet in, of the CPU's kind.

    Raises:
        OSError: one of the ranks could not write.
    """
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.filesystem import FileSystemWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    try:
        save(dict(parts), storage_writer=FileSystemWriter(folder), process_group=group)
    except CheckpointException as error:
        # It is no Exception, and holds those of all ranks.
        first = next(iter(error.failures.values()))[0]
        why = getattr(first, "strerror", None) or str(first)
        raise OSError(getattr(first, "errno", None) or 0, why) from error
    held: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(held, _own_of(parts, folder), group=group)
    if wrong := next((each for each in held if isinstance(each, str)), ""):
        raise OSError(0, wrong)
    found: Files = {name: entry for files, _digest in held for name, entry in files.items()}
    digest = hashlib.sha256(" ".join(digest for _files, digest in held).encode())
    return Written(found, digest.hexdigest())


def _own_of(parts: Mapping[str, Tensor], folder: Path) -> tuple[Files, str] | str:
    """Return this rank's files and the digest of its weights, or why they can't be read."""
    weights = {key: own_part(part) for key, part in parts.items() if key.startswith(_MODEL)}
    rank = dist.get_rank()
    listed = [*folder.glob(f"__{rank}_*"), *([] if rank else [folder / ".metadata"])]
    try:
        return _files(listed), digest_state(weights)
    except OSError as error:
        return f"rank {rank} can't read what it has written: {error}"


def wrong_file(folder: Path, files: Mapping[str, tuple[int, str]]) -> str:
    """Return what is wrong with one of a folder's files; empty: all are as they were written."""
    for name, (size, _digest) in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != size:
            return f"{name} has {path.stat().st_size:,} bytes instead of {size:,}"
    found = _files(folder / name for name in files)
    wrong = [name for name in files if found[name] != tuple(files[name])]
    return f"the checksum of {wrong[0]} is wrong" if wrong else ""


def read_parts(state: Any, saved: Any, folder: Path) -> None:
    """Give tensors the numbers that a folder holds.

    Args:
        state: nested; each tensor in it whose place in `saved` has no numbers is filled: one that
            is sharded with this rank's part, however many ranks have written it.
        saved: of the folder's rest, or a part of it.
        folder: the checkpoint.
    """
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.state_dict_loader import load

    missing = {_key(place) for place, tensor in _tensors(saved) if tensor.is_meta}
    wanted = {_key(place): tensor for place, tensor in _tensors(state)}
    targets = {key: tensor for key, tensor in wanted.items() if key in missing}
    with warnings.catch_warnings():
        # That no process group is used is what is wanted.
        warnings.filterwarnings("ignore", message=".*torch.distributed is ", category=UserWarning)
        load(cast(Any, targets), storage_reader=FileSystemReader(folder), no_dist=True)


def whole_state(saved: Any, folder: Path) -> Any:
    """Return a state with all its numbers, on the CPU."""

    def room(tensor: Tensor, _place: Place) -> Tensor:
        return torch.empty(tensor.shape, dtype=tensor.dtype) if tensor.is_meta else tensor

    state = copy_nested(saved, room)
    read_parts(state, saved, folder)
    return state


def _key(place: Place) -> str:
    return "/".join(map(str, place))


def _tensors(state: Any) -> Iterator[tuple[Place, Tensor]]:
    found: list[tuple[Place, Tensor]] = []

    def see(tensor: Tensor, place: Place) -> Tensor:
        found.append((place, tensor))
        return tensor

    copy_nested(state, see)
    yield from found


def _files(paths: Any) -> Files:
    """Return length and checksum of each; several are read at a time, as one is bound by a core."""
    listed = list(paths)
    with ThreadPoolExecutor(_READERS) as pool:
        return dict(zip((path.name for path in listed), pool.map(_measured, listed), strict=True))


def _measured(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


class PartsPolicy:
    """Whether each rank writes its part, and the group in which ranks meet for it.

    Its threads must not meet in a group that the loop uses at the same time.
    """

    def __init__(self, most_whole_bytes: float | None = None, missing: str = "") -> None:
        """Decide by size.

        Args:
            most_whole_bytes: of what is sharded, so much is still put together by rank 0; None:
                nothing is sharded.
            missing: why ranks can't write into one folder, where they can't.
        """
        self._most_bytes = most_whole_bytes
        self._missing = missing
        self._group: dist.ProcessGroup | None = None

    def take(self, state: Any) -> tuple[Any, dict[str, Tensor] | None]:
        """Return a state without the numbers of what ranks are to write, and this rank's parts.

        None for those where rank 0 writes all; the same on all ranks, which call it together.
        """
        if self._missing or not self._is_too_large(state):
            return state, None
        if self._group is None:
            self._group = cast(dist.ProcessGroup, dist.new_group(backend="gloo"))
        return take_parts(state)

    def require_place(self, state: Any) -> None:
        """Refuse a state that is too large for one file, and that ranks can't write in parts.

        Raises:
            TrainingError: the text says what is missing.
        """
        if self._missing and self._is_too_large(state):
            gib = sharded_bytes(state) / 2**30
            limit = cast(float, self._most_bytes) / 2**30
            raise TrainingError(
                f"checkpoint.one_file_gib = {limit:g}: the state of this run takes {gib:.3g} GiB, "
                f"so each rank is to write its part, but {self._missing}; take a folder of runs on "
                "a disk that all machines see, or a larger checkpoint.one_file_gib, for which "
                "node 0 needs the memory"
            )

    def _is_too_large(self, state: Any) -> bool:
        return self._most_bytes is not None and sharded_bytes(state) > self._most_bytes

    def lead(self, put: Callable[[WriteParts], _Put], parts: Mapping[str, Tensor]) -> _Put:
        """Do what puts a checkpoint in its place, with the ranks that `follow`.

        Args:
            put: makes the folder, calls what it is given to write into it, and names it.
            parts: of this rank, the first.

        Raises:
            OSError: one of the ranks could not write; the others wait for another try.
        """

        def write(folder: Path) -> Written:
            self._tell(True)
            return write_parts(parts, folder, self._group)

        try:
            found = put(write)
        except BaseException:
            # That there is no folder to write into, or that it is no checkpoint after all.
            self._tell(False)
            raise
        self._tell(True)
        return found

    def follow(self, parts: Mapping[str, Tensor], folder: Path, failed: Callable[[], None]) -> None:
        """Write this rank's parts as often as the first rank tries, until it has worked.

        Args:
            parts: of this rank.
            folder: that the first rank makes.
            failed: is called when a try has failed.
        """
        while True:
            if self._told():
                with suppress(OSError):
                    # The first rank comes to the same, and says so.
                    write_parts(parts, folder, self._group)
                if self._told():
                    return
            failed()

    def _tell(self, works: bool) -> None:
        dist.broadcast_object_list([works], src=0, group=self._group)

    def _told(self) -> bool:
        held: list[Any] = [None]
        dist.broadcast_object_list(held, src=0, group=self._group)
        return bool(held[0])
