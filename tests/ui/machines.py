"""Machines that stand still, so that screens show the same on every machine that tests run on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.ui.makers import NOW
from tuitrain.telemetry.machine import MachineReading
from tuitrain.ui.feeds.machine import MachineFeed

GIB = 1024**3
HOST = {
    "host/cpu_percent": 35.0, "host/memory_used_bytes": 24.0 * GIB,
    "host/memory_total_bytes": 96.0 * GIB, "host/swap_used_bytes": 0.5 * GIB,
    "host/swap_total_bytes": 8.0 * GIB, "host/shm_used_bytes": 0.2 * GIB,
    "host/shm_total_bytes": 48.0 * GIB, "host/disk_free_bytes": 700.0 * GIB,
    "host/disk_total_bytes": 1800.0 * GIB, "host/disk_read_bytes_per_s": 3.1e6,
    "host/disk_write_bytes_per_s": 0.2e6, "host/net_received_bytes_per_s": 48e3,
    "host/net_sent_bytes_per_s": 12e3, "host/load_1min": 5.6,
}  # fmt: skip
CORES = (98.0, 61.0, 12.0, 4.0, 0.0, 33.0, 77.0, 21.0, 50.0, 5.0, 2.0, 0.0, 100.0, 8.0, 3.0, 1.0)
FACTS: dict[str, Any] = {
    "driver": "", "trouble": "", "gpus": [], "host": {"cores": 16, "limited": False},
}  # fmt: skip


class Still:
    """A machine that gives its readings one after the other, then the last one again and again."""

    def __init__(self, *readings: MachineReading) -> None:
        self._readings = list(readings)
        self.reads = 0
        self.closed = False

    def read(self) -> MachineReading:
        self.reads += 1
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]

    def close(self) -> None:
        self.closed = True


def host_alone() -> MachineReading:
    return MachineReading(HOST, FACTS, CORES)


def row(pid: int, user: str, command: str, gib: float, age_s: float = 3600.0) -> dict[str, Any]:
    return {
        "pid": pid, "user": user, "command": command, "bytes": int(gib * GIB),
        "started": NOW - age_s, "is_worker": False,
    }  # fmt: skip


def gpu_facts(index: int, *rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "index": index, "name": "NVIDIA H100 80GB HBM3", "uuid": f"GPU-{index}", "pci": None,
        "temperature_limit_c": 87, "mig": None, "throttle": [], "processes": list(rows),
        "errors": [], **changes,
    }  # fmt: skip


def gpu_samples(index: int, used_gib: float, busy: float, watts: float = 90.0) -> dict[str, float]:
    prefix = f"gpu{index}"
    return {
        f"{prefix}/memory_used_bytes": used_gib * GIB, f"{prefix}/memory_total_bytes": 80.0 * GIB,
        f"{prefix}/memory_reserved_bytes": 0.6 * GIB, f"{prefix}/utilization_percent": busy,
        f"{prefix}/power_w": watts, f"{prefix}/power_limit_w": 700.0,
        f"{prefix}/temperature_c": 30.0 + busy / 3, f"{prefix}/throttled": 0.0,
        f"{prefix}/sm_clock_mhz": 1980.0, f"{prefix}/memory_clock_mhz": 2619.0,
    }  # fmt: skip


def with_gpus(gpus: Sequence[dict[str, Any]], *samples: dict[str, float]) -> MachineReading:
    facts = {**FACTS, "driver": "580.65", "gpus": list(gpus)}
    return MachineReading({**HOST, **{k: v for each in samples for k, v in each.items()}},
                          facts, CORES)  # fmt: skip


class StillFeed(MachineFeed):
    """A feed that has taken all of its readings, and hands on the last one."""

    _spent = False

    def spend(self, readings: int) -> None:
        """Take so many readings, the last one with runs and all that a screen may ask for."""
        for _ in range(readings - 1):
            self.poll()
        stop = self.listen(lambda _seen: None, runs=True)
        self.poll()
        stop()
        self._spent = True

    def poll(self) -> None:
        if not self._spent:
            super().poll()
        for deliver in self._listeners if self._spent else ():
            deliver(self.latest)


def still_feed(root: Path, *readings: MachineReading) -> MachineFeed:
    """Return a feed over a machine that stands still; with nothing else, a host without GPUs.

    The runs that live are those of the moment at which this is called.
    """
    still = Still(*(readings or (host_alone(),)))
    feed = StillFeed(root, host="gpu-box-7", open_machine=lambda _root: still, clock=lambda: NOW)
    feed.spend(max(1, len(readings)))
    return feed
