"""Runs of several ranks: killed, resumed, told what to do, and failing."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.process.conftest import ENDED
from tests.process.test_exact_resume import assert_equal
from tuitrain.analysis.ranks import rank_memory, rank_times
from tuitrain.metric_names import rank_metric
from tuitrain.ranks import read_board
from tuitrain.runs.reader import RunReader

pytestmark = pytest.mark.timeout(900)
PATIENCE_S = 240.0
"""Each rank imports torch, and there may be more of them than free cores."""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Return the condition's value once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)
    return value


EXACT = """
name = "exact"
task = "classification"
[data]
name = "digits"
augment = [{ name = "shift", pixels = 1 }, { name = "flip", probability = 0.2 }]
[model]
name = "cnn"
channels = [8, 16]
hidden = 64
dropout = 0.25
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
lr = 1e-3
[schedule]
name = "cosine"
warmup_steps = 10
[train]
epochs = 2
batch_size = 17
accumulate = 2
clip_norm = 5.0
threads = 1
evaluate_every_steps = 40
[checkpoint]
every_steps = 7
"""
"""43 steps an epoch, whose last one is of 9 samples: an uneven batch, and one accumulated part."""


def pids(run: Any) -> list[int]:
    """Return the processes of the ranks, once all of them train."""

    def training() -> list[int]:
        standings = read_board(run.directory.path)
        return [each.pid for each in standings if each.step > 0]

    size = until(lambda: len(read_board(run.directory.path)), "a board")
    return until(lambda: found if len(found := training()) == size else [], "ranks")


def wait_end(run: Any) -> Any:
    """Return the state of a run that has ended, once its processes have."""
    state = until(lambda: found if (found := run.state()).state in ENDED else None, "an end")
    run.wait_gone()
    return state


OWN = """
import os, signal, time
from multiprocessing import parent_process
from pathlib import Path
import psutil
from tuitrain.components import Hook

RANK = int(os.environ.get("RANK", "0"))

class Kills(Hook):
    '''Kills what the plan says after a step, once: "19:2" rank 2, "40:agent".'''

    def __init__(self, *, plan: str = ""):
        self.plan = dict(each.split(":") for each in plan.split(",") if each)

    def updated(self, step):
        whom = self.plan.get(str(step), "")
        if whom and RANK == int(whom if whom.isdigit() else 1):
            done = Path(__file__).with_name(f"{step}-{whom}.done")
            if not done.exists():
                done.touch()
                agent = psutil.Process(parent_process().pid)
                pid = {"agent": agent.pid, "supervisor": agent.ppid()}.get(whom, os.getpid())
                os.kill(pid, signal.SIGKILL)
                # Ranks notice after a moment, in which they could come to the next one's step.
                time.sleep(3)

class Fails(Hook):
    def __init__(self, *, rank: int = 0, stuck: int = -1):
        self.rank, self.stuck = rank, stuck

    def updated(self, step):
        if step == 12 and RANK == self.stuck:
            time.sleep(1000)
        if step == 12 and RANK == self.rank:
            raise ValueError("planted")
