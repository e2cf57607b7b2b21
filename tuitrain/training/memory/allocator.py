"""What a device's allocator holds and has left: torch's own, or for a CPU the machine's memory.

Never waits for the device. Knows nothing of models or batches.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Protocol

import psutil
import torch

from tuitrain.config.schema import Preset
from tuitrain.messages import MemoryBlock

_MOST_BLOCKS = 12
_READINGS = {
    "torch/allocated_bytes": "allocated_bytes.all.current",
    "torch/reserved_bytes": "reserved_bytes.all.current",
    "torch/inactive_split_bytes": "inactive_split_bytes.all.current",
    "torch/retries": "num_alloc_retries",
    "torch/ooms": "num_ooms",
}
_PEAKS = {
    "torch/peak_allocated_bytes": "allocated_bytes.all.peak",
    "torch/peak_reserved_bytes": "reserved_bytes.all.peak",
}


@dataclass(frozen=True, slots=True)
class Holding:
    """Who has how much of a device's memory; None where that can't be known."""

    free_bytes: int | None
    total_bytes: int | None
    allocated_bytes: int | None = None
    """In tensors of this process."""
    reserved_bytes: int | None = None
    """Taken from the driver by this process's allocator, tensors included."""
    fragmented_bytes: int | None = None
    """Free pieces of blocks that are in use in part: they serve smaller requests only."""

    @property
    def others_bytes(self) -> int | None:
        """What other processes, and the context and libraries of this one, hold."""
        if self.free_bytes is None or self.total_bytes is None or self.reserved_bytes is None:
            return None
        return max(0, self.total_bytes - self.free_bytes - self.reserved_bytes)

    @property
    def room_bytes(self) -> int | None:
        """What this process could still fill, once its allocator has no fragments."""
        if self.free_bytes is None:
            return None
        return self.free_bytes + (self.reserved_bytes or 0) - (self.allocated_bytes or 0)


class Allocator(Protocol):
    """A device's memory as one process sees it."""

    measures_peak: bool
    """Whether `peak_bytes` is known."""

    def readings(self) -> dict[str, float]:
        """Return what to record, by name; peaks are those since the call before."""
        ...

    def holding(self) -> Holding:
        """Return who has how much now."""
        ...

    def begin_peak(self) -> None:
        """Measure the peak from now on."""
        ...

    def peak_bytes(self) -> int | None:
        """Return the most that tensors took since `begin_peak`."""
        ...

    def release(self) -> None:
        """Give what is cached back to the driver."""
        ...

    def blocks(self) -> list[MemoryBlock]:
        """Return the largest live blocks: bytes, count, and where they were asked for."""
        ...

    def summary(self) -> str:
        """Return the allocator's own account, for who wants to read all of it."""
        ...


class CudaAllocator:
    """torch's caching allocator on an NVIDIA or AMD device."""

    measures_peak = True

    def __init__(self, device: torch.device, cuda: Any = torch.cuda) -> None:
        """Read `device` through `cuda`, which is torch's module or a stand-in for it."""
        self._device = device
        self._cuda = cuda
        self._peaks: dict[str, float] = {}

    def readings(self) -> dict[str, float]:
        """Return what the allocator counts: plain numbers on the host."""
        stats = self._cuda.memory_stats(self._device)
        peaks = self._highest(stats)
        self._peaks = {}
        self._cuda.reset_peak_memory_stats(self._device)
        return {name: float(stats.get(key, 0)) for name, key in _READINGS.items()} | peaks

    def _highest(self, stats: Mapping[str, Any]) -> dict[str, float]:
        """Return the peaks since the last readings, those before a reset in between included."""
        return {
            name: max(float(stats.get(key, 0)), self._peaks.get(name, 0.0))
            for name, key in _PEAKS.items()
        }

    def holding(self) -> Holding:
        """Ask the driver and the allocator."""
        free_bytes, total_bytes = self._cuda.mem_get_info(self._device)
        stats = self._cuda.memory_stats(self._device)
        return Holding(
            free_bytes=int(free_bytes),
            total_bytes=int(total_bytes),
            allocated_bytes=int(stats.get("allocated_bytes.all.current", 0)),
            reserved_bytes=int(stats.get("reserved_bytes.all.current", 0)),
            fragmented_bytes=int(stats.get("inactive_split_bytes.all.current", 0)),
        )

    def begin_peak(self) -> None:
        """Reset the peak, and keep the one before for the next readings."""
        self._peaks = self._highest(self._cuda.memory_stats(self._device))
        self._cuda.reset_peak_memory_stats(self._device)

    def peak_bytes(self) -> int:
        """Return the peak of what tensors took."""
        stats = self._cuda.memory_stats(self._device)
        return int(stats.get("allocated_bytes.all.peak", 0))

    def release(self) -> None:
        """Empty the cache."""
        self._cuda.empty_cache()

    def blocks(self) -> list[MemoryBlock]:
        """Return the largest blocks that tensors take, with the line that asked where recorded."""
        return largest_blocks(self._cuda.memory._snapshot(self._device)["segments"])

    def summary(self) -> str:
        """Return torch's table."""
        return str(self._cuda.memory_summary(self._device))


