"""What fills a memory: parts that add up exactly to what the driver, or the kernel, says it has.

From readings and facts to parts, as values; names are as the driver told them, not yet harmless.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tuitrain.messages import Environment

FREE = "free"
NOT_TOLD = "unknown"


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """One part of a memory."""

    name: str
    bytes: int
    owners: tuple[tuple[str, int], ...] = ()
    """Whose it is, where that is known: user and bytes, those with most of it first."""
    processes: int = 0
    """How many share it, where that is known."""


@dataclass(frozen=True, slots=True)
class MemoryBreakdown:
    """A memory, and what fills it."""

    prefix: str
    """Of its readings: gpu0, gpu0/mig1, host."""
    title: str
    total_bytes: int
    parts: tuple[MemoryPart, ...]
    """In the order shown; what is free comes last. Their sum is the total."""

    @property
    def used_bytes(self) -> int:
        """Everything but what is free."""
        return self.total_bytes - self.part(FREE)

    def part(self, name: str) -> int:
        """Return the size of a part; 0 where there is none."""
        return sum(part.bytes for part in self.parts if part.name == name)


def memory_breakdowns(
    samples: Mapping[str, float], devices: Mapping[str, Any], training: str | None
) -> list[MemoryBreakdown]:
    """Return what fills each GPU and slice that the driver tells a total of, then the host's.

    Args:
        samples: latest readings by name.
        devices: facts as `telemetry` gives them.
        training: prefix of the device that the worker trains on; None: none, or not known.
    """
    bars = []
    for gpu in gpu_facts(samples, devices):
        prefix = f"gpu{gpu['index']}"
        slices = gpu.get("mig") or []
        if not slices:
            bars.append(_gpu_breakdown(samples, gpu, prefix, _title(gpu), training == prefix))
        for part in slices:
            own = f"{prefix}/mig{part['index']}"
            title = f"GPU {gpu['index']} slice {part['index']}: {part['profile']}"
            bars.append(_gpu_breakdown(samples, part, own, title, training == own))
    limited = bool((devices.get("host") or {}).get("limited"))
    bars.append(host_breakdown(samples, "host, this job's share" if limited else "host"))
    return [bar for bar in bars if bar is not None]


def gpu_facts(samples: Mapping[str, float], devices: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the facts of each GPU; of one that has only readings, its number."""
    known = {gpu["index"]: dict(gpu) for gpu in devices.get("gpus") or ()}
    for name in samples:
        number = name.partition("/")[0].removeprefix("gpu")
        if name.startswith("gpu") and number.isdigit():
            known.setdefault(int(number), {"index": int(number)})
    return [known[index] for index in sorted(known)]


def _title(gpu: Mapping[str, Any]) -> str:
    name = str(gpu.get("name") or "").removeprefix("NVIDIA ").removeprefix("AMD ")
    numbered = f"GPU {gpu['index']}"
    return numbered if name in ("", numbered) else f"{numbered} {name}"


def _gpu_breakdown(
    samples: Mapping[str, float], facts: Mapping[str, Any], prefix: str, title: str, here: bool
) -> MemoryBreakdown | None:
    total = _bytes(samples, f"{prefix}/memory_total_bytes")
    used = _bytes(samples, f"{prefix}/memory_used_bytes")
    if total is None or used is None:
        return None
    room = _Room(total)
    driver = room.take(_bytes(samples, f"{prefix}/memory_reserved_bytes"))
    inside = _Room(room.take(used))
    free = room.left
    told = inside.worker_parts(
        _bytes(samples, f"{prefix}/worker_bytes"),
        _bytes(samples, "torch/reserved_bytes") if here else None,
        _bytes(samples, "torch/allocated_bytes") if here else None,
    )
    others = inside.take(_bytes(samples, f"{prefix}/others_bytes"))
    sizes = {**told, "others": others, NOT_TOLD: inside.left, "driver": driver, FREE: free}
    who = owners(facts.get("processes") or ())
    return MemoryBreakdown(prefix, title, total, _parts(sizes, others=who))


class _Room:
    """Room that is shared out part by part: readings of different moments may not fit together."""

    def __init__(self, size_bytes: int) -> None:
        self.left = size_bytes

    def take(self, size_bytes: int | None) -> int:
        """Return as much of it as there is room for."""
        taken = min(size_bytes or 0, self.left)
        self.left -= taken
        return taken

    def worker_parts(
        self, worker: int | None, reserved: int | None, allocated: int | None
    ) -> dict[str, int]:
        """Return the parts of the worker's memory, as far as they are told."""
        if reserved is None or allocated is None:
            return {"worker": self.take(worker)}
        held = reserved if worker is None else min(reserved, worker)
        tensors = self.take(min(allocated, held))
        cached = self.take(max(0, held - allocated))
        context = self.take(0 if worker is None else worker - held)
        return {"tensors": tensors, "cached": cached, "context": context}


