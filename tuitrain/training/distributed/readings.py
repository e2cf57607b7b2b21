"""What a rank reads of itself, once a second: its memory, its loaders', and its device.

The supervisor reads a machine's devices by their driver, which does not know of ranks, and only of
the machine that it is on.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import active_children

import psutil
import torch

from tuitrain.ranks import RankMemory

_EVERY_S = 1.0


class RankReadings:
    """Reads what the rank on a device holds."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.monotonic) -> None:
        self._device = device
        self._clock = clock
        self._process = psutil.Process()
        self._held = RankMemory()
        self._read_at = float("-inf")

    def read(self) -> RankMemory:
        """Return what was read, in the last second or now."""
        now = self._clock()
        if now >= self._read_at + _EVERY_S:
            self._read_at = now
            self._held = self._read()
        return self._held

    def _read(self) -> RankMemory:
        own = float(self._process.memory_info().rss)
        loaders = sum(_rss(child.pid) for child in active_children())
        if self._device.type != "cuda":
            return RankMemory(own, own, loaders)
        free, total = torch.cuda.mem_get_info(self._device)
        reserved = float(torch.cuda.memory_reserved(self._device))
        return RankMemory(
            reserved, own, loaders, float(total - free), float(total), self._temperature()
        )

    def _temperature(self) -> float:
        # Without NVML, and on cards that do not tell, there is none.
        with suppress(RuntimeError, ModuleNotFoundError, AttributeError, OSError):
            return float(torch.cuda.temperature(self._device))
        return 0.0


def _rss(pid: int | None) -> float:
    with suppress(psutil.Error):
        return float(psutil.Process(pid).memory_info().rss)
    return 0.0
