"""A job of a real SLURM on two machines, where it is there: saved, requeued, gone on with."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.conftest import Cli
from tests.process.machines import ADDRESSES, HOSTS, Machines, machines
from tests.process.test_ranks import until

pytestmark = pytest.mark.timeout(900)

CONF = """
ClusterName=test
SlurmctldHost=alpha
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
MpiDefault=none
ReturnToService=2
RebootProgram=/bin/true
KillWait=60
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
NodeName=alpha NodeAddr=10.77.0.1 CPUs={cpus}
NodeName=beta NodeAddr=10.77.0.2 CPUs={cpus}
PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """SLURM on two machines: its controller on the first, a daemon on each."""

    def __init__(self, both: Machines, folder: Path) -> None:
        self._both = both
        self.environ = {**both.cli.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        for name in ("state", *HOSTS):
            (folder / name).mkdir(parents=True)
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        text = CONF.format(folder=folder, cpus=os.cpu_count())
        (folder / "slurm.conf").write_text(text)
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._daemon(0, "slurmctld", "-D")
        for machine in (0, 1):
            self._daemon(machine, "slurmd", "-D", "-N", HOSTS[machine])

    def _daemon(self, machine: int, *words: str) -> None:
        daemon = subprocess.Popen(
            [*self._both.before(machine), shutil.which(words[0], path=SBIN) or "", *words[1:]],
            env=self.environ, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

        self._daemons.append(daemon)

    def end(self) -> None:
        """End all daemons."""
        for daemon in self._daemons:
            daemon.kill()
            daemon.wait()

    def ask(self, *words: str, stdin: str = "") -> str:
        """Return what a command of SLURM's prints on the first machine."""
        done = subprocess.run(
            [*self._both.before(0), *words], input=stdin, capture_output=True, text=True,
            env=self.environ, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr


SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin"


@pytest.fixture
def slurm(cli: Cli) -> Iterator[Slurm]:
    if not all(shutil.which(name, path=SBIN) for name in ("slurmctld", "slurmd", "srun")):
        pytest.skip("needs SLURM (Debian: slurm-wlm)")
    with machines(cli) as both:
        hosts = "".join(f"{each[0]} {each[1]}\n" for each in zip(ADDRESSES, HOSTS, strict=True))
        with both.hosts(f"127.0.0.1 localhost\n{hosts}"):
            found = Slurm(both, cli.folder / "slurm")
            yield found
            found.end()


def test_a_job_of_two_nodes_is_requeued_and_its_run_goes_on(cli: Cli, slurm: Slurm) -> None:
    until(lambda: "idle" in slurm.ask("sinfo", "--noheader", "--Node"), "nodes")
    until(lambda: slurm.ask("sinfo", "--noheader", "--Node").count("idle") == 2, "both nodes")
    script = cli(
        "submit", cli.preset(), "--name", "job", "--nodes", "2", "--gpus", "0", "--time", "10",
        f"--sbatch=--output={cli.folder}/job.log", "--print",
    ).stdout_text  # fmt: skip
    said = slurm.ask("sbatch", "--chdir", str(cli.folder), stdin=script)
    assert "Submitted batch job" in said, said
    job = said.split()[-1]
    until(lambda: any(cli.runs.glob("[!.]*/run.db")), "a run")
    run = cli.only()
    until(lambda: run.step > 20, "steps")
    assert run.facts().job is not None
    # As SLURM does before a job's time is up.
    slurm.ask("scancel", "--signal=TERM", job)
    until(lambda: run.state().state in ("stopped", "failed", "lost"), "a stop")
    first = run.step
    assert run.checkpoint().step == first, (run.state(), run.log)
    # What is requeued waits for two minutes, unless it is let go at once.
    until(lambda: "PD" in slurm.ask("squeue", "--noheader", "--format=%t"), "a requeued job")
    slurm.ask("scontrol", "update", f"jobid={job}", "starttime=now")
    until(lambda: run.step > first + 20, "steps of the requeued job")
    assert len(run.attempts()) == 2
    slurm.ask("scancel", job)
    until(lambda: run.state().state in ("stopped", "failed", "lost"), "the end")
