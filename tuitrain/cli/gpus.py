"""`tuitrain gpus`: what the GPUs and the host do now, printed once.

Knows who is asked; how an answer looks is known to `tuitrain.view`.
"""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsDir

_RATES_OVER_S = 0.5
"""What is counted a second is counted over this long."""
_PIPE_WIDTH = 1000
_OWN = ("host/worker", "host/main", "host/loaders")
"""Readings of this very process, which nobody asked for."""


def gpus(runs_dir: RunsDir = None, json: Json = False) -> None:
    """Show GPUs, their processes and the host, once: whose memory, which runs, what is free."""
    from tuitrain.runs.directory import runs_root

    root = runs_root(runs_dir)
    if not json:
        output.data(machine_block(root))
        return
    readings, devices = _read(root)
    output.data_json({"readings": readings, "devices": devices, "runs": _live_runs(root)})


def machine_block(root: Path) -> str:
    """Return the machine now in lines, with the runs of a folder by their names."""
    from tuitrain.view.machinetext import machine_words

    width = shutil.get_terminal_size().columns if os.isatty(1) else _PIPE_WIDTH
    readings, devices = _read(root)
    return "\n".join(machine_words(readings, devices, _live_runs(root), width))


def _read(root: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """Return readings by name and facts of all devices."""
    from tuitrain.telemetry.host import HostSampler
    from tuitrain.telemetry.sampler import open_gpus

    host = HostSampler(os.getpid(), root if root.is_dir() else Path.cwd())
    devices = open_gpus()
    try:
        devices.read()
        time.sleep(_RATES_OVER_S)
        known = {name: value for name, value in host.read().items() if not name.startswith(_OWN)}
        return {**known, **devices.read()}, {**devices.facts(), "host": host.facts()}
    finally:
        devices.close()


def _live_runs(root: Path) -> dict[int, str]:
    """Return the names of live runs by their worker's process."""
    from tuitrain.runs.reading.live import live_runs

    return {run.pid: run.summary.name for run in live_runs(root) if run.pid is not None}


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(gpus)
