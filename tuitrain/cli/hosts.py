"""`tuitrain pull` and `serve-stdio`: runs of other machines; and the hosts that options name.

Knows options, not what is said over a connection.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import RunsDir

if TYPE_CHECKING:
    from pathlib import Path

    from tuitrain.remote import registry
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


def connect(names: Sequence[str]) -> "registry.Hosts":
    """Return the hosts of these names; each is connected to once it is asked something."""
    from tuitrain.remote.connection import HostConnection
    from tuitrain.remote.registry import Hosts

    return Hosts(HostConnection(host) for host in (find_hosts(names) if names else ()))


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

    with connect([host]) as hosts:
        [connection] = hosts.connections
        yield find_remote(connection, run)


def resume_there(run: str, host: str, checkpoint: str, settings: Sequence[str], json: bool) -> int:
    """Go on with a run of a host; its supervisor is started there.

    Args:
        run: its id there, the beginning of one, a name, or `last`.
        host: its name.
        checkpoint: the name of the one to go back to; empty: the last.
        settings: that change, as KEY=VALUE.
        json: print what became of it as JSON.

    Returns:
        The exit code.

    Raises:
        TuitrainError: it can't be resumed, or not like that; or the host does not answer.
    """
    from tuitrain.cli.control import await_answer
    from tuitrain.errors import EXIT_FAILED
    from tuitrain.messages import Continue
    from tuitrain.remote.client import RemoteClient
    from tuitrain.remote.registry import Hosts

    with found_run(run, None, host) as directory:
        client = RemoteClient(Hosts())
        path = _checkpoint_there(directory, checkpoint) if checkpoint else ""
        command = client.resume(directory, checkpoint=path, settings=settings)
        if command is not None:
            await_answer(client, directory, command, Continue(), json)
            return 0
        state = client.wait_for_start(directory)
        if json:
            plain = {"id": directory.id, "state": state.state, "reason": state.reason}
            output.data_json({**plain, "path": str(directory.path)})
        else:
            words = f"{state.state}, {state.reason}" if state.reason else state.state
            output.say(f"{directory.id}: {words}")
            output.data(directory.id)
        return EXIT_FAILED if state.state == "failed" else 0


def _checkpoint_there(directory: "RunDirectory", name: str) -> str:
    """Return the path, relative to the run, of a checkpoint of a host by its name."""
    from pathlib import PurePath

    from tuitrain.errors import UsageError
    from tuitrain.remote.registry import open_reader

    wanted = name.removesuffix(".pt")
    with open_reader(directory) as reader:
        reader.version()
        kept = [row for row in reader.entries.checkpoints() if row.removed is None]
    for row in kept:
        if wanted in (*row.names, PurePath(row.path).stem):
            return row.path
    there = sorted({each for row in kept for each in (*row.names, PurePath(row.path).stem)})
    names = ", ".join(there) or "none"
    raise UsageError(f"{directory.id} has no checkpoint {name!r}; it has: {names}")


def remove_there(runs: Sequence[str], host: str, confirm: Callable[[list[str]], bool]) -> bool:
    """Move runs of a host to the trash there; return whether that was confirmed.

    Args:
        runs: ids there, beginnings of them, names, or `last`.
        host: its name.
        confirm: is asked about their ids.

    Raises:
        TuitrainError: one lives, or can't be moved; or the host does not answer.
    """
    from tuitrain.remote.client import RemoteClient
    from tuitrain.remote.reader import find_remote

    with connect([host]) as hosts:
        [connection] = hosts.connections
        found = {each.id: each for each in (find_remote(connection, run) for run in runs)}
        if not confirm(list(found)):
            return False
        for directory in found.values():
            RemoteClient(hosts).remove(directory)
            output.say(f"removed {directory.id}")
        return True


def open_hosts(names: "Sequence[str] | None") -> "registry.Hosts":
    """Return what the interface looks at: these hosts, without names those of hosts.toml.

    Raises:
        UsageError: hosts.toml is at fault, or a name can't be a host's.
    """
    from tuitrain.config.folders import config_directory
    from tuitrain.remote.hosts import hosts_file, load_hosts

    return connect(names or list(load_hosts(hosts_file(config_directory()))))
