"""Memory of the supervisor while its run is live: in the foreground, and in the background."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
from recorded import MANY_POINTS, live_run, progress
from report import Row, Table, spread, table

from tuitrain.file_lock import read_holder
from tuitrain.runs.directory import RunDirectory

BUDGET_MB = 45.0
_SETTINGS = (*MANY_POINTS, "train.epochs=100000", "train.device=cpu")


def measure(folder: Path, quick: bool) -> list[Table]:
    """Sample the resident memory of two supervisors."""
    seconds = 3 if quick else 15
    rows = [
        _row("supervisor in the foreground (`tuitrain run`)", _foreground(folder, seconds)),
        _row("supervisor in the background (`--detach`)", _background(folder, seconds)),
    ]
    return [table("Memory, resident, while a run is live", rows, "MB of 1,000,000 bytes.")]


def _row(what: str, sampled: list[float]) -> Row:
    most = max(sampled)
    return Row(what, spread(sampled, 1, " MB"), f"{BUDGET_MB:g} MB", most <= BUDGET_MB)


def _foreground(folder: Path, seconds: int) -> list[float]:
    with live_run("linear-regression", folder / "runs", _SETTINGS) as run:
        run.first_point()
        return _sample(run.process.pid, seconds)


def _background(folder: Path, seconds: int) -> list[float]:
    runs = folder / "detached"
    tuitrain = [sys.executable, "-m", "tuitrain"]
    where = f"--runs-dir={runs}"
    settings = [f"--set={setting}" for setting in _SETTINGS]
    started = subprocess.run(
        [*tuitrain, "run", "linear-regression", "--detach", where, *settings],
        capture_output=True,
        text=True,
        check=True,
    )
    directory = RunDirectory(runs / started.stdout.strip())
    try:
        while progress(directory) is None:
            time.sleep(0.05)
        holder = read_holder(directory.lock_path)
        if holder is None:
            raise RuntimeError(f"{directory.id} has no supervisor")
        return _sample(holder.pid, seconds)
    finally:
        subprocess.run([*tuitrain, "stop", directory.id, where], capture_output=True, check=True)


def _sample(pid: int, seconds: int) -> list[float]:
    process = psutil.Process(pid)
    sampled = []
    for _second in range(seconds):
        time.sleep(1.0)
        sampled.append(process.memory_info().rss / 1e6)
    return sampled
