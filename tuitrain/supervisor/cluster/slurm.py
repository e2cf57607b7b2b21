"""What SLURM says of the job that this process is in, and what is asked of it.

Only public names: its environment variables, `scontrol` and `squeue`.
"""

import hashlib
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tuitrain.errors import TuitrainError, UsageError
from tuitrain.messages import Nodes

_FIRST_PORT, _PORTS = 12000, 20000
"""Below those that Linux hands out by itself, from 32768 on."""
_ASK_S = 10.0
_FIRST_NAME = re.compile(r"(?P<before>[^\[,]+)(\[(?P<number>\d+)[^\]]*\](?P<after>[^,]*))?")

Ask = Callable[[Sequence[str]], str]
"""Runs a command and returns what it prints."""


def ask(command: Sequence[str]) -> str:
    """Return what a command of SLURM's prints.

    Raises:
        TuitrainError: it is not there, fails, or does not answer.
    """
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, timeout=_ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TuitrainError(f"{command[0]} does not answer: {error}") from error
    if done.returncode:
        raise TuitrainError(f"{' '.join(command)} fails: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """The job that this process is in."""

    id: str
    restarts: int
    """How often it was requeued."""
    command: str
    """What tells this command from others of the job: what is requeued has the same one."""

    @property
    def key(self) -> str:
        """What a run is found by, that a command of this job has begun."""
        return f"{self.id}-{self.command}"


def job_of(environ: Mapping[str, str], arguments: Sequence[str]) -> SlurmJob | None:
    """Return the job of SLURM that this process is in; None: it is in none.

    Args:
        environ: of this process.
        arguments: of this command.
    """
    number = environ.get("SLURM_JOB_ID", "")
    if not number:
        return None
    restarts = environ.get("SLURM_RESTART_COUNT", "0")
    digest = hashlib.sha256("\0".join(arguments).encode()).hexdigest()
    return SlurmJob(number, int(restarts) if restarts.isdigit() else 0, digest[:12])


def slurm_nodes(environ: Mapping[str, str]) -> Nodes | None:
    """Return the machines of a step that `srun` has started with a task a machine.

    Returns:
        None where SLURM has started this process alone.

    Raises:
        UsageError: it has started several tasks on a machine.
    """
    number = _count(environ, "SLURM_STEP_NUM_NODES", "SLURM_NNODES")
    if "SLURM_STEP_ID" not in environ or number < 2:
        return None
    tasks = _count(environ, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")
    if tasks != number:
        raise UsageError(
            f"srun has started {tasks} tasks on {number} nodes; tuitrain starts the ranks of a "
            "node itself: use srun --ntasks-per-node=1"
        )
    names = environ.get("SLURM_STEP_NODELIST") or environ.get("SLURM_JOB_NODELIST", "")
    step = _count(environ, "SLURM_STEP_ID")
    port = _FIRST_PORT + (_count(environ, "SLURM_JOB_ID") + step) % _PORTS
    return Nodes(number, _count(environ, "SLURM_PROCID"), first_host(names), port)


def starts_without_srun(environ: Mapping[str, str]) -> int:
    """Return how many nodes a job has of which this process, not started by srun, uses one."""
    number = _count(environ, "SLURM_NNODES")
    return number if number > 1 and "SLURM_STEP_ID" not in environ else 0


def _count(environ: Mapping[str, str], *names: str) -> int:
    for name in names:
        if (text := environ.get(name, "")).isdigit():
            return int(text)
    return 0


def first_host(names: str) -> str:
    """Return the first machine of a list as SLURM writes it: `gpu[03-07,12],login1` -> `gpu03`.

    Raises:
        UsageError: it is no such list.
    """
    found = _FIRST_NAME.match(names)
    if found is None:
        raise UsageError(f"SLURM_JOB_NODELIST = {names!r}: found no machine's name in it")
    return f"{found['before']}{found['number'] or ''}{found['after'] or ''}"


def end_of_job(environ: Mapping[str, str], clock: Callable[[], float], ask: Ask = ask) -> float:
    """Return when the job ends, in seconds since the epoch; 0: it has no limit, or none is known.

    Args:
        environ: of this process.
        clock: seconds since the epoch.
        ask: runs SLURM's commands, of versions that do not tell by the environment.
    """
    if end := _count(environ, "SLURM_JOB_END_TIME"):
        return float(end)
    if not (job := environ.get("SLURM_JOB_ID", "")):
        return 0.0
    try:
        left = ask(["squeue", "--noheader", "--jobs", job, "--format", "%L"])
    except TuitrainError:
        return 0.0
    seconds = duration_of(left.strip())
    return clock() + seconds if seconds else 0.0


_DURATION = re.compile(r"((?P<days>\d+)-)?(?P<parts>\d+(:\d+){0,2})")


def duration_of(text: str) -> float:
    """Return a time as SLURM writes it, in seconds: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S; 0: none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return 0.0
    parts = [int(part) for part in found["parts"].split(":")]
    # With days the first is hours; without them one or two parts are minutes and seconds.
    units = (3600, 60, 1) if found["days"] or len(parts) == 3 else (60, 1)
    days = 86400 * int(found["days"] or 0)
    return float(days + sum(unit * part for unit, part in zip(units, parts, strict=False)))


def requeue(job: SlurmJob, ask: Ask = ask) -> None:
    """Put a job into SLURM's queue again; it ends this process.

    Raises:
        TuitrainError: SLURM does not.
    """
    ask(["scontrol", "requeue", job.id])
