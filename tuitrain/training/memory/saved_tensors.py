"""Counts what autograd keeps for the backward pass, without changing what it computes.

Knows tensors and nothing else.
"""

from collections.abc import Iterable
from types import TracebackType

import torch
from torch import Tensor


def storage_key(tensor: Tensor) -> int:
    """Return what tells a tensor's storage from all others alive; views share it.

    A fake tensor has no address of data, so it is the address of the storage itself.
    """
    return int(tensor.untyped_storage()._cdata)


class _Kept:
    """A tensor that the graph holds; the graph's end is its own."""

    __slots__ = ("_counter", "key", "tensor")

    def __init__(self, tensor: Tensor, key: int, counter: "SavedTensorTracker") -> None:
        self.tensor, self.key, self._counter = tensor, key, counter

    def __del__(self) -> None:
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
        self._bytes = 0
        self.peak_bytes = 0
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

    def _pack(self, tensor: Tensor) -> _Kept:
        key = storage_key(tensor)
        size_bytes, times = self._held.get(key, (0, 0))
        if not times and key not in self._apart:
            size_bytes = tensor.untyped_storage().nbytes()
            self._bytes += size_bytes
            self.peak_bytes = max(self.peak_bytes, self._bytes)
        self._held[key] = (size_bytes, times + 1)
        return _Kept(tensor, key, self)

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
