"""The places of a box: its GPUs, or as many slots as somebody says; and which are free.

A GPU is free when NVML's readings have said so for half a minute and nobody holds its lease; one
that a run has just given back is free at the first reading that says so.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tuitrain.errors import UsageError
from tuitrain.supervisor.queueing.leases import released_at, tenant_of
from tuitrain.supervisor.queueing.wish import Wish

SETTLED_S = 30.0
"""A script that ends and starts again, and a notebook between two cells, are back within this."""
EMPTY_SHARE = 0.05
"""Less of its memory in use is the driver's own, or a desktop's."""


class GpuReader(Protocol):
    """Reads the GPUs, as `GpuSampler` does."""

    def read(self, family: Collection[int] = ()) -> Mapping[str, float]:
        """Return readings by name."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return what is known beside the readings."""
        ...

    def close(self) -> None:
        """Let go of the driver."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """One place as it was read last."""

    name: str
    """Of its lease."""
    title: str
    """For a person: GPU 2, slot 1."""
    device: str = ""
    """For CUDA_VISIBLE_DEVICES; empty for a slot."""
    total_bytes: float = 0.0
    used_bytes: float = 0.0
    processes: tuple[Mapping[str, Any], ...] = ()
    """pid, user, command and bytes of each that computes there."""

    def suits(self, wish: Wish) -> bool:
        """Return whether its memory is as a run wishes now; of a slot it always is."""
        if not self.device:
            return True
        if wish.memory_bytes:
            return self.total_bytes - self.used_bytes >= wish.memory_bytes
        return not self.processes and self.used_bytes < EMPTY_SHARE * self.total_bytes


class Places(Protocol):
    """What there is to wait for."""

    def look(self) -> None:
        """Read anew."""
        ...

    def all(self) -> list[Place]:
        """Return every place as it was read last."""
        ...

    def free(self, wish: Wish) -> list[str]:
        """Return the names of those that are free for a wish, the best first."""
        ...

    def check(self, wish: Wish) -> None:
        """Refuse what can never be had here."""
        ...

    def close(self) -> None:
        """Let go of what was opened."""
        ...


class Slots:
    """A box as a number of equal slots."""

    def __init__(self, folder: Path, number: int) -> None:
        """Count the box as `number` slots, whose leases lie in `folder`."""
        self._folder = folder
        self._places = [Place(f"slot-{i}", f"slot {i}") for i in range(1, number + 1)]

    def look(self) -> None:
        """Do nothing: the leases say all."""

    def all(self) -> list[Place]:
        """Return every slot."""
        return self._places

    def free(self, wish: Wish) -> list[str]:
        """Return the names of those that nobody holds."""
        del wish
        names = [place.name for place in self._places]
        return [name for name in names if tenant_of(self._folder, name) is None]

    def check(self, wish: Wish) -> None:
        """Refuse more than there are.

        Raises:
            UsageError: there are fewer slots.
        """
        if wish.places > len(self._places):
            raise UsageError(f"{wish.places} slots were asked for, there are {len(self._places)}")

    def close(self) -> None:
        """Do nothing."""


class GpuPlaces:
    """The GPUs of a box, or the instances of those that are cut into some (MIG)."""

    def __init__(
        self,
        folder: Path,
        gpus: GpuReader,
        *,
        environ: Mapping[str, str] = os.environ,
        steady: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Begin to look.

        Args:
            folder: where the leases lie.
            gpus: reads them.
            environ: CUDA_VISIBLE_DEVICES leaves out GPUs.
            steady: seconds, for how long one has been free.
            wall: seconds since the epoch, for when a lease ended.
        """
        self._folder = folder
        self._gpus = gpus
        self._visible = [
            each for each in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if each
        ]
        self._steady = steady
        self._wall = wall
        self._places: dict[str, Place] = {}
        self._readings: dict[str, list[tuple[float, Place]]] = {}

    def look(self) -> None:
        """Read the GPUs anew."""
        now = self._steady()
        readings = self._gpus.read()
        found = {place.name: place for place in _read_places(readings, self._gpus.facts())}
        self._places = {k: v for k, v in found.items() if self._is_visible(v)}
        before = self._readings
        self._readings = {
            name: [*_recent(before.get(name, ()), now), (now, place)]
            for name, place in self._places.items()
        }

    def _is_visible(self, place: Place) -> bool:
        index = place.title.removeprefix("GPU ").partition(" ")[0]
        return not self._visible or any(
            each == index or place.device.startswith(each) for each in self._visible
        )

    def all(self) -> list[Place]:
        """Return every GPU as it was read last."""
        return list(self._places.values())

    def free(self, wish: Wish) -> list[str]:
        """Return the names of those that are free, those with least of their memory used first."""
        free = [p for p in self._places.values() if p.suits(wish) and self._has_settled(p, wish)]
        free = [place for place in free if tenant_of(self._folder, place.name) is None]
        return [place.name for place in sorted(free, key=lambda place: place.used_bytes)]

    def _has_settled(self, place: Place, wish: Wish) -> bool:
        if 0 <= self._wall() - released_at(self._folder, place.name) <= SETTLED_S:
            return True
        readings = self._readings[place.name]
        long_enough = readings[-1][0] - readings[0][0] >= SETTLED_S
        return long_enough and all(each.suits(wish) for _at, each in readings)

    def check(self, wish: Wish) -> None:
        """Refuse what no GPU here can ever give.

        Raises:
            UsageError: there are too few GPUs, or too few so large.
        """
        large = [p for p in self._places.values() if p.total_bytes >= wish.memory_bytes]
        if len(large) < wish.places:
            what = f" with {wish.memory_bytes / 1024**3:.3g} GiB" if wish.memory_bytes else ""
            raise UsageError(
                f"{wish.places} GPU{'s' if wish.places > 1 else ''}{what} asked for; this box has "
                f"{len(large)} such of {len(self._places)} that are visible"
            )

    def close(self) -> None:
        """Let go of the driver."""
        self._gpus.close()


