"""What is known of a machine at one moment: readings now and of late, whose processes are where.

Plain data only; knows nothing of how it is read or drawn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuitrain.analysis.memory_breakdown import gpu_facts
from tuitrain.lang import term

THIS_RUN, RUNS, OTHERS = term("this run"), term("runs"), term("others")
NOT_TOLD, DRIVER = term("not told"), term("driver")
"""Whose a part of a GPU's memory is."""
_FREE_SHARE = 0.05
"""Memory and use up to which a GPU is nobody's."""


@dataclass(frozen=True, slots=True)
class Use:
    """A process on a GPU, or on a slice of one."""

    prefix: str
    """Of the readings of where it is: gpu0, gpu0/mig1."""
    pid: int
    user: str = ""
    command: str = ""
    bytes: int | None = None
    started: float | None = None
    """Seconds since the epoch."""
    run: str = ""
    """The id of the run that it belongs to; empty: none of this folder."""
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class RunHere:
    """A live run of the folder."""

    id: str
    name: str
    state: str = ""
    step: int = 0
    total_steps: int | None = None
    device: str = ""
    """As the worker calls it."""
    prefix: str | None = None
    """The GPU or slice that it trains on; None: the host, or not known."""


@dataclass(frozen=True, slots=True)
class History:
    """Readings of late, oldest first, as many each; NaN where one was not told."""

    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    taken: int = 0
    """How often was read in all: what is seen together as one does not change with it."""
    period_s: float = 2.0
    most: int = 150

    def of(self, name: str) -> tuple[float, ...]:
        """Return one reading over time; nothing where it is not known."""
        return self.values.get(name, ())


@dataclass(frozen=True, slots=True)
class MachineSeen:
    """A machine at one moment."""

    host: str = ""
    time: float = 0.0
    """Seconds since the epoch."""
    samples: Mapping[str, float] = field(default_factory=dict)
    """Readings by the names of `tuitrain.metric_names`."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the devices beside them, as `telemetry` gives it."""
    cores: tuple[float, ...] = ()
    """Percent of each."""
    uses: tuple[Use, ...] = ()
    runs: tuple[RunHere, ...] = ()
    history: History = field(default_factory=History)

    @property
    def gpus(self) -> list[dict[str, Any]]:
        """The facts of each GPU."""
        return gpu_facts(self.samples, self.facts)

    @property
    def free(self) -> list[int]:
        """The GPUs that nobody uses."""
        return free_gpus(self.samples, self.facts)

    def name_of(self, run_id: str) -> str:
        """Return what a run is called; its id where it is not among those that live."""
        return next((run.name for run in self.runs if run.id == run_id), run_id)

    def on(self, prefix: str) -> list[Use]:
        """Return the processes on a GPU and its slices, or on one slice."""
        return [
            use for use in self.uses
            if use.prefix == prefix or use.prefix.startswith(f"{prefix}/")
        ]  # fmt: skip

    def runs_on(self, prefix: str) -> list[RunHere]:
        """Return the live runs on a GPU, also those whose processes the driver hides."""
        seen = {use.run for use in self.on(prefix)}
        return [
            run for run in self.runs
            if run.id in seen or (run.prefix or "").partition("/")[0] == prefix
        ]  # fmt: skip

    def shares(self, prefix: str, this_run: str = "") -> dict[str, float]:
        """Return a GPU's used memory by whose it is, in bytes; what the driver hides is not told.

        Args:
            prefix: of the GPU or slice.
            this_run: the id of the run that is looked at; empty: none.
        """
        used = self.samples.get(f"{prefix}/memory_used_bytes", 0.0)
        found = dict.fromkeys((THIS_RUN, RUNS, OTHERS), 0.0)
        for use in self.on(prefix):
            whose = OTHERS if not use.run else THIS_RUN if use.run == this_run else RUNS
            found[whose] += use.bytes or 0
        found[NOT_TOLD] = max(0.0, used - sum(found.values()))
        found[DRIVER] = self.samples.get(f"{prefix}/memory_reserved_bytes", 0.0)
        return found


def free_gpus(samples: Mapping[str, float], devices: Mapping[str, Any]) -> list[int]:
    """Return the GPUs that nobody uses: no process, and next to no memory and work."""
    return [
        gpu["index"]
        for gpu in gpu_facts(samples, devices)
        if not gpu.get("processes") and not gpu.get("errors") and _is_idle(samples, gpu)
    ]


def _is_idle(samples: Mapping[str, float], gpu: Mapping[str, Any]) -> bool:
    prefix = f"gpu{gpu['index']}"
    used, total = (samples.get(f"{prefix}/memory_{end}_bytes") for end in ("used", "total"))
    work = samples.get(f"{prefix}/utilization_percent")
    held = used is not None and bool(total) and used > _FREE_SHARE * (total or 0.0)
    return not held and (work is None or work <= 100 * _FREE_SHARE)


def uses_of(
    facts: Mapping[str, Any], run_of: Mapping[int, str], rank_of: Mapping[int, int | None]
) -> tuple[Use, ...]:
    """Return the processes that a driver names, those with most memory first on each GPU.

    Args:
        facts: as `telemetry` gives them.
        run_of: the id of the run that a process belongs to.
        rank_of: its rank.
    """
    return tuple(
        Use(
            prefix,
            row["pid"],
            str(row["user"] or ""),
            str(row["command"] or ""),
            row["bytes"],
            row.get("started"),
            run_of.get(row["pid"], ""),
            rank_of.get(row["pid"]),
        )
        for prefix, rows in _process_rows(facts.get("gpus") or ())
        for row in rows
    )


def _process_rows(
    gpus: Iterable[Mapping[str, Any]],
) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    for gpu in gpus:
        prefix = f"gpu{gpu['index']}"
        parts = [part for part in gpu.get("mig") or () if part["processes"]]
        for part in parts:
            yield f"{prefix}/mig{part['index']}", part["processes"]
        if not parts:
            yield prefix, gpu.get("processes") or []