class MetalAllocator:
    """torch's allocator on an Apple GPU, whose memory is the machine's."""

    measures_peak = False

    def __init__(self, mps: Any = torch.mps) -> None:
        """Read through `mps`, which is torch's module or a stand-in for it."""
        self._mps = mps

    def readings(self) -> dict[str, float]:
        """Return the two numbers that there are."""
        return {
            "torch/allocated_bytes": float(self._mps.current_allocated_memory()),
            "torch/reserved_bytes": float(self._mps.driver_allocated_memory()),
        }

    def holding(self) -> Holding:
        """Return what Metal recommends as the most, and what this process has of it."""
        total_bytes = int(self._mps.recommended_max_memory())
        reserved_bytes = int(self._mps.driver_allocated_memory())
        return Holding(
            free_bytes=max(0, total_bytes - reserved_bytes),
            total_bytes=total_bytes,
            allocated_bytes=int(self._mps.current_allocated_memory()),
            reserved_bytes=reserved_bytes,
        )

    def begin_peak(self) -> None:
        """There is no peak to reset."""

    def peak_bytes(self) -> None:
        """Metal's allocator keeps no peak."""
        return

    def release(self) -> None:
        """Empty the cache."""
        self._mps.empty_cache()

    def blocks(self) -> list[MemoryBlock]:
        """Metal's allocator lists no blocks."""
        return []

    def summary(self) -> str:
        """Metal's allocator has no table."""
        return ""


class HostAllocator:
    """The machine's memory; what the worker takes of it the supervisor reads."""

    measures_peak = False

    def readings(self) -> dict[str, float]:
        """Return nothing: no allocator keeps count."""
        return {}

    def holding(self) -> Holding:
        """Return what is left, for the machine or below this process's own limit."""
        memory = psutil.virtual_memory()
        return Holding(min(memory.available, _below_limit()), memory.total)

    def begin_peak(self) -> None:
        """There is no peak to reset."""

    def peak_bytes(self) -> None:
        """No allocator keeps a peak."""
        return

    def release(self) -> None:
        """Freed memory needs no giving back."""

    def blocks(self) -> list[MemoryBlock]:
        """No allocator lists blocks."""
        return []

    def summary(self) -> str:
        """No allocator has a table."""
        return ""


def _below_limit() -> int:
    """Return what is left of the address space that this process may have (`ulimit -v`)."""
    import resource
    import sys

    limit, _hard = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(0, limit - psutil.Process().memory_info().vms)


def largest_blocks(segments: Sequence[Mapping[str, Any]]) -> list[MemoryBlock]:
    """Return the largest live blocks of a snapshot, equal ones from one line as one entry."""
    found = Counter(
        (int(block["size"]), _origin(block.get("frames", ())))
        for segment in segments
        for block in segment["blocks"]
        if block["state"] == "active_allocated"
    )
    ranked = sorted(found.items(), key=lambda item: item[0][0] * item[1], reverse=True)
    return [
        MemoryBlock(size_bytes, number, where)
        for (size_bytes, where), number in ranked[:_MOST_BLOCKS]
    ]


def _origin(frames: Sequence[Mapping[str, Any]]) -> str:
    """Return the innermost line outside torch; empty where no lines were recorded."""
    lines = [frame for frame in frames if str(frame["filename"]).endswith(".py")]
    own = [frame for frame in lines if "torch" not in PurePath(frame["filename"]).parts]
    for frame in (*own, *lines):
        return f"{frame['filename']}:{frame['line']} {frame['name']}"
    return ""


def find_allocator(device: torch.device) -> Allocator:
    """Return the allocator of a run's device."""
    if device.type == "cuda":
        return CudaAllocator(device)
    return MetalAllocator() if device.type == "mps" else HostAllocator()


def record_history(preset: Preset, device: torch.device, cuda: Any = torch.cuda) -> None:
    """Let the allocator note the line that asked for each live block, where the preset says so.

    Only live blocks are kept track of ("state"), so what it takes does not grow with the run.
    """
    if preset.train.memory_history and device.type == "cuda":
        cuda.memory._record_memory_history(enabled="state", context="state", stacks="python")
