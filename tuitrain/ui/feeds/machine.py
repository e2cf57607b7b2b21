"""The thread that reads the machine as long as the interface is open, and remembers some minutes.

Screens listen to it while they are in front; which runs are where is read only while one wants to
know. Knows nothing of widgets.
"""

import math
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tuitrain.analysis.memory_breakdown import training_device
from tuitrain.errors import FolderError
from tuitrain.runs.reading.live import LiveRun, live_runs
from tuitrain.telemetry.machine import MachineReading, MachineSampler
from tuitrain.telemetry.owners import ancestors_of, rank_of
from tuitrain.ui.feeds.run import Follower
from tuitrain.view.machine.seen import History, MachineSeen, RunHere, uses_of

PERIOD_S = 2.0
"""A reading takes 0.7 ms of a core, 3 where a screen wants runs and history too; without GPUs."""
_HURRIED_S, _HURRIED = 0.5, 4
"""The first readings come sooner: rates need two, and a driver takes a moment to open."""
_KEPT = 150
"""Five minutes of readings."""
_RUNS_EVERY_S = 4.0
_REMEMBERED = (
    "utilization_percent", "memory_used_bytes", "power_w", "temperature_c", "cpu_percent",
    "disk_read_bytes_per_s", "disk_write_bytes_per_s", "net_received_bytes_per_s",
    "net_sent_bytes_per_s",
)  # fmt: skip
"""Readings that are drawn over time."""

Deliver = Callable[[MachineSeen], None]


class Machine(Protocol):
    """What reads a machine."""

    def read(self) -> MachineReading:
        """Return the machine now."""
        ...

    def close(self) -> None:
        """Let go of what was opened."""
        ...


class Memory:
    """Readings of late, each as many as all others."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._values: dict[str, deque[float]] = {}
        self._taken = 0

    def add(self, samples: Mapping[str, float]) -> None:
        """Take in one moment; what is not told is NaN."""
        wanted = {name for name in samples if name.rpartition("/")[2] in _REMEMBERED}
        for name in wanted - set(self._values):
            before = min(self._taken, self._kept)
            self._values[name] = deque([math.nan] * before, maxlen=self._kept)
        for name, values in self._values.items():
            values.append(samples.get(name, math.nan))
        self._taken += 1

    def history(self) -> History:
        """Return what is remembered now."""
        values = {name: tuple(values) for name, values in self._values.items()}
        return History(values, self._taken, PERIOD_S, self._kept)


class OwnersHere(NamedTuple):
    """Whose processes are."""

    run_of: Mapping[int, str]
    """The id of the run, by process."""
    rank_of: Mapping[int, int | None]
    warm: frozenset[int]
    """Workers that this very program keeps warm: they make room when a run starts."""


class RunsHere:
    """Which live runs there are, and which process belongs to which."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._root = root
        self._clock = clock
        self._runs: tuple[LiveRun, ...] = ()
        self._read_at = -math.inf
        self._families: dict[int, tuple[int, ...]] = {}
        self._ranks: dict[int, int | None] = {}

    def read(self) -> None:
        """Look for live runs, now and then."""
        now = self._clock()
        if now < self._read_at + _RUNS_EVERY_S:
            return
        self._read_at = now
        try:
            self._runs = live_runs(self._root)
        except FolderError:
            # Home says what is wrong with the folder.
            self._runs = ()

    def owners(self, facts: Mapping[str, Any], *, wanted: bool) -> "OwnersHere":
        """Return whose the processes are that a driver names.

        Args:
            facts: as `telemetry` gives them.
            wanted: which runs there are is wanted even where no process tells of one.
        """
        rows = [row for gpu in facts.get("gpus") or () for row in gpu.get("processes") or ()]
        # A process that the driver gives a number of another namespace has no owner here.
        pids = {row["pid"] for row in rows if row["command"] is not None}
        self._families = {pid: self._families.get(pid) or ancestors_of(pid) for pid in pids}
        ours = {pid for pid, family in self._families.items() if os.getpid() in family}
        if wanted or ours:
            self.read()
        workers = {run.pid: run.summary.id for run in self._runs if run.pid is not None}
        run_of = {}
        for pid, family in self._families.items():
            run = next((workers[each] for each in family if each in workers), None)
            if run is not None:
                run_of[pid] = run
        self._ranks = {
            pid: self._ranks[pid] if pid in self._ranks else rank_of(pid) for pid in run_of
        }
        return OwnersHere(run_of, self._ranks, frozenset(ours - set(run_of)))

    def here(self, samples: Mapping[str, float], facts: Mapping[str, Any]) -> tuple[RunHere, ...]:
        """Return the live runs with the device that each says it trains on."""
        return tuple(_run_here(run, samples, facts) for run in self._runs)


