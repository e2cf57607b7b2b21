"""The script of a job: what follows from the machines and GPUs that are asked for."""

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tuitrain.cli.launch.submit import job_of
from tuitrain.errors import UsageError


def script(runs: Path, nodes: int, gpus: int, *overrides: str) -> list[str]:
    job = job_of("digits-mlp", overrides, nodes, gpus, "", None, (), runs)
    return job.script(["tuitrain"]).splitlines()


def settings(lines: Sequence[str]) -> list[str]:
    words = shlex.split(lines[-1])
    return [given for option, given in pairwise(words) if option == "--set"]


@pytest.mark.parametrize(
    ("nodes", "gpus", "overrides", "follows"),
    [
        (2, 0, (), ["train.device=cpu"]),
        (2, 0, ("train.ranks=4",), ["train.ranks=4", "train.device=cpu"]),
        (2, 0, ("train.device=cpu",), ["train.device=cpu"]),
        (1, 1, (), []),
        (2, 8, (), ["train.ranks=8"]),
        (2, 8, ("train.ranks=4",), ["train.ranks=4"]),
        (2, 8, ("train.ranks=auto",), ["train.ranks=auto"]),
        (1, 1, ("train.device=cpu", "train.ranks=4"), ["train.device=cpu", "train.ranks=4"]),
    ],
)
def test_ranks_and_device_follow_from_the_gpus_but_for_what_is_set(
    tmp_path: Path, nodes: int, gpus: int, overrides: tuple[str, ...], follows: list[str]
) -> None:
    lines = script(tmp_path, nodes, gpus, *overrides)
    assert settings(lines) == follows
    assert f"#SBATCH --nodes={nodes}" in lines
    asked = [line for line in lines if "--gpus" in line]
    assert asked == ([f"#SBATCH --gpus-per-node={gpus}"] if gpus else [])
    # Of several nodes each has a task, which gets the signal.
    signals = "TERM@120" if nodes > 1 else "B:TERM@120"
    assert f"#SBATCH --signal={signals}" in lines
    assert lines[-1].startswith("exec srun tuitrain run" if nodes > 1 else "exec tuitrain run")


@pytest.mark.parametrize(
    ("gpus", "overrides", "said"),
    [
        (0, ("train.device=cuda",), "--gpus 0: train.device = cuda needs GPUs; take --gpus N"),
        (1, ("train.ranks=4",), r"--gpus 1: train.ranks = 4, .* take --gpus 4"),
        (2, ("train.ranks=4",), r"--gpus 2: train.ranks = 4, .* take --gpus 4"),
    ],
)
def test_gpus_that_do_not_do_are_refused_before_the_job_waits(
    tmp_path: Path, gpus: int, overrides: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        script(tmp_path, 2, gpus, *overrides)
