"""A job of SLURM, with stand-ins for its commands that note what they are given."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.process.conftest import Cli
from tests.process.test_ranks import until

pytestmark = pytest.mark.timeout(900)

SBATCH = '#!/bin/sh\ncat > "$FAKE/job.sh"\necho "Submitted batch job 7"\n'
SCONTROL = '#!/bin/sh\necho "$@" >> "$FAKE/asked"\n'
SRUN = f"""#!{sys.executable}
import os, signal, subprocess, sys
import psutil

step = {{"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_NODES": "2", "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost,other[1-3]"}}
tasks = [subprocess.Popen(sys.argv[1:], env=os.environ | step | {{"SLURM_PROCID": str(number)}})
         for number in (0, 1)]

def to_all(number, _frame):
    for process in psutil.Process().children(recursive=True):
        process.send_signal(number)

signal.signal(signal.SIGTERM, to_all)
raise SystemExit(max(task.wait() for task in tasks))
"""
"""SLURM signals every process of a step at once."""


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_job_saves_and_requeues_itself_and_goes_on_where_it_was(cli: Cli, nodes: int) -> None:
    fake = cli.folder / "slurm"
    fake.mkdir()
    for name, text in (("sbatch", SBATCH), ("scontrol", SCONTROL), ("srun", SRUN)):
        (fake / name).write_text(text)
        (fake / name).chmod(0o755)
    cli.environ |= {"FAKE": str(fake), "PATH": f"{fake}:{os.environ['PATH']}"}
    wanted = ("--nodes", str(nodes), "--gpus", "0", "--time", "1:00:00")
    said = cli("submit", cli.preset(), "--name", "job", "--set", "train.device=cpu", *wanted)
    assert said.stdout_text == "Submitted batch job 7\n"
    script = (fake / "job.sh").read_text()
    assert f"#SBATCH --nodes={nodes}\n" in script and "#SBATCH --time=1:00:00\n" in script
    assert "--gpus" not in script and ("exec srun" in script) == (nodes > 1)

    def stopped_job(done: int, restarts: int) -> int:
        """Let the job run, and end it as SLURM does; return the last step of the run."""
        now = {
            "SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": str(restarts),
            "SLURM_NNODES": str(nodes), "SLURM_JOB_END_TIME": str(int(time.time()) + 600),
        }  # fmt: skip
        with (cli.folder / "job.log").open("a") as log, subprocess.Popen(
            ["bash", str(fake / "job.sh")], cwd=cli.folder, env={**cli.environ, **now},
            start_new_session=True, stdout=log, stderr=log,
        ) as job:  # fmt: skip
            until(lambda: any(cli.runs.glob("[!.]*/run.db")), "a run")
            run = cli.only()
            until(lambda: run.step > done + 20, "steps of this job")
            assert run.facts().job.requeues
            job.send_signal(signal.SIGTERM)
        assert job.returncode == 143, (cli.folder / "job.log").read_text()
        return run.step

    first = stopped_job(0, 0)
    assert (fake / "asked").read_text() == "requeue 7\n"
    assert stopped_job(first, 1) > first
    assert (fake / "asked").read_text() == "requeue 7\n" * 2
    run = cli.only()
    until(lambda: run.state().state == "stopped", "the end")
    assert run.summary().name == "job-7"
    steps = [number for number, _ in run.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))
    assert run.checkpoint().step == run.step
    said = (cli.folder / "job.log").read_text()
    assert "before it would finish; it goes on after requeue" in said
    assert "job 7 is in the queue again" in said and f"{run.id} goes on" in said
    cli.assert_nothing_left()


def test_what_is_wrong_is_told_before_anything_waits(cli: Cli) -> None:
    cli.environ["PATH"] = "/nowhere"
    preset = cli.preset()
    for words, said in (
        (("--requeue",), "this is no job of SLURM"),
        (("--time-limit", "soon"), "--time-limit soon: must be as SLURM has it"),
        (("--nodes", "2"), "several machines take --nodes N, --node-rank R and --rendezvous"),
        (("--nodes", "2", "--node-rank", "2", "--rendezvous", "a:1"), "it is 0 to 1"),
        (("--nodes", "2", "--node-rank", "0", "--rendezvous", "a"), "must be HOST:PORT"),
    ):
        assert said in cli("run", preset, *words, exit_code=2).stderr_text
    for words, said in (
        (("--time", "soon"), "--time soon: must be as SLURM has it"),
        (("--set", "train.epochs=0"), "train.epochs: found 0"),
        ((), "there is no sbatch here"),
    ):
        done = cli("submit", preset, *words, exit_code=None)
        assert done.returncode in (1, 2)
        assert said in done.stderr_text
    said = cli("submit", preset, "--nodes", "2", "--gpus", "8", "--print").stdout_text
    assert "#SBATCH --gpus-per-node=8\n" in said and "exec srun" in said and "train.ranks=8" in said