def host_breakdown(samples: Mapping[str, float], title: str = "host") -> MemoryBreakdown | None:
    """Return the machine's memory, or what a job may have of it; None without readings of it."""
    total = _bytes(samples, "host/memory_total_bytes")
    used = _bytes(samples, "host/memory_used_bytes")
    if total is None or used is None:
        return None
    room = _Room(total)
    inside = _Room(room.take(used))
    worker = _bytes(samples, "host/main_rss_bytes")
    if worker is None:
        worker = _bytes(samples, "host/worker_rss_bytes")
    ranks = int(samples.get("host/ranks") or 0)
    sizes = {
        **({"ranks": inside.take(_bytes(samples, "host/ranks_rss_bytes"))} if ranks else {}),
        # Beside ranks the worker is an agent: it starts them and trains nothing.
        ("agent" if ranks else "worker"): inside.take(worker),
        "loaders": inside.take(_bytes(samples, "host/loaders_rss_bytes")),
        "others": inside.left,
        FREE: room.left,
    }
    loaders = int(samples.get("host/loaders") or 0)
    processes = {"ranks": ranks, "loaders": loaders}
    return MemoryBreakdown("host", title, total, _parts(sizes, processes=processes))


def _parts(
    sizes: Mapping[str, int],
    others: tuple[tuple[str, int], ...] = (),
    processes: Mapping[str, int] = MappingProxyType({}),
) -> tuple[MemoryPart, ...]:
    return tuple(
        MemoryPart(
            name,
            size,
            owners=others if name == "others" else (),
            processes=processes.get(name, 0),
        )
        for name, size in sizes.items()
        if size or name == FREE
    )


def owners(processes: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, int], ...]:
    """Return who uses a memory beside the run, and how much, those with most of it first."""
    sums: dict[str, int] = {}
    for row in processes:
        if not row["is_worker"] and row["bytes"]:
            user = str(row["user"] or f"process {row['pid']}")
            sums[user] = sums.get(user, 0) + int(row["bytes"])
    return tuple(sorted(sums.items(), key=lambda item: -item[1]))


def _bytes(samples: Mapping[str, float], name: str) -> int | None:
    value = samples.get(name)
    return None if value is None or not math.isfinite(value) or value < 0 else int(value)


# --- which of them the worker trains on -------------------------------------------------------


def training_device(
    device: str | None,
    environment: Environment,
    samples: Mapping[str, float],
    devices: Mapping[str, Any],
) -> str | None:
    """Return the prefix of the GPU or slice that the worker trains on; None: none, or not known.

    The worker counts GPUs by CUDA_VISIBLE_DEVICES, the driver by their place in the machine: what
    they share is the UUID and the place on the PCI bus. Where neither is told, it is the one that
    the worker's processes are on, or the only one there is.

    Args:
        device: what the worker calls it: cuda:0.
        environment: the worker's facts.
        samples: latest readings by name.
        devices: facts as `telemetry` gives them.
    """
    if not (device or "").startswith("cuda"):
        return None
    places = list(_places(samples, devices))
    uuid, pci = _uuid(environment.device_uuid), _pci(environment.device_pci)
    matches = (
        [prefix for prefix, facts in places if uuid and _uuid(facts.get("uuid")) == uuid],
        [prefix for prefix, facts in places if pci and _pci(facts.get("pci")) == pci],
        [prefix for prefix, _facts in places if samples.get(f"{prefix}/worker_bytes")],
        [prefix for prefix, _facts in places],
    )
    return next((found[0] for found in matches if len(found) == 1), None)


def _places(
    samples: Mapping[str, float], devices: Mapping[str, Any]
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield prefix and facts of each GPU that is not cut up, and of each slice."""
    for gpu in gpu_facts(samples, devices):
        slices: Sequence[Mapping[str, Any]] = gpu.get("mig") or ()
        if not slices:
            yield f"gpu{gpu['index']}", gpu
        for part in slices:
            yield f"gpu{gpu['index']}/mig{part['index']}", {**part, "pci": gpu.get("pci")}


def _uuid(value: Any) -> str:
    return str(value or "").lower().removeprefix("gpu-").removeprefix("mig-")


def _pci(value: Any) -> tuple[int, ...] | None:
    """Return domain, bus and device as numbers: makers write them with more or fewer digits."""
    fields = str(value or "").partition(".")[0].split(":")
    try:
        return tuple(int(field, 16) for field in fields) if len(fields) == 3 else None
    except ValueError:
        return None
