"""`tuitrain submit`: put a run into a job of SLURM, on one machine of the cluster or several.

The job is a shell script of one command: `tuitrain run --requeue`, which finds the run that it has
begun when its job was requeued. Knows nothing of how a run is supervised.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import PresetArgument, RunsDir
from tuitrain.errors import TuitrainError, UsageError

if TYPE_CHECKING:
    from tuitrain.config.schema import TrainSection

_TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}")
_NOTICE_S = 120
"""So long before its end a job hears of it: time for a checkpoint."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a job of SLURM runs, and what it asks for."""

    name: str
    """What the run is called, before the job's number."""
    run: tuple[str, ...]
    """What stands behind `tuitrain run`."""
    runs: Path
    """The folder of runs."""
    nodes: int
    gpus: int
    """Of each node."""
    time: str
    """As SLURM takes it; empty: the partition's own."""
    asked: tuple[str, ...] = ()
    """More options of sbatch."""

    def script(self, program: Sequence[str] = (sys.executable, "-m", "tuitrain")) -> str:
        """Return the script, for sbatch.

        Args:
            program: what runs tuitrain on the machines of the job.
        """
        # Of several nodes each has a task, which gets the signal; of one the batch shell itself.
        several = self.nodes > 1
        options = [
            f"--job-name={self.name}",
            f"--nodes={self.nodes}",
            "--ntasks-per-node=1",
            *([f"--gpus-per-node={self.gpus}"] if self.gpus else []),
            *([f"--time={self.time}"] if self.time else []),
            f"--signal={'' if several else 'B:'}TERM@{_NOTICE_S}",
            "--requeue",
            "--open-mode=append",
            f"--output={self.runs}/slurm-%j.log",
            *self.asked,
        ]
        command = f"{shlex.join(program)} run {shlex.join(self.run)}"
        return "\n".join([
            "#!/bin/bash",
            *(f"#SBATCH {option}" for option in options),
            f"export TUITRAIN_RUNS={shlex.quote(str(self.runs))}",
            f"exec {'srun ' if several else ''}{command} --requeue "
            f'--name {shlex.quote(self.name)}-"$SLURM_JOB_ID"',
            "",
        ])  # fmt: skip


def submit(
    preset: PresetArgument,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="KEY=VALUE", help="Change a setting; may be given again.",
            show_default=False,
        ),
    ] = None,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="Machines.")] = 1,
    gpus: Annotated[
        int, typer.Option("--gpus", min=0, help="GPUs of each machine, a rank each.")
    ] = 1,
    time: Annotated[
        str,
        typer.Option("--time", metavar="[D-]H:M:S", help="Wall time.", show_default="partition's"),
    ] = "",
    name: Annotated[
        str | None,
        typer.Option(
            "--name", "-n", help="What to call the run, before the job's number.",
            show_default="preset's",
        ),
    ] = None,
    sbatch: Annotated[
        list[str] | None,
        typer.Option(
            "--sbatch", metavar="OPTION", show_default=False,
            help="One more option of sbatch, as --sbatch=--partition=gpu; may be given again.",
        ),
    ] = None,
    print_: Annotated[
        bool, typer.Option("--print", help="Print the script and submit nothing.")
    ] = False,
    runs_dir: RunsDir = None,
) -> None:  # fmt: skip
    """Train a preset in a job of SLURM, which goes on by itself when it is requeued.

    With several machines all of them train one model. Two minutes before its time is up it saves a
    checkpoint and requeues itself.
    """
    if time and not _TIME.fullmatch(time):
        raise UsageError(f"--time {time}: must be as SLURM has it: minutes, H:M:S or D-H:M:S")
    job = job_of(preset, overrides or (), nodes, gpus, time, name, sbatch or (), runs_dir)
    if print_:
        output.data(job.script().rstrip("\n"))
        return
    output.data(_submit(job))


def add_commands(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(submit)


def job_of(
    preset: str,
    overrides: Sequence[str],
    nodes: int,
    gpus: int,
    time: str,
    name: str | None,
    asked: Sequence[str],
    runs_dir: Path | None,
) -> Job:
    """Return the job, after a look at all settings: what is wrong is told now, not in a queue."""
    from tuitrain.config.load import load_found
    from tuitrain.config.presets import find_preset
    from tuitrain.config.user import load_user_config
    from tuitrain.runs.directory import runs_root

    found = find_preset(preset)
    alerts = load_user_config().alert_defaults
    train = load_found(found, overrides, alerts).train
    settings = [*overrides, *_settings_for(gpus, train, overrides)]
    resolved = load_found(found, settings, alerts)
    folder, separator, part = preset.partition(":")
    there = str(Path(folder).resolve()) + separator + part if Path(folder).is_file() else preset
    return Job(
        name or resolved.name,
        (there, *(word for each in settings for word in ("--set", each))),
        runs_root(runs_dir).resolve(),
        nodes,
        gpus,
        time,
        tuple(asked),
    )


def _settings_for(gpus: int, train: "TrainSection", overrides: Sequence[str]) -> list[str]:
    """Return the settings that follow from the GPUs of a machine.

    Raises:
        UsageError: there are too few of them for what is asked.
    """
    device = train.device.partition(":")[0]
    if not gpus:
        if device == "cuda":
            raise UsageError(
                f"--gpus 0: train.device = {train.device} needs GPUs; take --gpus N, or "
                "--set train.device=cpu"
            )
        # A machine may let its GPUs be seen though none of them was asked for.
        return ["train.device=cpu"] if device == "auto" else []
    chosen = any(each.partition("=")[0].strip() == "train.ranks" for each in overrides)
    if train.ranks == "auto":
        return []
    if gpus > 1 and not chosen:
        return [f"train.ranks={gpus}"]
    if train.ranks > gpus and device != "cpu":
        raise UsageError(
            f"--gpus {gpus}: train.ranks = {train.ranks}, and each rank needs a GPU of its own; "
            f"take --gpus {train.ranks}"
        )
    return []


def _submit(job: Job) -> str:
    """Hand the job to sbatch; return what it says.

    Raises:
        TuitrainError: there is no sbatch, or it refuses the job.
    """
    if shutil.which("sbatch") is None:
        raise TuitrainError(
            "there is no sbatch here, so this is no machine of SLURM that takes jobs; "
            "`tuitrain submit PRESET --print` prints the script"
        )
    # It appends to its log there, and says nothing where it can't.
    job.runs.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["sbatch"], input=job.script(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise TuitrainError(f"sbatch refuses the job: {done.stderr.strip()}")
    return done.stdout.strip()
