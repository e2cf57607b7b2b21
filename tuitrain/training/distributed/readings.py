"""What a rank reads of itself, once a second: its memory, its loaders', and its device.

The supervisor reads a machine's devices by their driver, which does not know of ranks, and only of
the machine that it is on.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import active_children

import psutil
import torch

_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a rank takes, in bytes, and how warm its device is; 0: not known, or there is none."""

    memory_bytes: float = 0.0
    """Of its GPU, as torch has reserved it; on CPUs what its process has in memory."""
    host_bytes: float = 0.0
    """What its process has in memory (RSS)."""
    loader_bytes: float = 0.0
    """The same of its loaders; pages that they share count in each."""
    device_used_bytes: float = 0.0
    """By all who are on its GPU."""
    device_total_bytes: float = 0.0
    temperature_c: float = 0.0

    def numbers(self) -> tuple[float, ...]:
        """Return it as numbers, in the order of `HELD`."""
        return tuple(getattr(self, name) for name in HELD)


HELD = tuple(Held.__dataclass_fields__)
"""The names under which they are stored."""


class RankReadings:
    """Reads what the rank on a device holds."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.monotonic) -> None:
        self._device = device
        self._clock = clock
        self._process = psutil.Process()
        self._held = Held()
        self._read_at = float("-inf")

    def read(self) -> Held:
        """Return what was read, in the last second or now."""
        now = self._clock()
        if now >= self._read_at + _EVERY_S:
            self._read_at = now
            self._held = self._read()
        return self._held

    def _read(self) -> Held:
        own = float(self._process.memory_info().rss)
        loaders = sum(_rss(child.pid) for child in active_children())
        if self._device.type != "cuda":
            return Held(own, own, loaders)
        free, total = torch.cuda.mem_get_info(self._device)
        reserved = float(torch.cuda.memory_reserved(self._device))
        return Held(reserved, own, loaders, float(total - free), float(total), self._temperature())

    def _temperature(self) -> float:
        # Without NVML, and on cards that do not tell, there is none.
        with suppress(RuntimeError, ModuleNotFoundError, AttributeError, OSError):
            return float(torch.cuda.temperature(self._device))
        return 0.0


def _rss(pid: int | None) -> float:
    with suppress(psutil.Error):
        return float(psutil.Process(pid).memory_info().rss)
    return 0.0
