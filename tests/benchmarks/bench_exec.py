"""Any script: what `tuitrain exec` adds to a step, and what a call of the API takes.

CPU time of the whole process, its sending thread included; bare and watched runs in turn, the
least of each, as other programs share the machine.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from report import Row, Table, table

import tuitrain

_LOOP = Path(__file__).with_name("exec_loop.py")
_KINDS = {
    "linear": ("a step of a linear model, loss of each kept", 0.03),
    "mlp": ("a step of an MLP, loss of each kept", 0.03),
}
_CALL_US = 5.0


def measure(folder: Path, quick: bool) -> list[Table]:
    """Run the loops with and without a watch, and call the API."""
    rounds, blocks = (1, 2) if quick else (4, 6)
    environ = {**os.environ, "TUITRAIN_RUNS": str(folder / "runs")}
    rows = []
    for kind, (name, budget) in _KINDS.items():
        loop = [sys.executable, str(_LOOP), kind, str(blocks)]
        watched = [sys.executable, "-m", "tuitrain", "exec", "--", *loop]
        times = [(_us(loop, environ), _us(watched, environ)) for _ in range(rounds)]
        bare_us, watched_us = (min(column) for column in zip(*times, strict=True))
        share = watched_us / bare_us - 1
        measured = f"{bare_us:.1f} -> {watched_us:.1f} us, {share:+.1%}"
        rows.append(Row(name, measured, f"{budget:+.0%}", share <= budget))
    rows += _calls(folder / "api", 20_000 if quick else 200_000)
    return [table("Any script: tuitrain exec and import tuitrain", rows)]


def _us(command: list[str], environ: dict[str, str]) -> float:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("us ")]
    return float(line.split()[1])


def _calls(runs: Path, calls: int) -> list[Row]:
    with tuitrain.init(config={"lr": 0.1}, runs_dir=runs) as run:
        one = _call_us(lambda: run.log({"loss": 0.5}), calls)
        three = _call_us(lambda: run.log({"loss": 0.5, "accuracy": 0.1, "norm": 2}), calls)
        step = _call_us(run.step, calls)
    took = {"run.log of one value": one, "run.log of three": three, "run.step": step}
    return [
        Row(name, f"{us:.2f} us", f"{_CALL_US:g} us", us <= _CALL_US) for name, us in took.items()
    ]


def _call_us(call: Callable[[], None], calls: int) -> float:
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(calls // 5):
            call()
        best = min(best, (time.process_time() - begun) / (calls // 5) * 1e6)
    return best
