"""`tuitrain gpus`: what the GPUs and the host do now, printed once.

Knows who is asked; how an answer looks is known to `tuitrain.view`.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.hosts import Hosts, connect
from tuitrain.cli.options import Json, RunsDir

if TYPE_CHECKING:
    from tuitrain.remote.connection import HostConnection
    from tuitrain.ui.feeds.machine import MachineFeed

_RATES_OVER_S = 0.5
"""What is counted a second is counted over this long."""
_PIPE_WIDTH = 1000
_OWN = ("host/worker", "host/main", "host/loaders")
"""Readings of this very process, which nobody asked for."""


def gpus(runs_dir: RunsDir = None, hosts: Hosts = None, json: Json = False) -> None:
    """Show GPUs, their processes and the host, once: whose memory, which runs, what is free."""
    from tuitrain.runs.directory import runs_root

    root = runs_root(runs_dir)
    if hosts:
        with connect(hosts) as opened:
            _show_hosts(root, opened.connections, json=json)
    elif json:
        output.data_json(_now(root))
    else:
        output.data(machine_block(root))


def machine_block(root: Path) -> str:
    """Return the machine now in lines, with the runs of a folder by their names."""
    return _block(_now(root))


def _block(machine: Mapping[str, Any]) -> str:
    from tuitrain.view.machinetext import machine_words

    width = shutil.get_terminal_size().columns if os.isatty(1) else _PIPE_WIDTH
    runs = {int(pid): str(name) for pid, name in machine["runs"].items()}
    return "\n".join(machine_words(machine["readings"], machine["devices"], runs, width))


def _now(root: Path) -> dict[str, Any]:
    """Return a machine as `--json` prints it."""
    readings, devices = _read(root)
    return {"readings": readings, "devices": devices, "runs": _live_runs(root)}


# --- several machines -----------------------------------------------------------------------------


def _show_hosts(root: Path, connections: "Sequence[HostConnection]", *, json: bool) -> None:
    """Print this machine and hosts; one that does not answer holds up no other."""
    from concurrent.futures import ThreadPoolExecutor

    from tuitrain.errors import TuitrainError

    with ThreadPoolExecutor(len(connections)) as pool:
        asked = [pool.submit(each.ask, "gpus") for each in connections]
        found: list[dict[str, Any]] = [{"host": socket.gethostname(), **_now(root)}]
        for each, answer in zip(connections, asked, strict=True):
            try:
                found.append({"host": each.host.name, **answer.result()})
            except TuitrainError as error:
                found.append({"host": each.host.name, "error": str(error)})
            finally:
                each.close()
    if json:
        output.data_json(found)
        return
    output.data("\n\n".join(_named_block(machine) for machine in found))


def _named_block(machine: Mapping[str, Any]) -> str:
    from tuitrain.view.format import sanitise

    if "error" in machine:
        return f"== {sanitise(machine['host'])}: no answer\n{sanitise(machine['error'])}"
    return f"== {sanitise(machine['host'])}\n{_block(machine)}"


def machine_calls(root: Path) -> Mapping[str, Callable[[], Any]]:
    """Return what a tuitrain on another machine may ask of this one, by name.

    `gpus` is the machine once, as this command prints it; `machine` is asked again and again.
    """
    feeds: list[MachineFeed] = []

    def machine() -> dict[str, Any]:
        from dataclasses import asdict, replace

        from tuitrain.ui.feeds.machine import MachineFeed
        from tuitrain.view.machine.seen import History

        if not feeds:
            feeds.append(MachineFeed(root))
            feeds[0].listen(lambda _seen: None, runs=True)
        feeds[0].poll()
        return asdict(replace(feeds[0].latest, history=History()))

    return {"gpus": lambda: _now(root), "machine": machine}


# --- this machine ---------------------------------------------------------------------------------


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