def _recent(readings: Collection[tuple[float, Place]], now: float) -> list[tuple[float, Place]]:
    """Return the readings of the last half minute, and the one before them."""
    old = [each for each in readings if each[0] <= now - SETTLED_S]
    return [*old[-1:], *(each for each in readings if each[0] > now - SETTLED_S)]


def _read_places(readings: Mapping[str, float], facts: Mapping[str, Any]) -> Iterator[Place]:
    for gpu in facts["gpus"]:
        title, prefix = f"GPU {gpu['index']}", f"gpu{gpu['index']}"
        parts = [(gpu, prefix, title)]
        if gpu["mig"] is not None:
            parts = [
                (part, f"{prefix}/mig{part['index']}", f"{title} {part['profile']}")
                for part in gpu["mig"]
            ]
        for part in parts:
            yield from _place(readings, *part)


def _place(
    readings: Mapping[str, float], facts: Mapping[str, Any], prefix: str, title: str
) -> Iterator[Place]:
    total = readings.get(f"{prefix}/memory_total_bytes")
    # A GPU that is lost, or does not tell its memory, is no place to wait for.
    if facts["uuid"] and total:
        used = readings[f"{prefix}/memory_used_bytes"]
        name, processes = f"gpu-{facts['uuid']}", tuple(facts["processes"])
        yield Place(name, title, facts["uuid"], total, used, processes)


def open_places(folder: Path, slots: int, default_slots: int) -> Places:
    """Return what there is to wait for on this box.

    Args:
        folder: where the leases lie.
        slots: the box counts as so many; 0: its GPUs are meant.
        default_slots: how many slots a box without GPUs has.

    Raises:
        UsageError: the box has GPUs that can't be leased.
    """
    if slots:
        return Slots(folder, slots)
    from tuitrain.telemetry.gpu import GpuSampler
    from tuitrain.telemetry.owners import Owners

    gpus = GpuSampler(owners=Owners())
    facts = gpus.facts()
    if facts["trouble"]:
        raise UsageError(f"--when-free can't tell which GPU is free: {facts['trouble']}")
    if facts["gpus"]:
        places = GpuPlaces(folder, gpus)
        places.look()
        return places
    gpus.close()
    _refuse_other_makers()
    return Slots(folder, default_slots)


def _refuse_other_makers() -> None:
    from tuitrain.telemetry.amd import AmdSampler

    amd = AmdSampler()
    found = len(amd.facts()["gpus"])
    amd.close()
    if found:
        raise UsageError(
            f"--when-free leases NVIDIA's GPUs, and this box has {found} of AMD's: "
            "--slots N counts the box as so many slots instead"
        )
