"""What calls for attention in real runs: hangs, leaks, loaders that die, and who is told of it."""

import json
import os
import re
import signal
import socket
from itertools import groupby
from pathlib import Path
from typing import Any

import psutil
import pytest

from tuitrain.messages import TakeStacks
from tuitrain.runs.commands import give_command, wait_for_command

PRESET = """
name = "planted"
task = "regression"
[data]
name = "planted:rows"
mode = "loader"
workers = 2
normalize = false
[model]
name = "planted:Model"
[loss]
name = "mse"
[train]
epochs = 1000000
batch_size = 4
threads = 1
evaluate_every_epochs = 0
grad_norm_every = 0
"""
MODULE = """
import os
import time
from pathlib import Path

import torch
from torch.utils.data import Dataset

from tuitrain.components import Splits

HERE = Path(__file__).parent
KEPT = []


def wait_for_a_lock_that_nobody_gives_back():
    while not (HERE / "release").exists():
        time.sleep(0.02)


class Rows(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, number):
        if number == 7 and (HERE / "lock").exists():
            wait_for_a_lock_that_nobody_gives_back()
        time.sleep(0.002)
        return torch.full((3,), number / 64), torch.tensor(number / 64)


def rows():
    return Splits(Rows(), Rows())


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 1)

    def forward(self, inputs):
        if (HERE / "leak").exists():
            KEPT.append(torch.ones(2**18))
            time.sleep(0.02)
        return self.inner(inputs)
"""


@pytest.fixture
def planted(cli: Any) -> Any:
    """Start a run of the preset above in the background."""
    (cli.folder / "planted.py").write_text(MODULE)

    def start(*settings: str) -> Any:
        return cli.detach(cli.preset(PRESET), *(f"--set={each}" for each in settings))

    return start


def alert(run: Any, kind: str, number: int = 0) -> Any:
    """Return an alert of this kind once it is there."""

    def look() -> Any:
        found = [row for row in run.alerts() if row.kind == kind]
        return found[number] if len(found) > number else None

    return run.wait(look, f"alert {kind}")


def test_a_deadlock_in_a_loader_worker_gives_stacks_and_one_that_is_killed_is_named(
    cli: Any, planted: Any
) -> None:
    run = planted("alerts.hang_s=3", "alerts.hang_first_step_s=60")
    run.wait_step(20)
    family = {run.worker_pid, *(p.pid for p in psutil.Process(run.worker_pid).children())}
    (cli.folder / "lock").touch()
    hang = alert(run, "hang")
    assert hang.text.startswith("no step for ")
    assert "wait_for_a_lock_that_nobody_gives_back" in hang.detail
    worker, *others = hang.detail.split("\n\n== ")
    assert worker.startswith(f"== worker, process {run.worker_pid}, ")
    assert "_take_step" in worker
    assert sum(part.startswith("loader ") for part in others) >= 2
    assert run.state().state == "running"

    listed = cli("alerts", run.id).stdout_text
    assert "wait_for_a_lock_that_nobody_gives_back" in listed
    [entry] = json.loads(cli("alerts", run.id, "--json").stdout_text)
    assert (entry["kind"], entry["severity"], entry["step"]) == ("hang", "critical", hang.step)

    said = cli("stacks", run.id).stdout_text
    assert f"== worker, process {run.worker_pid}, " in said
    assert "wait_for_a_lock_that_nobody_gives_back" in said

    step = run.step
    (cli.folder / "release").touch()
    assert "steps continue after" in alert(run, "hang", 1).text
    run.wait_step(step + 50)
    assert family <= {run.worker_pid, *(p.pid for p in psutil.Process(run.worker_pid).children())}

    loaders = [
        child
        for child in psutil.Process(run.worker_pid).children()
        if child.name() == "pt_data_worker"
    ]
    assert len(loaders) == 2
    os.kill(loaders[0].pid, signal.SIGKILL)
    assert run.wait_end().state == "failed"
    died = alert(run, "loaders").text
    assert str(loaders[0].pid) in died or "could not be taken over" in died
    assert "memory" in died
    steps = [number for number, _ in run.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))
    # On a busy machine other steps may take long, too.
    kinds = [kind for kind, _rows in groupby(row.kind for row in run.alerts())]
    assert kinds == ["hang", "stacks", "hang", "loaders", "ended"]


