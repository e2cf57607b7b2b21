"""What it costs to write, open and list runs: medians against the budgets.

    python tests/benchmarks/bench_record.py [--quick]

Builds runs of 1 and 10 million steps with five metrics, and 10,000 runs, in a temporary folder.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tuitrain.messages import MetricPoints, Numbered, StepsTaken
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.listing import list_runs, write_summary
from tuitrain.runs.reader import RunReader
from tuitrain.runs.writer import RunWriter

METRICS = ("train/loss", "train/accuracy", "lr", "grad_norm", "samples_per_s")
BATCH_STEPS = 500
COLUMNS = 300
REPEATS = 5
CONFIG = 'name = "bench"\ntask = "classification"\n'
OPEN = """
import sys, time
start = time.perf_counter()
from pathlib import Path
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
with RunReader(RunDirectory(Path(sys.argv[1]))) as reader:
    reader.summary(), reader.curves.metrics(), reader.entries.marks(), reader.states()
    for name in reader.curves.metric_names():
        reader.curves.series(name, columns=int(sys.argv[2]))
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    name: str
    measured: float
    budget: float
    unit: str

    def __str__(self) -> str:
        """Return the line."""
        verdict = "ok" if self.measured <= self.budget else "OVER"
        return f"{self.name:<52} {self.measured:8.3f} {self.budget:8.3f} {self.unit:<3} {verdict}"


def build_run(root: Path, steps: int, name: str) -> tuple[RunDirectory, float]:
    """Write a run of so many steps; return it, and the seconds a point took."""
    directory = create_run(root, "bench", name, CONFIG)
    values = tuple(1 / (1 + i) for i in range(BATCH_STEPS))
    start = time.perf_counter()
    with RunWriter(directory) as writer:
        writer.begin_attempt(0.0)
        for sequence, first in enumerate(range(1, steps + 1, BATCH_STEPS), start=1):
            last = first + BATCH_STEPS - 1
            points = tuple(MetricPoints(metric, first, values) for metric in METRICS)
            event = StepsTaken(last / 1000, first, last, last / 10_000, last / 1000, points)
            writer.record([Numbered(1, sequence, event)])
        writer.change_state(steps / 1000, "finished", "", at_rest=True)
    seconds = time.perf_counter() - start
    write_summary(directory)
    return directory, seconds / steps / len(METRICS)


def build_many(root: Path, count: int) -> None:
    """Make so many finished runs: one in full, and copies of its folder."""
    directory, _ = build_run(root, BATCH_STEPS, "many")
    for number in range(count - 1):
        copy = root / f"{directory.id[:-3]}{number:05}"
        copy.mkdir()
        for path in (directory.database_path, directory.config_path, directory.summary_path):
            shutil.copy(path, copy)


def open_in_process(directory: RunDirectory) -> float:
    """Return the seconds it takes to read what a run screen shows."""
    start = time.perf_counter()
    with RunReader(directory) as reader:
        reader.summary(), reader.curves.metrics(), reader.entries.marks(), reader.states()
        for name in reader.curves.metric_names():
            reader.curves.series(name, columns=COLUMNS)
    return time.perf_counter() - start


def open_in_fresh_process(directory: RunDirectory) -> float:
    """Return the same, with the import of everything needed."""
    command = [sys.executable, "-c", OPEN, str(directory.path), str(COLUMNS)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(result.stdout)


def list_in_process(root: Path) -> float:
    """Return the seconds that a list of all runs takes."""
    start = time.perf_counter()
    list_runs(root)
    return time.perf_counter() - start


def median(measure: Callable[[], float]) -> float:
    """Return the median of several measurements."""
    return statistics.median(measure() for _ in range(REPEATS))


def measure(folder: Path, quick: bool) -> list[Result]:
    """Build everything below `folder` and measure it."""
    sizes = ((100_000, 0.3), (1_000_000, 0.3)) if quick else ((1_000_000, 0.3), (10_000_000, 1.0))
    count = 1000 if quick else 10_000
    results = []
    for steps, budget_s in sizes:
        run, point_s = build_run(folder / "long", steps, f"long{steps}")
        text = f"run of {steps:,} steps, {len(METRICS)} metrics"
        results.append(Result(f"write a {text}, per point", point_s * 1e6, 2.0, "us"))
        opened = median(partial(open_in_process, run))
        fresh = median(partial(open_in_fresh_process, run))
        results.append(Result(f"open a {text}", opened, budget_s, "s"))
        results.append(Result("  the same in a fresh process", fresh, budget_s, "s"))
    build_many(folder / "many", count)
    listed = median(partial(list_in_process, folder / "many"))
    results.append(Result(f"list {count:,} runs", listed, 1.0, "s"))
    return results


def main() -> int:
    """Print the table; return 1 where a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="tuitrain-bench-") as folder:
        results = measure(Path(folder), quick)
    print(f"{'':<52} {'measured':>8} {'budget':>8}")
    for result in results:
        print(result)
    return int(any(result.measured > result.budget for result in results))


if __name__ == "__main__":
    sys.exit(main())
