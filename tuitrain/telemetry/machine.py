"""The whole machine at one moment, for who looks at it without a run: host, cores, GPUs.

Gives readings by the names in `tuitrain.metric_names`, and facts as plain data; records nothing.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tuitrain.telemetry.background import Gpus
from tuitrain.telemetry.sampler import Sampler, open_gpus

_OWN = ("host/worker", "host/main", "host/loaders")
"""Readings of this very process, which nobody asks for."""


@dataclass(frozen=True, slots=True)
class MachineReading:
    """What was read at once."""

    samples: Mapping[str, float] = field(default_factory=dict)
    """Readings by name."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of host and GPUs beside them."""
    cores: tuple[float, ...] = ()
    """How busy each core was since the last reading, in percent."""


class MachineSampler:
    """Asked every few seconds; a driver in trouble holds nothing up."""

    def __init__(
        self,
        folder: Path,
        open_gpus: Callable[[], Gpus] = open_gpus,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to sample.

        Args:
            folder: of the runs; its disk is watched. One above it is where it is missing yet.
            open_gpus: returns what reads the GPUs.
            clock: seconds.
        """
        there = next(each for each in (folder.absolute(), *folder.absolute().parents) if
                     each.is_dir())  # fmt: skip
        self._sampler = Sampler(os.getpid(), there, open_gpus, clock)
        self._facts: Mapping[str, Any] = {}
        # The first call begins to count.
        psutil.cpu_percent(percpu=True)

    def read(self) -> MachineReading:
        """Return the machine now; GPUs are absent while their driver does not answer."""
        found = self._sampler.read()
        self._facts = self._sampler.facts() or self._facts
        samples = {name: value for name, value in found.items() if not name.startswith(_OWN)}
        if hasattr(os, "getloadavg"):
            samples["host/load_1min"] = os.getloadavg()[0]
        cores = tuple(psutil.cpu_percent(percpu=True))
        return MachineReading(samples, self._facts, cores)

    def close(self) -> None:
        """Let go of the driver."""
        self._sampler.close()
