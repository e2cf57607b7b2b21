"""What lets one run train on several machines: options, and what a machine other than node 0 does.

Knows what a person may ask, and what SLURM says instead.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from subprocess import Popen

    from tuitrain.config.schema import Preset
    from tuitrain.messages import Nodes
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


def launch_on(nodes: "Nodes | None", launch: Launch) -> Launch:
    """Return what launches a run as node 0 of several machines, where there are any."""
    return launch if nodes is None else lambda spec: launch(replace(spec, nodes=nodes))


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


def refuse_elsewhere(nodes: "Nodes", *asked: tuple[str, object]) -> None:
    """Refuse what only node 0, or a single machine, can do.

    Raises:
        UsageError: one of what is asked for is set.
    """
    for option, value in asked:
        if value:
            raise UsageError(f"{option}: not on node {nodes.rank} of several machines")
