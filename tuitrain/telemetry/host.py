"""The worker's processes and the machine: memory, CPU, disk and network, through psutil.

Resident memory (RSS) is cheap to read but counts a page that forked loaders share with the worker
in each of them; telling those apart takes 36 ms a process. Knows nothing of GPUs or of runs.
"""

import contextlib
import shutil
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import psutil

from tuitrain.telemetry.cgroup import Usage, find_limit

_SHARED_MEMORY = Path("/dev/shm")


class HostSampler:
    """Reads what the worker and all it started use; a first reading of CPU use is 0."""

    def __init__(
        self,
        worker_pid: int,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        ranks: Callable[[], Collection[int]] = tuple,
    ) -> None:
        """Begin to read.

        Args:
            worker_pid: its children are its loaders, but for ranks.
            folder: whose disk is read; None: none.
            clock: seconds, for rates.
            ranks: returns the processes that train, where they are not the worker itself.
        """
        self._worker_pid = worker_pid
        self._ranks = ranks
        self._folder = folder
        self._clock = clock
        self._processes: dict[int, psutil.Process] = {}
        self._counters: tuple[float, dict[str, float]] | None = None
        self._limit = find_limit(psutil.virtual_memory().total)
        # The first call of each begins to count.
        psutil.cpu_percent()
        self._rates()

    @property
    def family(self) -> frozenset[int]:
        """The worker and its children, as last read."""
        return frozenset(self._processes)

    def read(self) -> Mapping[str, float]:
        """Return readings by name; a worker that has gone reads as 0."""
        return {
            **self._workers(),
            "host/cpu_percent": psutil.cpu_percent(),
            **self._memory(),
            **_swap(),
            **_usage("shm", _SHARED_MEMORY),
            **self._disk(),
            **self._rates(),
        }

    def _memory(self) -> dict[str, float]:
        """Return used and total memory: those of a container or job that may not have all of it."""
        limited = self._limit() if self._limit is not None else None
        if limited is None:
            memory = psutil.virtual_memory()
            limited = Usage(memory.total - memory.available, memory.total)
        return {
            "host/memory_used_bytes": float(limited.used_bytes),
            "host/memory_total_bytes": float(limited.limit_bytes),
        }

    def _workers(self) -> dict[str, float]:
        rss = dict.fromkeys(self._update_family(), 0)
        cpu_percent = 0.0
        for pid, process in self._processes.items():
            with contextlib.suppress(psutil.Error), process.oneshot():
                rss[pid] = process.memory_info().rss
                cpu_percent += process.cpu_percent()
        main_bytes = rss.pop(self._worker_pid, 0)
        training = [pid for pid in self._ranks() if pid in rss]
        starter = self._starter_of(training)
        ranks = [rss.pop(pid) for pid in training]
        # What stands between the worker and its ranks is a copy of it: its pages are the worker's.
        rss.pop(starter, 0)
        of_ranks = {"host/ranks_rss_bytes": float(sum(ranks)), "host/ranks": float(len(ranks))}
        return {
            "host/worker_rss_bytes": float(main_bytes + sum(ranks) + sum(rss.values())),
            "host/main_rss_bytes": float(main_bytes),
            **(of_ranks if ranks else {}),
            "host/loaders_rss_bytes": float(sum(rss.values())),
            "host/loaders": float(len(rss)),
            "host/worker_cpu_percent": cpu_percent,
        }

    def _starter_of(self, ranks: Collection[int]) -> int:
        """Return the process that has started the ranks; 0: there are none."""
        for pid in ranks:
            with contextlib.suppress(psutil.Error):
                return self._processes[pid].ppid()
        return 0

    def _update_family(self) -> list[int]:
        """Return the worker and its children, as the same objects each time: CPU use is a rate."""
        found: dict[int, psutil.Process] = {}
        with contextlib.suppress(psutil.Error):
            worker = self._processes.get(self._worker_pid) or psutil.Process(self._worker_pid)
            if worker.is_running():
                found[worker.pid] = worker
            for pid in children_of(worker):
                with contextlib.suppress(psutil.Error):
                    found[pid] = self._processes.get(pid) or psutil.Process(pid)
        self._processes = found
        return list(found)

    def _disk(self) -> dict[str, float]:
        if self._folder is None:
            return {}
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            # Unmounted or removed meanwhile: there is nothing to tell.
            return {}
        return {
            "host/disk_free_bytes": float(usage.free),
            # As df has it: what is kept for the administrator is not the user's.
            "host/disk_total_bytes": float(usage.used + usage.free),
        }

    def _rates(self) -> dict[str, float]:
        """Return bytes a second since the last call; of counters that this machine has."""
        now, counters = self._clock(), _counters()
        before, self._counters = self._counters, (now, counters)
        if before is None or now <= before[0]:
            return {}
        return {
            # A counter that was set back, as by a network card that was reset, tells nothing.
            f"host/{name}_bytes_per_s": (value - before[1][name]) / (now - before[0])
            for name, value in counters.items()
            if value >= before[1].get(name, float("inf"))
        }

    def facts(self) -> dict[str, Any]:
        """Return what is known beside the readings, as plain data."""
        return {
            "cores": psutil.cpu_count(),
            "limited": self._limit is not None,
            "folder": None if self._folder is None else str(self._folder),
        }


def children_of(process: psutil.Process) -> list[int]:
    """Return a process's children and theirs.

    Linux lists the children of each thread; elsewhere every process of the machine is looked at,
    which takes 10 us for each.

    Raises:
        psutil.Error: the process has gone.
    """
    listed = _listed_children(process.pid)
    if listed is None:
        return [child.pid for child in process.children(recursive=True)]
    found: list[int] = []
    while listed:
        pid = listed.pop()
        if pid not in found:
            found.append(pid)
            listed += _listed_children(pid) or []
    return found


def _listed_children(pid: int) -> list[int] | None:
    """Return the children that the kernel lists; None where it keeps no such lists."""
    children: list[int] = []
    listed = False
    # A thread may end while its list is read.
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += map(int, path.read_text(encoding="ascii").split())
            listed = True
    return children if listed else None


def _swap() -> dict[str, float]:
    with warnings.catch_warnings():
        # In a container psutil warns each time that it can't tell what went in and out.
        warnings.simplefilter("ignore", RuntimeWarning)
        swap = psutil.swap_memory()
    return {"host/swap_used_bytes": float(swap.used), "host/swap_total_bytes": float(swap.total)}


def _usage(name: str, folder: Path) -> dict[str, float]:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return {}
    return {
        f"host/{name}_used_bytes": float(usage.used),
        f"host/{name}_total_bytes": float(usage.total),
    }


def _counters() -> dict[str, float]:
    disk, net = psutil.disk_io_counters(), psutil.net_io_counters()
    found: dict[str, float] = {}
    if disk is not None:
        found |= {"disk_read": disk.read_bytes, "disk_write": disk.write_bytes}
    if net is not None:
        found |= {"net_sent": net.bytes_sent, "net_received": net.bytes_recv}
    return found
