"""`tuitrain pull` and `serve-stdio`: runs of other machines; and the hosts that options name.

Knows options, not what is said over a connection.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import RunsDir

if TYPE_CHECKING:
    from pathlib import Path

    from tuitrain.remote.connection import HostConnection
    from tuitrain.remote.hosts import Host
    from tuitrain.runs.directory import RunDirectory

Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--host",
        metavar="HOST",
        help="Runs of another machine too, by ssh; may be given again.",
        show_default=False,
    ),
]
OneHost = Annotated[
    str,
    typer.Option(
        "--host", metavar="HOST", help="A run of another machine, by ssh.", show_default=False
    ),
]


def serve_stdio(
    readonly: Annotated[bool, typer.Option("--readonly", help="Refuse commands to runs.")] = False,
    send: Annotated[
        str,
        typer.Option(
            "--send", metavar="RUN", help="Send one run as a tar, and end.", show_default=False
        ),
    ] = "",
    runs_dir: RunsDir = None,
) -> None:
    """Answer a tuitrain on another machine, which starts this by ssh."""
    from tuitrain.runs.directory import runs_root

    root = runs_root(runs_dir)
    if send:
        from tuitrain.remote.pull import send_run
        from tuitrain.runs.listing import find_run

        send_run(find_run(root, send), sys.stdout.buffer)
        return
    from tuitrain.cli.gpus import machine_calls
    from tuitrain.remote.serve import Service
    from tuitrain.supervisor.client import RunClient

    machine = machine_calls(root)
    service = Service(root, starter=RunClient(root), machine=machine, readonly=readonly)
    service.serve(sys.stdin.buffer, sys.stdout.buffer)


def pull(
    run: Annotated[
        str,
        typer.Argument(metavar="HOST:RUN", help="A host, and a run there.", show_default=False),
    ],
    runs_dir: RunsDir = None,
) -> None:
    """Copy a run of another machine here, also while it is live."""
    from tuitrain.errors import UsageError
    from tuitrain.remote.pull import pull_run
    from tuitrain.runs.directory import runs_root

    name, colon, wanted = run.rpartition(":")
    if not (colon and name and wanted):
        raise UsageError(f"{run!r}: which run of which host, as HOST:RUN")
    [host] = find_hosts([name])
    directory = pull_run(host, wanted, runs_root(runs_dir))
    output.say(f"the run is in {directory.path}")
    output.data(directory.id)


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(pull)
    app.command("serve-stdio", hidden=True)(serve_stdio)


def find_hosts(names: Sequence[str]) -> "list[Host]":
    """Return the hosts of these names, as hosts.toml describes them.

    Raises:
        UsageError: hosts.toml is at fault, or a name can't be a host's.
    """
    from tuitrain.config.folders import config_directory
    from tuitrain.remote.hosts import hosts_file, load_hosts, named_hosts

    return named_hosts(names, load_hosts(hosts_file(config_directory())))


def connect(names: Sequence[str]) -> "list[HostConnection]":
    """Return connections to hosts, each made once it is asked something."""
    from tuitrain.remote.connection import HostConnection

    return [HostConnection(host) for host in find_hosts(names)]


@contextmanager
def found_run(run: str, runs_dir: "Path | None", host: str) -> "Iterator[RunDirectory]":
    """Give the run that `run` means, here or on a host, while it is looked at.

    Raises:
        RunNotFoundError: no run answers to it, or several.
        HostError: the host does not answer.
    """
    from tuitrain.runs.directory import runs_root

    if not host:
        from tuitrain.runs.listing import find_run

        yield find_run(runs_root(runs_dir), run)
        return
    from tuitrain.remote.reader import find_remote

    [connection] = connect([host])
    try:
        yield find_remote(connection, run)
    finally:
        connection.close()


def use_hosts(names: "Sequence[str] | None") -> None:
    """Look at these hosts in the interface; without names at those of hosts.toml.

    Raises:
        UsageError: hosts.toml is at fault, or a name can't be a host's.
    """
    from tuitrain.config.folders import config_directory
    from tuitrain.remote.hosts import hosts_file

    if not names and not hosts_file(config_directory()).exists():
        return
    from tuitrain.remote.hosts import load_hosts
    from tuitrain.remote.registry import HOSTS

    HOSTS.use(connect(names or list(load_hosts(hosts_file(config_directory())))))
