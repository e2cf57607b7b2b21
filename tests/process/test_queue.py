"""Runs that wait for their turn, with real processes: order, kills, and giving way."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.process.conftest import ENDLESS, Cli, Run


@pytest.fixture
def box(cli: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "leases").mkdir()
    cli.environ["TUITRAIN_LEASES"] = str(tmp_path / "leases")
    return cli


def enqueue(box: Cli, name: str, *arguments: str) -> Run:
    return box.detach("own.toml", "--when-free", "--slots", "2", "--name", name, *arguments)


def queue(box: Cli) -> list[Any]:
    return json.loads(box("queue", "--json").stdout_text)["waiting"]


def test_order_is_kept_through_kills_and_who_gives_way_goes_on_afterwards(box: Cli) -> None:
    box.preset(ENDLESS.replace("hidden = [256, 256]", "hidden = [8]"))
    polite, other = enqueue(box, "polite", "--give-way"), enqueue(box, "other")
    polite.wait_step(20)
    other.wait_state("running")
    # Both slots are taken; the first that waits gets the one that is given up for it.
    first = enqueue(box, "first")
    first.wait_state("running")
    polite.wait_state("queued")
    # For a moment the one that took its slot is still in the queue.
    polite.wait(lambda: polite.state().reason.startswith("place 1 of 1; slot "), "the first place")
    stood = polite.step
    waits = enqueue(box, "waits", "--after", "other")
    never = enqueue(box, "never")
    assert [each["run"] for each in queue(box)] == [waits.id, never.id, polite.id]
    assert "which is running" in waits.state().reason
    box("queue", "up", "never")
    assert [each["run"] for each in queue(box)] == [never.id, waits.id, polite.id]
    refused = box("pause", "never", exit_code=1)
    assert "it waits in the queue, with no worker" in refused.stderr_text
    # Killed: the kernel gives its slot back, to the one that is next in the queue.
    box.killed.add(first.id)
    first.kill("supervisor", "worker")
    never.wait_state("running")
    box("queue", "cancel", "waits")
    assert waits.wait_end().reason == "cancelled while it waited in the queue"
    assert len(waits.attempts()) == 0
    box("stop", "never")
    polite.wait_step(stood + 20)
    assert [mark.kind for mark in polite.marks() if mark.kind == "resume"] == ["resume"]
    assert queue(box) == []
    for run in (polite, other):
        box("stop", run.id)
        run.wait_end()
    assert first.state().state == "lost"


def test_what_can_not_be_waited_for_is_refused_before_there_is_a_run(box: Cli) -> None:
    box.preset()
    for arguments, words in (
        (("--gpus", "2"), "--gpus: only together with --when-free"),
        (("--when-free", "--slots", "2", "--gpus", "2"), "--slots does not go with --gpus"),
        (("--when-free", "--slots", "2", "--memory", "much"), "--slots does not go with"),
        (("--when-free", "--after", "nobody"), "no runs in"),
    ):
        assert words in box("run", "own.toml", *arguments, exit_code=2).stderr_text
    box.environ["SLURM_JOB_ID"] = "17"
    refused = box("run", "own.toml", "--when-free", exit_code=2).stderr_text
    assert "job 17 of SLURM has its GPUs from the scheduler" in refused
    assert not box.runs.exists()
