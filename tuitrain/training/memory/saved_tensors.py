"""Counts what autograd keeps for the backward pass, without changing what it computes.

Knows tensors and nothing else.
"""

from collections.abc import Iterable
from types import TracebackType

import torch
from torch import Tensor


def storages_of(tensor: Tensor) -> list[torch.UntypedStorage]:
    """Return where a tensor's numbers lie: a sparse one has some for its indices too."""
    return [part.untyped_storage() for part in _dense_parts(tensor)]


def _dense_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    if tensor.layout == torch.sparse_coo:
        return tensor._values(), tensor._indices()
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.values(), tensor.crow_indices(), tensor.col_indices()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.values(), tensor.ccol_indices(), tensor.row_indices()
    return (tensor,)


def dense_numbers(tensor: Tensor) -> Tensor:
    """Return a tensor of all numbers that a tensor holds; a sparse one's zeros are left out."""
    return _dense_parts(tensor)[0]


def storage_key(tensor: Tensor) -> int:
    """Return what tells a tensor's storage from all others alive; views share it.

    A fake tensor has no address of data, so it is the address of the storage itself.
    """
    return int(storages_of(tensor)[0]._cdata)


def held_bytes(tensor: Tensor) -> int:
    """Return the bytes of a tensor's storages."""
    return sum(storage.nbytes() for storage in storages_of(tensor))


class _Kept:
    """A tensor that the graph holds; the graph's end is its own."""

    __slots__ = ("_counter", "key", "tensor")

    def __init__(self, tensor: Tensor, key: int | None, counter: "SavedTensorTracker") -> None:
        self.tensor, self.key, self._counter = tensor, key, counter

    def __del__(self) -> None:
        if self.key is not None:
            self._counter.drop(self.key)


class SavedTensorTracker:
    """Bytes of storages kept at a time, and the most there ever were; a context for one thread.

    Autograd gets each tensor back as it was, so results stay the same to the last bit.
    """

    def __init__(self, apart: Iterable[Tensor]) -> None:
        """Count all but the storages of `apart`: parameters, buffers, the data set."""
        self._apart = {storage_key(tensor) for tensor in apart}
        self._held: dict[int, tuple[int, int]] = {}
        """For each storage its bytes and how often it is kept."""
        self._bytes = self._peak_bytes = 0
        self._fault: BaseException | None = None
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, self._unpack)

    def __enter__(self) -> "SavedTensorTracker":
        self._hooks.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hooks.__exit__(kind, error, trace)

    @property
    def kept_bytes(self) -> int:
        """What is kept now."""
        return self._bytes

    @property
    def peak_bytes(self) -> int:
        """The most there ever were.

        Raises:
            Exception: what a tensor without a storage raised when it was to be counted.
        """
        if self._fault is not None:
            raise self._fault
        return self._peak_bytes

    def _pack(self, tensor: Tensor) -> _Kept:
        # What is raised here would be raised by the model's own operation.
        try:
            return _Kept(tensor, self._count(tensor), self)
        except BaseException as error:
            self._fault = self._fault or error
            return _Kept(tensor, None, self)

    def _count(self, tensor: Tensor) -> int:
        key = storage_key(tensor)
        size_bytes, times = self._held.get(key, (0, 0))
        if not times and key not in self._apart:
            size_bytes = held_bytes(tensor)
            self._bytes += size_bytes
            self._peak_bytes = max(self._peak_bytes, self._bytes)
        self._held[key] = (size_bytes, times + 1)
        return key

    @staticmethod
    def _unpack(kept: _Kept) -> Tensor:
        return kept.tensor

    def drop(self, key: int) -> None:
        """Count a storage once less."""
        size_bytes, times = self._held[key]
        if times > 1:
            self._held[key] = (size_bytes, times - 1)
            return
        del self._held[key]
        self._bytes -= size_bytes
