"""Sweeps: what asking, reporting and telling cost the driver, and looking at a run that lives."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from report import Row, Table, table

from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.reader import RunReader
from tuitrain.sweeps.directory import Control, SweepDirectory, SweepLaunch, create_sweep
from tuitrain.sweeps.driver import Driver
from tuitrain.sweeps.process import LOOK_S
from tuitrain.sweeps.runs import OrdinaryRuns, TrialRun
from tuitrain.sweeps.settings import parse_sweep
from tuitrain.sweeps.study import Study

_SWEEP = """
[sweep]
trials = {trials}
pruner = "median"
[sweep.space]
"optimizer.lr" = {{ log = [1e-5, 1.0] }}
"model.hidden" = {{ int = [8, 512] }}
"""
_PRESET = 'name = "b"\ntask = "regression"\n[data]\nname = "linear"\n'
_EVALUATIONS = 20
_PART_MS, _SHARE = 20.0, 0.01
_MINUTES = 1.0
"""A trial that is shorter than this is hardly one."""


class _Timed:
    """Passes calls on, and keeps what CPU each took."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.took: dict[str, list[float]] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            begun = time.process_time()
            try:
                return method(*arguments, **options)
            finally:
                self.took.setdefault(name, []).append(time.process_time() - begun)

        return call


class _Done:
    """Runs that have all of their evaluations at the first look."""

    def __init__(self) -> None:
        self._points: dict[int, Mapping[str, Any]] = {}

    def look(self, number: int) -> TrialRun:
        rate = float(self._points[number]["optimizer.lr"])
        values = tuple((float(n), rate + 1 / n) for n in range(1, _EVALUATIONS + 1))
        return TrialRun(f"run-{number}", "finished", False, "", float(_EVALUATIONS), values)

    def start(self, number: int, point: Mapping[str, Any]) -> None:
        self._points[number] = point

    def resume(self, number: int) -> None:
        raise NotImplementedError(number)

    def stop(self, number: int) -> None:
        raise NotImplementedError(number)

    def forget(self, number: int) -> None:
        del self._points[number]


def measure(folder: Path, quick: bool) -> list[Table]:
    """Drive a sweep of trials that end at once; look at a run that writes."""
    trials = 20 if quick else 100
    folder.mkdir(parents=True, exist_ok=True)
    sweep = parse_sweep(_SWEEP.format(trials=trials), "bench.toml", "bench")
    study = _Timed(Study(folder / "journal.log", sweep, "min"))
    begun = time.process_time()
    driver = Driver(sweep, "val/loss", "min", study, _Done())
    while not driver.look(Control(), 2):
        pass
    each_s = (time.process_time() - begun) / trials
    rows = []
    for name in ("ask", "report", "tell"):
        took_ms = statistics.median(study.took[name]) * 1000
        row = Row(f"{name}, CPU", f"{took_ms:.2f} ms", f"{_PART_MS:.0f} ms", took_ms <= _PART_MS)
        rows.append(row)
    share = each_s / (60 * _MINUTES)
    rows.append(
        Row(
            f"a trial of {_EVALUATIONS} evaluations, all together, CPU of the driver",
            f"{each_s * 1000:.0f} ms",
            f"{_SHARE:.0%} of a minute",
            share <= _SHARE,
        )
    )
    look_ms = _look_ms(folder, 20 if quick else 100)
    share = look_ms / 1000 / LOOK_S
    rows.append(
        Row(
            "looking at a live run, CPU",
            f"{look_ms:.2f} ms, {share:.2%} of a core",
            f"{_SHARE:.0%}",
            share <= _SHARE,
        )
    )
    note = f"{trials} trials of TPE in Optuna's journal, the median of them."
    return [table("Sweeps: the driver", rows, note)]


def _look_ms(folder: Path, looks: int) -> float:
    """Return what a look at a run costs that has written since the one before."""
    root = folder / "runs"
    sweep = create_sweep(root, "bench", {"preset.toml": _PRESET}, 0.0)
    run = create_run(root, "b", f"{sweep.id}-000", _PRESET)
    writer = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("live_writer.py")),
            str(run.path),
            "500",
            "0",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for_steps(run)
        runs = OrdinaryRuns(SweepDirectory(sweep.path), SweepLaunch("val/loss", "min"))
        took = []
        for _ in range(looks):
            begun = time.process_time()
            runs.look(0)
            took.append(time.process_time() - begun)
            time.sleep(LOOK_S / 2)
        runs.close()
    finally:
        writer.kill()
        writer.wait()
    return statistics.fmean(took) * 1000


def _wait_for_steps(run: RunDirectory) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with RunReader(run) as reader:
            if reader.steps.progress() is not None:
                return
        time.sleep(0.05)
    raise TimeoutError(f"{run.path}: nothing was written within a minute")
