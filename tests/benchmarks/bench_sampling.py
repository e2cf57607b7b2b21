"""What sampling the devices costs, as a share of one core, at one reading a second.

The host is this machine's; the eight GPUs are a stand-in library that answers at once, so that what
is measured is this program's part: NVML's own calls come on top, which a GPU machine shows. Every
GPU has two processes, and the worker has loaders.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import Row, Table, table

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.telemetry.nvml import Nvml, card, process
from tuitrain.runs.directory import create_run
from tuitrain.runs.writer import RunWriter
from tuitrain.supervisor.sampling import SAMPLE_S
from tuitrain.telemetry.gpu import GpuSampler
from tuitrain.telemetry.owners import Owners
from tuitrain.telemetry.sampler import Sampler

_GPUS, _LOADERS = 8, 8
_BUDGET_PERCENT = 1.0
_CONFIG = 'name = "bench"\ntask = "classification"\n'
_WORKER = f"""
import subprocess, sys
code = "import sys; sys.stdin.read()"
children = [subprocess.Popen([sys.executable, "-c", code], stdin=sys.stdin)
            for _ in range({_LOADERS})]
print("up", flush=True)
for child in children:
    child.wait()
"""
_NOTES = (
    f"CPU time of one reading over {SAMPLE_S:g} s; a machine with NVML adds the driver's own part. "
    "Recording is what the readings cost in the run's database, synced to disk apart."
)


def measure(folder: Path, quick: bool) -> list[Table]:
    """Measure reading alone, and reading with recording."""
    rounds = 100 if quick else 600
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    try:
        host = _share(_sampler(worker.pid, folder, 0), rounds)
        both = _share(_sampler(worker.pid, folder, _GPUS), rounds)
        recorded = _recorded(folder, worker.pid, rounds)
    finally:
        worker.communicate()
    rows = [
        Row(f"host and {_LOADERS} loaders", f"{host:.2f} % of a core"),
        Row(
            f"host, {_LOADERS} loaders and {_GPUS} GPUs",
            f"{both:.2f} % of a core",
            f"{_BUDGET_PERCENT:g} %",
            both <= _BUDGET_PERCENT,
        ),
        Row("the same, and recorded", f"{recorded:.2f} % of a core"),
    ]
    return [table("Sampling the devices once a second", rows, _NOTES)]


def _sampler(pid: int, folder: Path, gpus: int) -> Sampler:
    mine, other = process(pid, 2**30), process(1, 2**31)
    cards = [card(index, ComputeRunningProcesses_v3=[mine, other]) for index in range(gpus)]
    return Sampler(pid, folder, lambda: GpuSampler(Nvml(*cards), Owners(sees_all=True)))


def _share(sampler: Sampler, rounds: int, store: Callable[[Any], None] | None = None) -> float:
    """Return the CPU time of a reading in percent of the time between two."""
    sampler.read()
    sampler.facts()
    before = time.process_time()
    for _ in range(rounds):
        readings = sampler.read()
        sampler.facts()
        if store is not None:
            store(readings)
    used_s = (time.process_time() - before) / rounds
    sampler.close()
    return 100 * used_s / SAMPLE_S


def _recorded(folder: Path, pid: int, rounds: int) -> float:
    run = create_run(folder / "runs", "bench", "sampling", _CONFIG)
    seconds = iter(range(1_795_000_000, 1_796_000_000))
    with RunWriter(run) as writer:
        writer.begin_attempt(0.0)
        return _share(
            _sampler(pid, folder, _GPUS),
            rounds,
            lambda readings: writer.add_samples(float(next(seconds)), readings),
        )
