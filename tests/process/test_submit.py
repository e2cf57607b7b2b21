"""A job of SLURM, with an sbatch and a scontrol that note what they are given."""

import os
import signal
import subprocess

from tests.process.conftest import Cli, until

SBATCH = '#!/bin/sh\ncat > "$FAKE/job.sh"\necho "Submitted batch job 7"\n'
SCONTROL = '#!/bin/sh\necho "$@" >> "$FAKE/asked"\n'


def test_a_job_saves_and_requeues_itself_and_goes_on_where_it_was(cli: Cli) -> None:
    fake = cli.folder / "slurm"
    fake.mkdir()
    for name, text in (("sbatch", SBATCH), ("scontrol", SCONTROL)):
        (fake / name).write_text(text)
        (fake / name).chmod(0o755)
    cli.environ |= {"FAKE": str(fake), "PATH": f"{fake}:{os.environ['PATH']}"}
    said = cli("submit", cli.preset(), "--name", "job", "--gpus", "0", "--time", "1:00:00")
    assert said.stdout_text == "Submitted batch job 7\n"
    script = (fake / "job.sh").read_text()
    assert "#SBATCH --time=1:00:00\n" in script and "--gpus" not in script

    def stopped_job(done: int) -> int:
        """Let the job run, and end it as SLURM does; return the last step of the run."""
        with subprocess.Popen(
            ["bash", str(fake / "job.sh")],
            cwd=cli.folder, env={**cli.environ, "SLURM_JOB_ID": "7"}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as job:  # fmt: skip
            run = cli.wait_only()
            until(lambda: run.step > done + 20, "steps of this job")
            job.send_signal(signal.SIGTERM)
        assert job.returncode == 143
        return run.step

    first = stopped_job(0)
    assert (fake / "asked").read_text() == "requeue 7\n"
    assert stopped_job(first) > first
    assert (fake / "asked").read_text() == "requeue 7\n" * 2
    run = cli.only()
    until(lambda: run.state().state == "stopped", "the end")
    assert run.summary().name == "job-7"
    steps = [number for number, _ in run.points("train/loss")]
    assert steps == list(range(1, len(steps) + 1))
    cli.assert_nothing_left()


def test_what_is_wrong_is_told_before_anything_waits(cli: Cli) -> None:
    cli.environ["PATH"] = "/nowhere"
    preset = cli.preset()
    for words, said in (
        (("--time", "soon"), "--time soon: must be as SLURM has it"),
        (("--set", "train.epochs=0"), "train.epochs: found 0"),
        ((), "there is no sbatch here"),
    ):
        done = cli("submit", preset, *words, exit_code=None)
        assert done.returncode in (1, 2)
        assert said in done.stderr_text
    assert "exit $code" in cli("submit", preset, "--print").stdout_text