"""


KILLS = {2: ("0", "agent", "supervisor"), 3: ("2",)}
"""By the number of ranks. From three on it shows in which order their gradients are summed."""
DISTURBED = ("data.mode=loader", "data.workers=1")
UNDISTURBED = ("data.mode=tensor",)


def start(cli: Any, ranks: int, settings: tuple[str, ...], plan: str) -> Any:
    hooks = f'hooks = [{{ name = "own:Kills", plan = "{plan}" }}]'
    preset = cli.preset(hooks + EXACT, f"own-{bool(plan)}.toml")
    given = (part for each in settings for part in ("--set", each))
    return cli.detach(preset, "--ranks", str(ranks), *given)


def undisturbed(cli: Any, ranks: int) -> Any:
    run = start(cli, ranks, UNDISTURBED, "")
    assert wait_end(run).state == "finished", run.log
    return run


def killed_and_resumed(cli: Any, ranks: int) -> Any:
    """Kill in the midst of the run, each time at a step of its own, and go on from where it was."""
    kills = KILLS[ranks]
    steps = sorted(random.Random(ranks).sample(range(9, 80), len(kills)))
    plan = ",".join(f"{step}:{whom}" for step, whom in zip(steps, kills, strict=True))
    run = start(cli, ranks, DISTURBED, plan)
    for _whom in kills:
        assert wait_end(run).state in ("failed", "lost"), run.log
        cli.killed.add(run.id)
        cli("resume", run.id, "--code", str(cli.folder / "own.py"))
    assert wait_end(run).state == "finished", run.log
    assert len(run.attempts()) == 1 + len(kills)
    return run


@pytest.mark.parametrize("ranks", KILLS)
def test_killed_and_resumed_ranks_end_in_the_same_bits_and_record(cli: Any, ranks: int) -> None:
    (cli.folder / "own.py").write_text(OWN)
    with ThreadPoolExecutor(2) as pool:
        both = (pool.submit(killed_and_resumed, cli, ranks), pool.submit(undisturbed, cli, ranks))
        pair = [each.result() for each in both]
    states = [
        torch.load(run.directory.path / run.checkpoint().path, weights_only=True) for run in pair
    ]
    assert len(states[0]["generators"]) == ranks
    for key in ("step", "model", "optimizer", "generators", "best", "train_means"):
        assert_equal(states[0][key], states[1][key], key)
    one, other = (run.curves() for run in pair)
    for name in ("train/loss", "train/accuracy", "lr", "grad_norm"):
        assert [step for step, _ in one[name]] == list(range(1, states[0]["step"] + 1)), name
        assert one[name] == other[name], name
    evaluated = [[(e.step, e.metrics, e.counts) for e in run.evaluations()] for run in pair]
    assert evaluated[0] == evaluated[1]


def assert_watched(run: Any, ranks: int) -> None:
    """Each rank's exchange and memory are on record, and no rank counts as a loader."""

    def told() -> dict[str, float]:
        with RunReader(run.directory) as reader:
            return reader.curves.split(40)

    last = rank_metric(ranks - 1, "exchange")
    split = until(lambda: found if last in (found := told()) else {}, "the split of all ranks")
    times = rank_times(split)
    assert len(times) == len(rank_memory(split)) == ranks
    assert all(each.own_s > 0 and each.wait_s >= 0 for each in times)
    assert all(each.seconds["backward"] > 0 for each in times)
    assert sum(each.seconds["exchange"] for each in times) > 0
    assert all(each.host_bytes > 1e7 for each in rank_memory(split))
    samples = until(lambda: found if "host/ranks" in (found := read(run)) else {}, "readings")
    assert (samples["host/ranks"], samples["host/loaders"]) == (ranks, 0)


def read(run: Any) -> Any:
    with RunReader(run.directory) as reader:
        return reader.readings.latest_samples()


def test_all_ranks_are_watched_do_what_they_are_told_at_one_step_and_one_goes_on(
    cli: Any,
) -> None:
    run = cli.endless("train.ranks=2")
    ranks = pids(run)
    assert_watched(run, 2)
    cli("pause", run.id)
    until(lambda: run.state().state == "paused", "a pause")
    standing = read_board(run.directory.path)
    assert len({each.step for each in standing}) == 1
    cli("set", run.id, "optimizer.lr=2e-4")
    cli("checkpoint", run.id, "--name", "mine")
    cli("resume", run.id)
    until(lambda: run.state().state == "running", "training")
    step = run.step
    until(lambda: run.step > step + 30, "more steps")
    assert dict(run.points("lr"))[run.step] == pytest.approx(2e-4)
    assert "mine" in {name for row in run.checkpoints() for name in row.names}
    cli("profile", run.id, "--steps", "3")
    said = cli("profile", run.id, "--ranks", "0,1", "--steps", "3", "--json").stdout_text
    together = json.loads(said)
    assert [each["rank"] for each in together["ranks"]] == [0, 1]
    assert all(each["compute_s"] > 0 for each in together["ranks"])
    assert cli("profile", run.id, "--show", together["ranks"][1]["profile"]).stdout_text
    # SIGTERM to a rank that decides nothing: it is what all do, with a checkpoint.
    os.kill(ranks[1], signal.SIGTERM)
    ended = wait_end(run)
    assert (ended.state, ended.reason) == ("stopped", "rank 1 got SIGTERM")
    assert run.checkpoint().step == run.step
    before = run.step

    cli.resume(run, "--set", "train.ranks=1", "--set", f"train.max_steps={before + 10}")
    assert wait_end(run).state == "finished"
    assert [step for step, _ in run.points("train/loss")] == list(range(1, before + 11))
    [text] = [a.text for a in run.alerts() if "ranks" in a.text]
    assert "goes on with one rank, it had 2 ranks" in text
    assert Path(run.directory.path / "ranks").exists() is False


