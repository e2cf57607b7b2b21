"""Everything that the supervisor samples: the host, and the GPUs of whichever maker.

Gives readings by the names in `tuitrain.metric_names`, and facts as plain data; records nothing.
"""

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from tuitrain.telemetry.amd import AmdSampler
from tuitrain.telemetry.background import BackgroundGpuReader, Gpus
from tuitrain.telemetry.gpu import GpuSampler
from tuitrain.telemetry.host import HostSampler
from tuitrain.telemetry.owners import Owners

_FACTS_EVERY_S = 2.0
_SILENT_S = 5.0
"""A driver that has not answered for so long is said not to."""


def open_gpus() -> Gpus:
    """Return what reads this machine's GPUs: NVIDIA's, or AMD's where there are none of those."""
    nvidia = GpuSampler(owners=Owners())
    facts = nvidia.facts()
    if facts["gpus"] or facts["trouble"]:
        return nvidia
    amd = AmdSampler(owners=Owners())
    return amd if amd.facts()["gpus"] else nvidia


class Sampler:
    """Asked once a second: what the devices do, and what is known of them."""

    def __init__(
        self,
        worker_pid: int,
        folder: Path,
        open_gpus: Callable[[], Gpus] = open_gpus,
        clock: Callable[[], float] = time.monotonic,
        ranks: Callable[[], Collection[int]] = tuple,
    ) -> None:
        """Begin to sample.

        Args:
            worker_pid: its children are its loaders, but for ranks.
            folder: the run's; its disk is watched.
            open_gpus: returns what reads the GPUs.
            clock: seconds.
            ranks: returns the processes that train, where they are not the worker itself.
        """
        self._host = HostSampler(worker_pid, folder, clock, ranks)
        self._gpus = BackgroundGpuReader(open_gpus)
        self._clock = clock
        self._answered_at = clock()
        self._gpu_facts: dict[str, Any] = {"driver": "", "trouble": "", "gpus": []}
        self._told: dict[str, Any] | None = None
        self._told_at = float("-inf")

    def read(self) -> Mapping[str, float]:
        """Return readings by name; those of GPUs are absent while their driver does not answer."""
        host = self._host.read()
        answer = self._gpus.read(self._host.family)
        if answer is None:
            return host
        self._answered_at = self._clock()
        if isinstance(answer, Exception):
            trouble = f"the GPUs can't be read: {type(answer).__name__}: {answer}"
            self._gpu_facts = {**self._gpu_facts, "trouble": trouble}
            return host
        self._gpu_facts = answer.facts
        return {**host, **answer.readings}

    def facts(self) -> dict[str, Any] | None:
        """Return what is known of the devices where that has changed, every two seconds at most.

        Plain data: `host` (cores; limited, where a container or job may not have all
        of the memory; folder), and what `GpuSampler.facts` says of the GPUs.
        """
        now = self._clock()
        if now < self._told_at + _FACTS_EVERY_S:
            return None
        facts = {**self._gpu_facts, "host": self._host.facts()}
        silent_s = now - self._answered_at
        if silent_s >= _SILENT_S:
            facts["trouble"] = "the GPUs' driver does not answer"
        if facts == self._told:
            return None
        self._told, self._told_at = facts, now
        return facts

    def close(self) -> None:
        """Let go of the driver."""
        self._gpus.close()