def _run_here(run: LiveRun, samples: Mapping[str, float], facts: Mapping[str, Any]) -> RunHere:
    summary = run.summary
    return RunHere(
        summary.id,
        summary.name,
        summary.state,
        summary.step,
        summary.total_steps,
        summary.device,
        training_device(summary.device, run.environment, samples, facts),
    )


class MachineFeed(Follower):
    """Reads the machine every two seconds, seen or not."""

    def __init__(
        self,
        root: Path,
        *,
        host: str | None = None,
        open_machine: Callable[[Path], Machine] = MachineSampler,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow the machine that this program runs on.

        Args:
            root: the folder of runs.
            host: what the machine is called; None: ask it.
            open_machine: returns what reads it; called in the thread.
            clock: seconds since the epoch.
        """
        super().__init__(_HURRIED_S)
        self._root = root
        self._host = socket.gethostname() if host is None else host
        self._open_machine = open_machine
        self._clock = clock
        self._machine: Machine | None = None
        self._memory = Memory()
        self._runs = RunsHere(root, clock)
        self._listeners: dict[Deliver, bool] = {}
        self._polls = 0
        self.latest = MachineSeen(host=self._host)
        """What was read last."""

    def listen(self, deliver: Deliver, *, runs: bool = False) -> Callable[[], None]:
        """Hand on what is read from now on, in the thread; the last reading at once.

        Args:
            deliver: takes it.
            runs: which runs are where, and readings of late, are wanted too.

        Returns:
            What ends it.
        """
        self._listeners = {**self._listeners, deliver: runs}
        deliver(self.latest)
        self.wake()

        def stop() -> None:
            self._listeners = {
                each: runs for each, runs in self._listeners.items() if each != deliver
            }

        return stop

    def poll(self) -> None:
        """Read the machine once."""
        if self._machine is None:
            self._machine = self._open_machine(self._root)
        reading = self._machine.read()
        if self._polls >= _HURRIED:
            self._period_s = PERIOD_S
        self._polls += 1
        self._memory.add(reading.samples)
        listeners = self._listeners
        self.latest = self._seen(reading, with_runs=any(listeners.values()))
        for deliver in listeners:
            if not self.closed:
                deliver(self.latest)

    def _seen(self, reading: MachineReading, *, with_runs: bool) -> MachineSeen:
        samples = reading.samples
        owners = self._runs.owners(reading.facts, wanted=with_runs)
        facts = _without(reading.facts, owners.warm)
        return MachineSeen(
            host=self._host,
            time=self._clock(),
            samples=samples,
            facts=facts,
            cores=reading.cores,
            uses=uses_of(facts, owners.run_of, owners.rank_of),
            runs=self._runs.here(samples, facts),
            history=self._memory.history() if with_runs else History(),
        )

    def finish(self) -> None:
        """Let go of the driver."""
        if self._machine is not None:
            self._machine.close()


def _without(facts: Mapping[str, Any], pids: frozenset[int]) -> Mapping[str, Any]:
    """Return facts without these processes."""
    if not pids:
        return facts

    def left(place: Mapping[str, Any]) -> dict[str, Any]:
        rows = [row for row in place.get("processes") or () if row["pid"] not in pids]
        return {**place, "processes": rows}

    gpus = [
        {**left(gpu), "mig": gpu["mig"] and [left(part) for part in gpu["mig"]]}
        for gpu in facts.get("gpus") or ()
    ]
    return {**facts, "gpus": gpus}
