"""Measures tuitrain against its budgets and prints Markdown tables.

    python tests/benchmarks [--quick] [--only TOPIC ...]

Needs the package; what compares with other programs also `pip install '.[bench]'`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bench_catalogue
import bench_checkpoint
import bench_evaluate
import bench_exec
import bench_images
import bench_interface
import bench_memory
import bench_profile
import bench_ranks
import bench_recipes
import bench_record
import bench_sampling
import bench_speed
import bench_split
import bench_startup
import bench_step
import bench_sweep
import bench_trackers
import bench_watch
import bench_workspace
from report import Row, Table, machine, table


def _record(folder: Path, quick: bool) -> list[Table]:
    rows = [
        Row(
            result.name.strip(),
            f"{result.measured:.3f} {result.unit}",
            f"{result.budget:g} {result.unit}",
            result.measured <= result.budget,
        )
        for result in bench_record.measure(folder, quick)
    ]
    return [table("Record: writing, opening, listing", rows)]


TOPICS: dict[str, Callable[[Path, bool], list[Table]]] = {
    "speed": bench_speed.measure,
    "step": bench_step.measure,
    "split": bench_split.measure,
    "ranks": bench_ranks.measure,
    "checkpoint": bench_checkpoint.measure,
    "startup": bench_startup.measure,
    "record": _record,
    "images": bench_images.measure,
    "memory": bench_memory.measure,
    "sampling": bench_sampling.measure,
    "interface": bench_interface.measure,
    "profile": bench_profile.measure,
    "catalogue": bench_catalogue.measure,
    "recipes": bench_recipes.measure,
    "evaluate": bench_evaluate.measure,
    "exec": bench_exec.measure,
    "sweep": bench_sweep.measure,
    "watch": bench_watch.measure,
    "workspace": bench_workspace.measure,
    "trackers": bench_trackers.measure,
}


def main() -> int:
    """Measure the topics asked for; return 1 where a budget is not met."""
    parser = argparse.ArgumentParser(
        prog="python tests/benchmarks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under 2 minutes")
    parser.add_argument("--only", nargs="+", choices=TOPICS, default=list(TOPICS), metavar="TOPIC")
    given = parser.parse_args()
    print(machine(), flush=True)
    over, started = 0, time.perf_counter()
    for topic in given.only:
        with tempfile.TemporaryDirectory(prefix="tuitrain-bench-") as folder:
            tables = TOPICS[topic](Path(folder), given.quick)
        for each in tables:
            over += each.over
            print(f"\n{each}", flush=True)
    print(f"\n{over} budgets not met; {time.perf_counter() - started:.0f} s", flush=True)
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
