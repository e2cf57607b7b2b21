"""What lets one run train on several machines: options, and what a machine other than node 0 does.

Knows what a person may ask, and what SLURM says instead.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.errors import EXIT_TERMINATED, TuitrainError, UsageError

if TYPE_CHECKING:
    from subprocess import Popen

    from tuitrain.config.schema import Preset
    from tuitrain.messages import Nodes
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.rows import JobLimit
    from tuitrain.supervisor.cluster.slurm import SlurmJob
    from tuitrain.supervisor.launch import LaunchSpec

NodesOption = Annotated[
    int | None,
    typer.Option(
        "--nodes", min=2, help="Train on so many machines; start one command on each of them.",
        show_default="one, or SLURM's",
    ),
]  # fmt: skip
NodeRank = Annotated[
    int | None,
    typer.Option(
        "--node-rank", min=0, help="With --nodes: which of them this is; 0 has the run.",
        show_default=False,
    ),
]  # fmt: skip
Rendezvous = Annotated[
    str | None,
    typer.Option(
        "--rendezvous", metavar="HOST:PORT",
        help="With --nodes: an address of node 0 and a free port there.", show_default=False,
    ),
]  # fmt: skip

Requeue = Annotated[
    bool,
    typer.Option(
        "--requeue",
        help="In a job of SLURM: SIGTERM or SIGUSR1 saves a checkpoint and puts the job into the "
        "queue again, where the run goes on.",
    ),
]
TimeLimit = Annotated[
    str | None,
    typer.Option(
        "--time-limit", metavar="[D-]H:M:S", help="How long this may run, as SLURM writes it.",
        show_default="SLURM's",
    ),
]  # fmt: skip

_MOST_PORT = 65535


def nodes_wanted(number: int | None, rank: int | None, rendezvous: str | None) -> "Nodes | None":
    """Return the machines that a command line names, or those of the step that srun has started.

    Raises:
        UsageError: what is named does not go together.
    """
    from tuitrain.messages import Nodes
    from tuitrain.supervisor.cluster.slurm import slurm_nodes, starts_without_srun

    if number is None and rank is None and rendezvous is None:
        if left := starts_without_srun(os.environ):
            output.say(f"this job has {left} nodes, and without srun one of them is used")
        return slurm_nodes(os.environ)
    if number is None or rank is None or rendezvous is None:
        raise UsageError(
            "several machines take --nodes N, --node-rank R and --rendezvous HOST:PORT together, "
            "on each of them"
        )
    if rank >= number:
        raise UsageError(f"--node-rank {rank}: with --nodes {number} it is 0 to {number - 1}")
    host, separator, port = rendezvous.rpartition(":")
    if not separator or not host or not port.isdigit() or not 0 < int(port) <= _MOST_PORT:
        raise UsageError(
            f"--rendezvous {rendezvous}: must be HOST:PORT, an address of node 0 and a free port "
            "there, as 10.0.0.1:29500"
        )
    return Nodes(number, rank, host.strip("[]"), int(port))


Launch = Callable[["LaunchSpec"], "Popen[bytes] | None"]


class Job:
    """The job of a scheduler that a command is in, if it is in one, and what becomes of it."""

    def __init__(
        self, slurm: "SlurmJob | None", limit: "JobLimit | None", *, requeues: bool
    ) -> None:
        """Know a job.

        Args:
            slurm: None: there is none of SLURM's.
            limit: when it ends; None: that is not known.
            requeues: it is put into the queue again when a signal ends it.
        """
        self._slurm = slurm
        self._limit = limit
        self._requeues = requeues

    @classmethod
    def here(cls, requeue: bool, time_limit: str | None, *, stays: bool) -> "Job":
        """Return the job that this process is in.

        Args:
            requeue: put it into the queue again when a signal ends the run.
            time_limit: as SLURM writes it; None: the job's own.
            stays: this process stays with the run.

        Raises:
            UsageError: the limit is none, or there is no job to requeue.
        """
        from tuitrain.runs.rows import JobLimit
        from tuitrain.supervisor.cluster import slurm

        job = slurm.job_of(os.environ, sys.argv[1:])
        if requeue and job is None:
            raise UsageError("--requeue: this is no job of SLURM (SLURM_JOB_ID is not set)")
        if requeue and not stays:
            raise UsageError("--requeue: needs a command that stays with the run till its end")
        if time_limit is None:
            ends = slurm.end_of_job(os.environ, time.time)
        elif seconds := slurm.duration_of(time_limit):
            ends = time.time() + seconds
        else:
            raise UsageError(
                f"--time-limit {time_limit}: must be as SLURM has it: minutes, H:M:S or D-H:M:S"
            )
        return cls(job, JobLimit(ends, requeue) if ends else None, requeues=requeue)

    def begun(self, root: Path) -> "RunDirectory | None":
        """Return the run that this command has begun before its job was requeued; None: none."""
        from tuitrain.runs.directory import RunDirectory

        if self._slurm is None or not self._slurm.restarts:
            return None
        for path in sorted(root.glob(f"*/{_JOB_FILE}"), reverse=True):
            if path.read_text(encoding="utf-8").strip() == self._slurm.key:
                return RunDirectory(path.parent)
        return None

    def note(self, directory: "RunDirectory") -> None:
        """Leave in a run's folder which job has it, so that it is found when that is requeued."""
        if self._slurm is not None:
            path = directory.path / _JOB_FILE
            path.write_text(f"{self._slurm.key}\n", encoding="utf-8")

    def on(self, spec: "LaunchSpec") -> "LaunchSpec":
        """Return how a run is launched in this job."""
        return replace(spec, job=self._limit, usr1_stops=self._requeues)

    def end(self, exit_code: int) -> None:
        """Put the job into the queue again where a signal has ended the run."""
        from tuitrain.supervisor.cluster.slurm import requeue

        if not self._requeues or self._slurm is None or exit_code != EXIT_TERMINATED:
            return
        try:
            requeue(self._slurm)
        except TuitrainError as error:
            output.say(f"job {self._slurm.id} was not requeued: {error}")
        else:
            output.say(f"job {self._slurm.id} is in the queue again, and goes on there")


