"""A sweep with real runs: its driver and a trial killed, resumed, and whole in the end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.process.conftest import ENDLESS, Cli, Run, until
from tuitrain.file_lock import is_held, read_holder
from tuitrain.runs.directory import RunDirectory
from tuitrain.sweeps.directory import SweepDirectory
from tuitrain.sweeps.table import read_table

pytest.importorskip("optuna", reason="the extra `sweep` is not installed")

SHORT = (
    ENDLESS.replace("hidden = [256, 256]", "hidden = [8]")
    .replace("epochs = 1000000", "epochs = 600")
    .replace("evaluate_every_epochs = 1000", "evaluate_every_epochs = 100")
)
RATES = ("optimizer.lr=1e-3,1e-2", "model.hidden=[4],[8, 8]")


def table(cli: Cli) -> Any:
    return json.loads(cli("sweep", "show", "last", "--json").stdout_text)


def ended(folder: Path) -> int:
    found = read_table(SweepDirectory(folder))
    return 0 if found is None else sum(row.state == "complete" for row in found.rows)


def test_a_grid_of_four_is_whole_after_its_driver_and_a_trial_were_killed(cli: Cli) -> None:
    cli.environ["TUITRAIN_LEASES"] = str(cli.folder)
    preset = cli.preset(SHORT, "own.toml")
    settings = [part for each in RATES for part in ("--set", each)]
    started = cli("run", preset, *settings, "--detach", "--json")
    folder = Path(json.loads(started.stdout_text)["path"])
    cli("sweep", "resume", "last", "--parallel", "2")
    runs = until(lambda: len(found := sorted(cli.runs.glob("*-00[01]-???"))) == 2 and found, "two")
    hurt = Run(RunDirectory(runs[1]))
    hurt.wait_step(40)
    # So that it, and with it the sweep, can't end before it is killed.
    os.kill(hurt.worker_pid, signal.SIGSTOP)
    driver = read_holder(folder / "sweep.lock")
    assert driver is not None
    second = [sys.executable, "-m", "tuitrain.sweeps", str(folder)]
    refused = subprocess.run(second, env=cli.environ, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"is held by process {driver.pid}" in refused.stdout
    os.kill(driver.pid, signal.SIGKILL)
    until(lambda: not is_held(folder / "sweep.lock"), "the driver is gone")
    hurt.kill("supervisor", "worker")
    assert table(cli)["state"] == "lost"
    cli("sweep", "resume", "last")
    for number in range(1, 5):
        until(lambda number=number: ended(folder) >= number, f"{number} trials have ended")
    until(lambda: not is_held(folder / "sweep.lock"), "the driver has ended")
    found = table(cli)
    assert [row["state"] for row in found["rows"]] == ["complete"] * 4
    assert len({json.dumps(row["point"]) for row in found["rows"]}) == 4
    assert len(list(cli.runs.glob("*-00?-???"))) == 4
    # What was killed has the value that it has anywhere else.
    [row] = [row for row in found["rows"] if row["run"] == hurt.id]
    point = [f"--set={key}={json.dumps(value)}" for key, value in row["point"].items()]
    other = cli.find(cli("run", preset, *point, "--detach").stdout_text.strip())
    other.wait_end()
    assert min(value for _step, value in other.points("val/loss")) == row["value"]
    assert json.loads(cli("sweep", "ls", "--json").stdout_text)[0]["best"] == found["rows"][0]
    best = cli.folder / "best.toml"
    cli("sweep", "best", "last", "--save", best)
    printed = cli("run", best, "--print-config").stdout_text
    assert f"lr = {found['rows'][0]['point']['optimizer.lr']}" in printed


def test_what_is_wrong_with_a_sweep_is_told_before_anything_runs(cli: Cli) -> None:
    preset, sweep = cli.preset(), cli.folder / "s.toml"
    for space, words in (
        ('"optimizer.lr" = { uniform = [-1, 1] }', "s.toml: sweep.space.optimizer.lr: optimizer"),
        ('"optimizer.rate" = { choice = [1] }', "unknown"),
        ("", "sweep.space: has no setting"),
    ):
        sweep.write_text(f"[sweep]\n[sweep.space]\n{space}\n")
        assert words in cli("sweep", preset, "--sweep", sweep, exit_code=2).stderr_text
    several = cli("run", preset, "--set", "optimizer.lr=1e-4,1e-3", "--name", "x", exit_code=2)
    assert "--set optimizer.lr=1e-4,1e-3 lists several values" in several.stderr_text
    assert "no sweeps" in cli("sweep", "ls").stderr_text
    assert not cli.runs.exists()
