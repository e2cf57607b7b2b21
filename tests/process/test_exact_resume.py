"""Runs that are killed and resumed end in the very weights and record of an undisturbed one."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import torch

PRESET = """
name = "exact"
task = "classification"
[data]
name = "digits"
augment = [{ name = "shift", pixels = 1 }, { name = "flip", probability = 0.2 }]
[model]
name = "cnn"
channels = [32, 64]
hidden = 128
dropout = 0.25
[loss]
name = "cross_entropy"
[optimizer]
name = "adamw"
lr = 3e-3
weight_decay = 1e-2
[schedule]
name = "cosine"
warmup_steps = 30
[train]
epochs = 100
batch_size = 32
accumulate = 2
clip_norm = 5.0
threads = 1
evaluate_every_steps = 10
[checkpoint]
every_steps = 7
[stop]
patience = 3
min_delta = 0.04
"""


KILLS = """
import os, random, signal, threading
from pathlib import Path
from tuitrain.components import Hook

class Kills(Hook):
    '''Kills once, some milliseconds after each step of the plan: "9:worker,15:supervisor+worker".

    At a step's end, and not when somebody outside has seen the step, runs die where they should on
    any machine.
    '''

    def __init__(self, *, plan: str = ""):
        self.plan = dict(each.split(":") for each in plan.split(",") if each)

    def updated(self, step):
        whom = self.plan.get(str(step), "")
        done = Path(__file__).with_name(f"{step}-{whom}.done")
        if whom and not done.exists():
            done.touch()
            pids = {"worker": os.getpid(), "supervisor": os.getppid()}
            whole = [pids[each] for each in whom.split("+")]
            threading.Timer(random.Random(step).random() / 20, kill, [whole]).start()

def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
"""


@dataclass(frozen=True)
class Case:
    seed: int
    disturbed: tuple[str, ...]
    undisturbed: tuple[str, ...]
    kills: tuple[str, ...]


TENSOR = ("data.mode=tensor",)
ALONE = ("data.mode=loader", "data.workers=0")
WORKERS = ("data.mode=loader", "data.workers=2")
CASES = (
    Case(1, TENSOR, WORKERS, ("worker", "supervisor", "supervisor+worker")),
    Case(3, WORKERS, ALONE, ("supervisor", "worker+supervisor", "worker")),
)


def with_kills(preset: str, plan: str) -> str:
    return f'hooks = [{{ name = "own:Kills", plan = "{plan}" }}]\n{preset}'


def killed_as_planned(cli: Any, run: Any, times: int) -> Any:
    """Resume a run that kills itself again and again, until it has ended by itself."""
    cli.killed.add(run.id)
    for _ in range(times):
        assert run.wait_end().state in ("failed", "lost"), run.log
        # Not that it runs: it may have been killed once more meanwhile.
        cli("resume", run.id, "--code", cli.folder / "own.py", exit_code=None)
    run.wait_end()
    return run


def disturbed(cli: Any, case: Case) -> Any:
    """Return a run that was killed as the case says, each time at a step of its own."""
    steps = sorted(random.Random(case.seed).sample(range(5, 75), len(case.kills)))
    plan = ",".join(f"{step}:{whom}" for step, whom in zip(steps, case.kills, strict=True))
    preset = cli.preset(with_kills(PRESET, plan), "killed.toml")
    settings = (f"--set={each}" for each in (f"train.seed={case.seed}", *case.disturbed))
    return killed_as_planned(cli, cli.detach(preset, *settings), len(case.kills))


def undisturbed(cli: Any, case: Case) -> Any:
    settings = (f"--set={each}" for each in (f"train.seed={case.seed}", *case.undisturbed))
    run = cli.detach(cli.preset(with_kills(PRESET, ""), "whole.toml"), *settings)
    run.wait_end()
    return run


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"seed {case.seed}")
def test_a_killed_run_ends_in_the_same_bits_and_record(cli: Any, case: Case) -> None:
    (cli.folder / "own.py").write_text(KILLS)
    with ThreadPoolExecutor(2) as pool:
        both = (pool.submit(disturbed, cli, case), pool.submit(undisturbed, cli, case))
        pair = tuple(each.result() for each in both)
    assert_stopped_early_at_the_same_step(pair)
    assert_same_weights(pair)
    assert_every_step_once_and_every_point_equal(pair)
    evaluated = [
        [(e.step, e.epoch, e.metrics, e.counts) for e in run.evaluations()] for run in pair
    ]
    assert evaluated[0] == evaluated[1]
    killed, whole = pair
    assert len(killed.attempts()) == 4
    assert len([mark for mark in killed.marks() if mark.kind == "resume"]) == 3
    assert len(whole.attempts()) == 1


def assert_same_weights(pair: Any) -> None:
    one, other = (run.checkpoint() for run in pair)
    assert (one.step, one.digest) == (other.step, other.digest)
    states = [
        torch.load(run.directory.path / run.checkpoint().path, weights_only=True) for run in pair
    ]
    for key in ("model", "optimizer", "generators", "best", "early_stop", "train_means"):
        assert_equal(states[0][key], states[1][key], key)


def assert_every_step_once_and_every_point_equal(pair: Any) -> None:
    one, other = (run.curves() for run in pair)
    last = pair[0].checkpoint().step
    for name in ("train/loss", "train/accuracy", "lr", "grad_norm"):
        assert [step for step, _ in one[name]] == list(range(1, last + 1))
    assert set(one) == set(other)
    for name in one:
        assert one[name] == other[name], name


def assert_stopped_early_at_the_same_step(pair: Any) -> None:
    one, other = (run.state() for run in pair)
    assert one.state == "finished", pair[0].log
    assert "val/loss has not improved for 3 evaluations" in one.reason
    assert (one.reason, one.step) == (other.reason, other.step)


def assert_equal(one: Any, other: Any, place: str) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one:
            assert_equal(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_equal(left, right, f"{place}[{number}]")
    else:
        assert one == other, place


def test_a_shipped_text_model_goes_on_to_the_same_bits_after_each_of_its_processes_died(
    cli: Any,
) -> None:
    settings = (
        'model={name="gpt", width=48, layers=1, heads=2}', "schedule.warmup_steps=0",
        "train.max_steps=60", "train.evaluate_every_steps=40", "train.threads=1",
        "train.precision=fp32", "checkpoint.every_steps=7",
    )  # fmt: skip
    (cli.folder / "own.py").write_text(KILLS)
    given = [f"--set={setting}" for setting in settings]
    undisturbed = cli.detach("char-gpt", *given)
    hooks = 'hooks=[{name="own:Kills", plan="15:worker,36:supervisor"}]'
    killed = killed_as_planned(cli, cli.detach("char-gpt", *given, "--set", hooks), 2)
    digests = []
    for run in (undisturbed, killed):
        assert run.wait_end().step == 60, run.log
        path = (run.directory.checkpoints / "last.pt").resolve()
        digests.append(torch.load(path, weights_only=True)["digest"])
    assert digests[0] == digests[1]