_JOB_FILE = "slurm-job"


def launch_on(nodes: "Nodes | None", job: Job, launch: Launch) -> Launch:
    """Return what launches a run in a job, and as node 0 where there are several machines."""

    def launch_there(spec: "LaunchSpec") -> "Popen[bytes] | None":
        job.note(spec.directory)
        return launch(job.on(replace(spec, nodes=nodes)))

    return launch_there


def take_part(
    nodes: "Nodes",
    data_dir: Path | None,
    named: "Preset | None" = None,
    folders: Sequence[Path] = (),
) -> int:
    """Train on this machine for the run of node 0; return the exit code, which is the run's.

    Args:
        nodes: which one this is.
        data_dir: where data sets are kept here, when not the default.
        named: the preset as it is named here; None: none is.
        folders: where own code lies here.
    """
    from tuitrain.config.folders import data_directory
    from tuitrain.config.load import to_toml
    from tuitrain.supervisor.cluster.node_process import NodeProcess
    from tuitrain.supervisor.signals import Signals

    code = [str(folder.absolute()) for folder in (*folders, Path.cwd())]
    text = "" if named is None else to_toml(named)
    return NodeProcess(
        nodes, data_directory(data_dir).absolute(), code, text, output.say, Signals()
    ).run()


def is_elsewhere(nodes: "Nodes | None", waits: bool, *, detach: bool, tui: bool) -> "Nodes | None":
    """Return the machines of a run where this one is not node 0; None where the run is here.

    Raises:
        UsageError: what is asked for is not for several machines, or for node 0 alone.
    """
    if nodes is None:
        return None
    if waits:
        raise UsageError("--when-free: the queue is that of one machine; leave it or --nodes out")
    if not nodes.rank:
        return None
    if detach or tui:
        option = "--detach" if detach else "--tui"
        raise UsageError(f"{option}: the run is on node 0, and this is node {nodes.rank}")
    return nodes
