"""A worker that warms up while somebody fills in a form, as real processes."""

import time
from collections.abc import Callable, Iterator
from queue import Queue

import psutil
import pytest

from tests.process.conftest import (
    ENDLESS,
    Cli,
    cli,
    provide,
    pytest_runtest_makereport,
    until,
)
from tuitrain.config.load import parse_preset, to_toml
from tuitrain.messages import CostEstimate
from tuitrain.ranks import pids_of_ranks
from tuitrain.supervisor.client import RunClient
from tuitrain.ui.launch.prewarm import PrewarmedWorker
from tuitrain.ui.launch.warm import WarmReport

__all__ = ["cli", "provide", "pytest_runtest_makereport"]

PATIENCE_S = 120.0
Reports = Queue[WarmReport]


@pytest.fixture
def warm(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], tuple[PrewarmedWorker, Reports]]]:
    """Warm workers up; whatever the test does with them, none may be left."""
    for name, value in cli.environ.items():
        monkeypatch.setenv(name, value)
    started: list[PrewarmedWorker] = []

    def start(config: str) -> tuple[PrewarmedWorker, Reports]:
        came: Reports = Queue()
        prewarmed = PrewarmedWorker(came.put, config, cli.folder / "data")
        started.append(prewarmed)
        prewarmed.start()
        return prewarmed, came

    yield start
    for prewarmed in started:
        prewarmed.close()


def wait_for(reports: Reports, condition: Callable[[WarmReport], object]) -> WarmReport:
    deadline = time.monotonic() + PATIENCE_S
    while not condition(report := reports.get(timeout=PATIENCE_S)):
        assert time.monotonic() < deadline
    return report


def test_it_tells_devices_and_what_a_preset_takes_and_ends_when_it_is_let_go(
    cli: Cli, warm: Callable[[str], tuple[PrewarmedWorker, Reports]]
) -> None:
    preset = parse_preset(ENDLESS, "own.toml")
    prewarmed, reports = warm(to_toml(preset))
    report = wait_for(reports, lambda each: each.ready and each.estimate)
    assert "cpu" in [device.name for device in report.devices]
    estimate = report.estimate.estimate
    assert isinstance(estimate, CostEstimate)
    assert estimate.parameters == 1 * 256 + 256 + 256 * 256 + 256 + 256 + 1
    assert estimate.weights_bytes == 4 * estimate.parameters

    prewarmed.ask("nonsense")
    assert wait_for(reports, lambda each: each.estimate and each.estimate.config == "nonsense")
    prewarmed.close()
    until(lambda: not cli.processes(), "no process is left")


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_warm_worker_trains_the_run_that_is_launched(
    cli: Cli, warm: Callable[[str], tuple[PrewarmedWorker, Reports]], ranks: int
) -> None:
    preset = parse_preset(ENDLESS, "own.toml", [f"train.ranks={ranks}"])
    prewarmed, reports = warm(to_toml(preset))
    report = wait_for(reports, lambda each: each.ready)
    # Looked at in a copy where the worker is to lead ranks.
    assert "cpu" in [device.name for device in report.devices] and not report.holds_devices
    warm_pids = {process.pid for process in cli.processes()}
    client = RunClient(cli.runs, data_dir=cli.folder / "data")
    run = cli.find(client.start(preset, launch=prewarmed.launch).id)
    run.wait_step(10)
    assert {run.supervisor_pid, run.worker_pid} <= warm_pids
    # Ranks are copies of what is warm: begun by a server that was there before.
    starters = {psutil.Process(pid).ppid() for pid in pids_of_ranks(run.directory.path)}
    assert len(starters) == (ranks > 1) and starters <= warm_pids - {run.worker_pid}
    cli("stop", run.id)
    run.wait_gone()


def test_a_run_is_launched_all_the_same_when_the_warm_worker_died(
    cli: Cli, warm: Callable[[str], tuple[PrewarmedWorker, Reports]]
) -> None:
    preset = parse_preset(ENDLESS, "own.toml")
    prewarmed, reports = warm(to_toml(preset))
    wait_for(reports, lambda each: each.ready)
    for process in cli.processes():
        process.kill()
    until(lambda: not cli.processes(), "it is dead")
    client = RunClient(cli.runs, data_dir=cli.folder / "data")
    run = cli.find(client.start(preset, launch=prewarmed.launch).id)
    run.wait_step(10)
    cli("stop", run.id)
    run.wait_gone()
