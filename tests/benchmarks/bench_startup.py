"""Start-up: help without torch, and from `tuitrain run` to the first point on record."""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from recorded import live_run
from report import Row, Table, spread, table

_COMMANDS = {
    "help": [sys.executable, "-m", "tuitrain", "--help"],
    "torch": [sys.executable, "-c", "import torch"],
}


def measure(folder: Path, quick: bool) -> list[Table]:
    """Run whole processes in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _round in range(1 if quick else 9):
        for name, command in _COMMANDS.items():
            seconds[name].append(_wall_s(command))
    ratio = statistics.median(seconds["help"]) / statistics.median(seconds["torch"])
    firsts = [_first_point_s(folder / "runs") for _round in range(1 if quick else 5)]
    rows = [
        Row('python -c "import torch"', spread(seconds["torch"], 2, " s")),
        Row("tuitrain --help", spread(seconds["help"], 3, " s"), "0.15 s", _under(seconds["help"])),
        Row("tuitrain --help / import torch", f"{ratio:.3f}", "1/8 = 0.125", ratio <= 1 / 8),
        Row("tuitrain run digits-cnn to its first step on record", spread(firsts, 2, " s")),
    ]
    return [table("Start-up, whole processes", rows, "The worker was not warmed up beforehand.")]


def _under(seconds: Sequence[float]) -> bool:
    return statistics.median(seconds) <= 0.15


def _wall_s(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _first_point_s(runs: Path) -> float:
    with live_run("digits-cnn", runs, ("train.device=cpu",)) as run:
        run.first_point()
        return time.time() - run.started