def test_stacks_at_any_time_change_nothing_of_what_is_learned(planted: Any) -> None:
    # Several seconds: each of the commands has to come before the end.
    disturbed = planted("train.max_steps=600", "data.workers=1")
    disturbed.wait_step(5)
    for _ in range(3):
        answer = wait_for_command(
            disturbed.directory, give_command(disturbed.directory, TakeStacks())
        )
        assert (answer.outcome, answer.text[:14]) == ("done", "stacks of 2 of")
    calm = planted("train.max_steps=600", "data.workers=1")
    assert disturbed.wait_end().state == "finished"
    assert calm.wait_end().state == "finished"
    assert disturbed.checkpoint().digest == calm.checkpoint().digest
    assert disturbed.curves() == calm.curves()
    assert len([row for row in disturbed.alerts() if row.kind == "stacks"]) == 3
    assert not disturbed.directory.stacks_path.exists()


def test_memory_that_grows_step_on_step_raises_an_alert(cli: Any, planted: Any) -> None:
    run = planted("data.workers=0", "alerts.creep_warmup_s=1", "alerts.creep_window_s=1",
                  "alerts.creep_hours=100")  # fmt: skip
    run.wait_step(5)
    (cli.folder / "leak").touch()
    creep = alert(run, "creep")
    assert creep.text.startswith("host memory of the worker grows by ")
    assert re.search(r" [KM]iB a step \(", creep.text)
    assert ": full in " in creep.text
    cli("stop", run.id)


# --- who is told ----------------------------------------------------------------------------------


def configure(cli: Any, text: str) -> Path:
    path = cli.folder / "config" / "tuitrain" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_webhook_gets_the_alerts_that_the_user_chose(cli: Any, server: Any) -> None:
    configure(cli, f'[notify]\nwebhook = "http://127.0.0.1:{server.server_port}/hook"\n')
    cli("run", cli.preset(), "--set", "train.max_steps=30")
    [message] = server.bodies
    run = cli.only()
    assert message["run"] == run.id
    assert message["kind"] == "ended"
    assert message["severity"] == "info"
    assert message["text"] == "the run is finished: train.max_steps = 30 reached"
    assert message["step"] == 30
    assert message["host"] == socket.gethostname()
    assert message["time"] > 0


def test_a_test_message_tells_whether_a_service_takes_alerts(cli: Any, server: Any) -> None:
    address = f"http://127.0.0.1:{server.server_port}/runs"
    configure(cli, f'[notify]\nservice = "ntfy"\nwebhook = "{address}"\n')
    told = json.loads(cli("notify", "--test", "--json").stdout_text)
    assert (told["webhook"], told["tested"], told["failed"]) == ("ntfy", True, "")
    [message] = server.bodies
    assert (message["topic"], message["title"]) == ("runs", "tuitrain: nonfinite")
    assert message["message"].startswith("this is a test: alerts arrive here (")
    assert "webhook  ntfy\n" in cli("notify").stdout_text
    configure(cli, '[notify]\nservice = "slack"\nwebhook = "http://127.0.0.1:9/gone"\n')
    assert "slack does not take alerts: " in cli("notify", "--test", exit_code=1).stderr_text
    configure(cli, '[notify]\nservice = "telegram"\n')
    assert "needs notify.chat" in cli("notify", exit_code=2).stderr_text


@pytest.mark.parametrize("answers", ["refused", "never"])
def test_a_dead_webhook_is_told_and_changes_nothing_else(cli: Any, answers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        if answers == "refused":
            deaf.close()
        configure(cli, f'[notify]\nwebhook = "{address}"\n')
        done = cli("run", cli.preset(), "--set", "train.max_steps=30")
        assert "finished: train.max_steps = 30 reached" in done.stdout_text
        run = cli.only()
        assert run.state().state == "finished"
        ended, webhook = run.alerts()
        assert ended.kind == "ended"
        assert webhook.kind == "webhook"
        assert webhook.text.startswith("the webhook does not take alerts: ")


def test_a_fault_in_the_users_configuration_is_named_before_anything_starts(cli: Any) -> None:
    path = configure(cli, '[notify]\nwebhook = "example.org"\n')
    said = cli("run", cli.preset(), exit_code=2).stderr_text
    assert f"{path}:2: notify.webhook: found " in said
    assert not cli.runs.exists() or not list(cli.runs.iterdir())
    doctor = cli("doctor", exit_code=1).stdout_text
    assert "broken  configuration" in doctor
    assert "notify.webhook" in doctor


def test_the_users_limits_hold_unless_the_preset_has_its_own(cli: Any) -> None:
    configure(cli, "[alerts]\nhang_s = 5\nhot_c = 70\n")
    said = cli("run", cli.preset(), "--set", "alerts.hot_c=80", "--print-config").stdout_text
    assert "hang_s = 5.0" in said or "hang_s = 5\n" in said
    assert "hot_c = 80" in said
    rules = json.loads(cli("alerts", "--rules", "--json").stdout_text)
    hang = next(rule for rule in rules if rule["kind"] == "hang")
    assert hang["settings"]["hang_s"] == 5