def test_a_rank_that_raises_is_named_though_another_is_stuck(cli: Any) -> None:
    (cli.folder / "own.py").write_text(OWN)
    text = 'hooks = [{ name = "own:Fails", rank = 1, stuck = 0 }]\n'
    preset = cli.preset(text + EXACT.strip())
    process = cli("run", preset, "--ranks", "2", exit_code=1)
    run = cli.only()
    way_on = "the last checkpoint is of step 7: a resume goes on from it"
    assert run.state().reason == f"rank 1: ValueError: planted; {way_on}", run.log
    assert "rank 1: ValueError: planted" in process.stdout_text


def test_a_rank_that_hangs_is_named_with_what_the_others_wait_in_and_all_stacks(cli: Any) -> None:
    (cli.folder / "own.py").write_text(OWN)
    text = 'hooks = [{ name = "own:Fails", rank = -1, stuck = 1 }]\n'
    preset = cli.preset(text + EXACT.strip() + "\n[alerts]\nhang_s = 3\nhang_first_step_s = 200\n")
    run = cli.detach(preset, "--ranks", "2")
    stands = "rank 1 is in step 12; rank 0 waits for it"
    # A machine that is busy may have seemed to hang before.
    [hang] = until(lambda: [each for each in run.alerts() if stands in each.text], "an alert")
    assert "rank 1 has not come to all_reduce of " in hang.text
    # In the next step, or in the beat before it, as fast as steps come here.
    assert ", in which rank 0 waits" in hang.text
    assert "in updated" in hang.detail
    # The one that hangs can't save with the others; nobody but the agent is left to end it.
    run.kill("supervisor")
    until(lambda: not cli.processes(), "nothing left running")
    assert run.state().state == "lost"
    cli.resume(run, "--code", str(cli.folder / "own.py"))
    until(lambda: [each.step for each in read_board(run.directory.path)][1:] == [12], "step 12")
    assert [step for step, _ in run.points("train/loss")][:7] == list(range(1, 8))
    cli("stop", run.id, "--now")
    wait_end(run)


LINE = """
name = "line"
task = "regression"
[data]
name = "linear"
samples = 125
noise = 0.1
[model]
name = "mlp"
hidden = [16]
[loss]
name = "mse"
[train]
epochs = 4
batch_size = 11
accumulate = 3
clip_norm = 1.0
threads = 1
"""
"""Of 100 samples: the last step of an epoch has one, so two of three ranks have none."""


def test_three_ranks_learn_what_one_does_though_samples_do_not_come_out_even(cli: Any) -> None:
    preset = cli.preset(LINE)
    runs = []
    for ranks in ("1", "3"):
        runs.append(cli.detach(preset, "--ranks", ranks, "--name", f"of-{ranks}"))
    assert [wait_end(run).state for run in runs] == ["finished", "finished"]
    alone, together = (run.curves() for run in runs)
    for name in ("train/loss", "train/mae", "grad_norm", "val/loss", "val/r2"):
        assert [step for step, _ in together[name]] == [step for step, _ in alone[name]]
        found = [value for _step, value in together[name]]
        assert found == pytest.approx([value for _step, value in alone[name]], rel=1e-3), name
    assert together["lr"] == alone["lr"]
