"""The worker's processes and the machine's memory, through psutil."""

import contextlib
from collections.abc import Mapping

import psutil


class HostSampler:
    """Reads what the worker and all it started use; a first reading of CPU use is 0."""

    def __init__(self, worker_pid: int) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._worker_pid = worker_pid

    def read(self) -> Mapping[str, float]:
        """Return readings by name; a worker that has gone reads as 0."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        rss_bytes, cpu_percent = 0, 0.0
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                rss_bytes += process.memory_info().rss
                cpu_percent += process.cpu_percent()
        return {
            "host/worker_rss_bytes": float(rss_bytes),
            "host/worker_cpu_percent": cpu_percent,
            "host/memory_used_bytes": float(memory.total - memory.available),
            "host/memory_total_bytes": float(memory.total),
            "host/swap_used_bytes": float(swap.used),
        }

    def _family(self) -> list[psutil.Process]:
        """Return the worker and its children, the same objects each time: CPU use is a rate."""
        found: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            worker = self._processes.get(self._worker_pid) or psutil.Process(self._worker_pid)
            found = [worker, *worker.children(recursive=True)]
        self._processes = {p.pid: self._processes.get(p.pid, p) for p in found}
        return list(self._processes.values())
