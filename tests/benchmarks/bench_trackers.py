"""Trackers and other machines: CPU time a point that each tracker takes, bytes a look over ssh.

Each tracker is a process of its own, as beside a supervisor; what is not installed is left out. The
far end of a connection runs here, without ssh.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from report import Row, Table, table

from tuitrain import messages as m
from tuitrain.messages import MetricPoints, Numbered
from tuitrain.remote.connection import HostConnection
from tuitrain.remote.hosts import Host
from tuitrain.remote.reader import RemoteReader, find_remote
from tuitrain.runs.directory import RunDirectory, create_run
from tuitrain.runs.writer import RunWriter

_METRICS = 10
_BATCH = 500
_CHARTS, _COLUMNS = 6, 120
_NOTHING_NEW_BYTES, _REFRESH_BYTES = 250, 3000
_BUDGET_US = {"tensorboard": 15.0, "wandb": None, "mlflow": None, "trackio": None}
_CONFIG = 'name = "bench"\ntask = "regression"\n[optimizer]\nlr = 0.001\n'


def measure(folder: Path, quick: bool) -> list[Table]:
    """Carry a run to each tracker, and look at it over a connection."""
    steps = 1_000 if quick else 10_000
    run = create_run(folder / "runs", "bench", "bench", _CONFIG)
    with RunWriter(run) as writer:
        writer.begin_attempt(1.7e9)
        _train(writer, 0, steps)
    return [_trackers(run, folder, steps), _connection(run, steps)]


def _train(writer: RunWriter, done: int, steps: int) -> None:
    for first in range(done + 1, done + steps + 1, _BATCH):
        last = min(first + _BATCH - 1, done + steps)
        points = tuple(
            MetricPoints(f"train/m{k}", first, tuple(k + 1 / s for s in range(first, last + 1)))
            for k in range(_METRICS)
        )
        event = m.StepsTaken(1.7e9 + last, first, last, last / 100, last / 50, points)
        writer.record([Numbered(1, last, event)])


# --- trackers -----------------------------------------------------------------------------------


def _trackers(run: RunDirectory, folder: Path, steps: int) -> Table:
    rows = []
    for kind, budget in _BUDGET_US.items():
        if find_spec(kind) is None:
            continue
        # The first one makes files and databases.
        _carry(_empty(folder / "first", kind), kind, folder)
        idle_s, whole_s = _carry(_empty(folder, kind), kind, folder), _carry(run, kind, folder)
        each_us = (whole_s - idle_s) / (steps * _METRICS) * 1e6
        met = None if budget is None else each_us <= budget
        words = "" if budget is None else f"{budget:g} us"
        rows.append(Row(f"{kind}: CPU time a point", f"{each_us:.1f} us", words, met))
        rows.append(Row(f"{kind}: CPU time of starting", f"{idle_s:.1f} s"))
    if find_spec("tensorboard") is not None:
        writer_us = _summary_writer(folder, steps) / (steps * _METRICS) * 1e6
        rows.append(Row("torch's SummaryWriter, in the training loop", f"{writer_us:.1f} us"))
    note = f"{steps * _METRICS:,} points of {_METRICS} metrics; processes of low priority."
    return table("Trackers: what carrying a run costs", rows, note)


def _empty(folder: Path, kind: str) -> RunDirectory:
    run = create_run(folder / f"empty-{kind}", "bench", "empty", _CONFIG)
    with RunWriter(run) as writer:
        writer.begin_attempt(1.7e9)
    return run


def _carry(run: RunDirectory, kind: str, folder: Path) -> float:
    environ = {
        **os.environ,
        "WANDB_MODE": "offline",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "TRACKIO_DIR": str(folder / "trackio"),
    }
    return _cpu_s([sys.executable, "-m", "tuitrain.trackers", str(run.path), kind], environ)


def _summary_writer(folder: Path, steps: int) -> float:
    script = (
        "import sys, time\n"
        "from torch.utils.tensorboard import SummaryWriter\n"
        f"writer = SummaryWriter({str(folder / 'torch')!r})\n"
        "begun = time.process_time()\n"
        f"for step in range({steps}):\n"
        f"    for k in range({_METRICS}): writer.add_scalar(f'm{{k}}', 1.0, step)\n"
        "writer.close()\n"
        "print(time.process_time() - begun)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _cpu_s(command: list[str], environ: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# --- a connection -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Here(Host):
    """A host whose far end is started here, without ssh."""

    def words(self, *options: str) -> list[str]:
        return [sys.executable, "-m", "tuitrain", "serve-stdio", "--runs-dir", self.runs, *options]


class _Counted(HostConnection):
    """Counts the bytes of answers."""

    received = 0

    def _answer(self, process: "subprocess.Popen[bytes]", limit_s: float) -> dict[str, Any]:
        found = super()._answer(process, limit_s)
        self.received += len(json.dumps(found, separators=(",", ":"))) + 1
        return found


def _connection(run: RunDirectory, steps: int) -> Table:
    connection = _Counted(_Here("here", runs=str(run.path.parent)))
    begun = time.perf_counter()
    directory = find_remote(connection, run.id)
    ready_s = time.perf_counter() - begun
    reader: Any = RemoteReader(directory)
    first, first_ms = _look(connection, reader)
    nothing, nothing_ms = _look(connection, reader)
    with RunWriter(run) as writer:
        _train(writer, steps, 20)
    grown, grown_ms = _look(connection, reader)
    connection.close()
    rows = [
        Row("from the start of the far end to its first answer", f"{ready_s:.2f} s"),
        Row("first look", f"{first:,} bytes, {first_ms:.0f} ms"),
        Row(
            "a look at 20 steps more", f"{grown:,} bytes, {grown_ms:.0f} ms",
            f"{_REFRESH_BYTES:,} bytes", grown <= _REFRESH_BYTES,
        ),
        Row(
            "a look at nothing new", f"{nothing:,} bytes, {nothing_ms:.0f} ms",
            f"{_NOTHING_NEW_BYTES} bytes", nothing <= _NOTHING_NEW_BYTES,
        ),
    ]  # fmt: skip
    note = f"{_CHARTS} charts of {_COLUMNS} columns; before ssh's compression."
    return table("Other machines: a screen of a run", rows, note)


def _look(connection: _Counted, reader: Any) -> tuple[int, float]:
    """Read what a run's screen reads; return the bytes that came and how long it took."""
    before, begun = connection.received, time.perf_counter()
    reader.version()
    for name in reader.curves.metric_names()[:_CHARTS]:
        reader.curves.series(name, 1, 12_000, _COLUMNS)
    for part, name in (
        ("entries", "marks"),
        ("entries", "alerts"),
        ("entries", "checkpoints"),
        ("steps", "progress"),
        ("readings", "latest_samples"),
        ("curves", "metrics"),
    ):
        getattr(getattr(reader, part), name)()
    reader.states()
    reader.facts()
    return connection.received - before, (time.perf_counter() - begun) * 1e3
