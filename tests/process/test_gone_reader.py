"""A run in the foreground outlives whoever reads it: a closed pipe, a terminal that hangs up."""

import os
import pty
import subprocess
import sys
from typing import Any

import pytest


def test_a_run_goes_on_when_the_pipe_it_prints_to_is_closed(cli: Any) -> None:
    process = cli.start("run", cli.preset())
    run = cli.wait_only()
    process.stdout.close()
    run.wait_step(30)
    # Enough is printed until then to notice that nobody reads.
    cli("set", run.id, "optimizer.lr=1e-4")
    run.wait_step(run.step + 100)
    assert process.poll() is None
    cli("stop", run.id)
    process.wait()
    assert run.state().state == "stopped"


def test_a_run_goes_on_when_its_terminal_hangs_up(cli: Any) -> None:
    master, slave = pty.openpty()
    process = cli.start(
        "run", cli.preset(), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    run = cli.wait_only()
    run.wait_step(30)
    os.close(master)
    run.wait_step(run.step + 100)
    assert process.poll() is None
    cli("stop", run.id)
    assert process.wait() == 130
    assert run.state().state == "stopped"


SHORT = "run linear-regression --set train.epochs=1 --set train.threads=1"


@pytest.mark.parametrize("command", [f"{SHORT} >&- 2>&- <&-", f"{SHORT} --json >/dev/full"])
def test_a_run_outlives_streams_that_are_closed_or_full(cli: Any, command: str) -> None:
    result = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m tuitrain {command}"],
        env=cli.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "")
    assert cli.only().state().state == "finished"
    told = result.stderr.splitlines()
    assert [line for line in told if "nothing more is printed" in line] == told[:1]
