"""Runs that are killed and resumed end in the very weights and record of an undisturbed one."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import torch

TRIES = 4
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
lr = 1e-3
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
evaluate_every_steps = 20
[checkpoint]
every_steps = 7
[stop]
patience = 4
min_delta = 0.04
"""


@dataclass(frozen=True)
class Case:
    seed: int
    disturbed: tuple[str, ...]
    undisturbed: tuple[str, ...]
    kills: tuple[tuple[str, ...], ...]


TENSOR = ("data.mode=tensor",)
ALONE = ("data.mode=loader", "data.workers=0")
WORKERS = ("data.mode=loader", "data.workers=2")
CASES = (
    Case(1, TENSOR, WORKERS, (("worker",), ("supervisor",), ("supervisor", "worker"))),
    Case(2, ALONE, TENSOR, (("supervisor", "worker"), ("worker",), ("supervisor",))),
    Case(3, WORKERS, ALONE, (("supervisor",), ("worker", "supervisor"), ("worker",))),
)


def start(cli: Any, seed: int, settings: tuple[str, ...]) -> Any:
    each = (f"train.seed={seed}", *settings)
    return cli.detach(cli.folder / "own.toml", *(part for s in each for part in ("--set", s)))


def undisturbed(cli: Any, case: Case) -> Any:
    run = start(cli, case.seed, case.undisturbed)
    run.wait_end()
    return run


class EndedTooSoonError(Exception):
    """The run was over before it could be killed as often as it should be."""


def disturbed(cli: Any, case: Case) -> Any:
    """Return a run that was killed as the case says; on a busy machine one may end before that."""
    for _ in range(TRIES):
        with suppress(EndedTooSoonError):
            return killed_again_and_again(cli, case)
    raise AssertionError(f"{TRIES} runs ended before they could be killed {len(case.kills)} times")


def killed_again_and_again(cli: Any, case: Case) -> Any:
    """Kill a run again and again, each time a few steps further on than the last."""
    chance = random.Random(case.seed)
    run = start(cli, case.seed, case.disturbed)
    for whom in case.kills:
        goal = run.step + chance.randint(1, 20)
        run.wait(lambda g=goal: run.step >= g or run.state().state == "finished", f"step {goal}")
        if run.state().state == "finished":
            raise EndedTooSoonError
        run.kill(*whom)
        attempts = len(run.attempts())
        # Not waited for: training goes on fast, and the next kill is to come soon.
        cli.start("resume", run.id)
        run.wait_attempt(attempts + 1)
    run.wait_end()
    return run


@pytest.fixture(scope="module")
def pairs(cli_of_module: Any) -> dict[int, tuple[Any, Any]]:
    """Run every case, two runs at a time."""
    cli_of_module.preset(PRESET)
    with ThreadPoolExecutor(2) as pool:
        killed = [pool.submit(disturbed, cli_of_module, case) for case in CASES]
        whole = [pool.submit(undisturbed, cli_of_module, case) for case in CASES]
        return {
            case.seed: (one.result(), other.result())
            for case, one, other in zip(CASES, killed, whole, strict=True)
        }


@pytest.fixture(params=CASES, ids=lambda case: f"seed {case.seed}, {' '.join(case.disturbed)}")
def pair(request: pytest.FixtureRequest, pairs: Any) -> tuple[Any, Any]:
    return pairs[request.param.seed]


def test_the_weights_are_equal_to_the_last_bit(pair: Any) -> None:
    one, other = (run.checkpoint() for run in pair)
    assert (one.step, one.digest) == (other.step, other.digest)
    states = [
        torch.load(run.directory.path / run.checkpoint().path, weights_only=True) for run in pair
    ]
    for key in ("model", "optimizer", "generators", "best", "early_stop", "train_means"):
        assert_equal(states[0][key], states[1][key], key)


def test_every_step_is_on_record_once_and_every_point_equal(pair: Any) -> None:
    one, other = (run.curves() for run in pair)
    last = pair[0].checkpoint().step
    for name in ("train/loss", "train/accuracy", "lr", "grad_norm"):
        assert [step for step, _ in one[name]] == list(range(1, last + 1))
    assert set(one) == set(other)
    for name in one:
        assert one[name] == other[name], name


def test_evaluations_and_their_counts_are_equal(pair: Any) -> None:
    one, other = (
        [(row.step, row.epoch, row.metrics, row.counts) for row in run.evaluations()]
        for run in pair
    )
    assert one == other


def test_early_stopping_ends_both_at_the_same_step_for_the_same_reason(pair: Any) -> None:
    one, other = (run.state() for run in pair)
    assert one.state == "finished"
    assert "val/loss has not improved for 4 evaluations" in one.reason
    assert (one.reason, one.step) == (other.reason, other.step)


def test_the_killed_run_was_really_killed(pair: Any) -> None:
    killed, whole = pair
    assert len(killed.attempts()) == 4
    assert len([mark for mark in killed.marks() if mark.kind == "resume"]) == 3
    assert len(whole.attempts()) == 1


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
        "train.max_steps=400", "train.evaluate_every_steps=100", "train.threads=1",
        "train.precision=fp32", "checkpoint.every_steps=7",
    )  # fmt: skip
    given = [part for setting in settings for part in ("--set", setting)]
    undisturbed = cli.detach("char-gpt", *given)
    killed = cli.detach("char-gpt", *given)
    for whom, step in (("worker", 15), ("supervisor", 75)):
        killed.wait_step(step)
        killed.kill(whom)
        killed.wait_end()
        cli.resume(killed)
    digests = []
    for run in (undisturbed, killed):
        assert run.wait_end().step == 400
        path = (run.directory.checkpoints / "last.pt").resolve()
        digests.append(torch.load(path, weights_only=True)["digest"])
    assert digests[0] == digests[1]
