"""`tuitrain pause|stop|checkpoint|set`: commands to a live run, as rows in its record.

Knows what a person may ask for; the run's supervisor decides what becomes of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.hosts import OneHost
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tuitrain.messages import Request
    from tuitrain.runs.client import Client
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.client import RunClient


def pause(
    run: RunArgument,
    release: Annotated[
        bool,
        typer.Option("--release", help="End the worker as well: all GPU memory becomes free."),
    ] = False,
    runs_dir: RunsDir = None,
    host: OneHost = "",
    json: Json = False,
) -> None:
    """Save a checkpoint and pause; `tuitrain resume RUN` continues."""
    from tuitrain.messages import Pause

    with _found(run, runs_dir, host) as (client, directory):
        order(client, directory, Pause(release=release), json)
        if release:
            _await_end(client, directory)


def stop(
    run: RunArgument,
    now: Annotated[
        bool, typer.Option("--now", help="Kill it at once, without a checkpoint.")
    ] = False,
    runs_dir: RunsDir = None,
    host: OneHost = "",
    json: Json = False,
) -> None:
    """Save a checkpoint and end; `tuitrain resume RUN` continues. A second stop kills."""
    from tuitrain.messages import Stop

    with _found(run, runs_dir, host) as (client, directory):
        order(client, directory, Stop(now=now), json)
        _await_end(client, directory)


def checkpoint(
    run: RunArgument,
    name: Annotated[
        str, typer.Option("--name", help="Keep it for good under this name.", show_default=False)
    ] = "",
    runs_dir: RunsDir = None,
    host: OneHost = "",
    json: Json = False,
) -> None:
    """Save a checkpoint at the next step."""
    from tuitrain.messages import SaveCheckpoint

    if name:
        from tuitrain.runs.upkeep.checkpoints import check_checkpoint_name

        check_checkpoint_name(name)
    with _found(run, runs_dir, host) as (client, directory):
        order(client, directory, SaveCheckpoint(name=name), json)


def complete_live_setting(incomplete: str) -> list[str]:
    """Offer the settings that a live run may change, up to their value."""
    from tuitrain.config.schema import LIVE_SETTINGS

    return [f"{key}=" for key in LIVE_SETTINGS if key.startswith(incomplete)]


def change(
    run: RunArgument,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE",
            help="e.g. optimizer.lr=3e-4",
            autocompletion=complete_live_setting,
            show_default=False,
        ),
    ],
    runs_dir: RunsDir = None,
    host: OneHost = "",
    json: Json = False,
) -> None:
    """Change settings of a live run from its next step on; the curve gets a mark."""
    from tuitrain.config.settings import validate_setting
    from tuitrain.messages import ChangeSetting

    changes = []
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator:
            raise UsageError(f"{setting!r}: a setting is written KEY=VALUE, e.g. optimizer.lr=3e-4")
        changes.append((key.strip(), validate_setting(key.strip(), value.strip())))
    with _found(run, runs_dir, host) as (client, directory):
        for key, number in changes:
            order(client, directory, ChangeSetting(0, key, number), json)


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (pause, stop, checkpoint):
        app.command()(command)
    app.command("set")(change)


@contextmanager
def _found(run: str, runs_dir: "Path | None", host: str) -> "Iterator[tuple[Client, RunDirectory]]":
    """Give the run that `run` means, here or on a host, and what tells it something."""
    if not host:
        client = open_client(runs_dir)
        yield client, client.find(run)
        return
    from tuitrain.cli.hosts import found_run
    from tuitrain.remote.client import RemoteClient
    from tuitrain.remote.registry import Hosts

    with found_run(run, runs_dir, host) as directory:
        yield RemoteClient(Hosts()), directory


def _await_end(client: "Client", directory: "RunDirectory") -> None:
    """Wait until a run here has ended; a host's run ends by itself once it has answered."""
    from tuitrain.supervisor.client import RunClient

    if isinstance(client, RunClient):
        client.wait_for_end(directory, waiting(directory, "its end"))


def open_client(runs_dir: "Path | None", data_dir: "Path | None" = None) -> "RunClient":
    """Return what starts runs and gives commands, for the folder of runs that an option names."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.supervisor.client import RunClient

    return RunClient(runs_root(runs_dir), data_dir=data_dir)


def order(client: "Client", directory: "RunDirectory", request: "Request", json: bool) -> None:
    """Give a command and wait for what becomes of it; a refusal ends in exit code 1.

    Raises:
        RunBusyError: the run has no supervisor to hear it.
    """
    await_answer(client, directory, client.send(directory, request), request, json)


def await_answer(
    client: "Client", directory: "RunDirectory", number: int, request: "Request", json: bool
) -> None:
    """Wait for what becomes of a command that was given."""
    from tuitrain.messages import Stop, kind_of

    awaited = f"the answer to {kind_of(request)!r}"
    tell = waiting(directory, awaited, kills=isinstance(request, Stop))
    answer = client.wait_for_answer(directory, number, tell=tell)
    if json:
        output.data_json(asdict(answer))
    else:
        output.say(f"{directory.id}: {answer.text}")
    if answer.outcome != "done":
        raise typer.Exit(EXIT_FAILED)


def waiting(
    directory: "RunDirectory", awaited: str, *, kills: bool = False
) -> Callable[[str], None]:
    """Return what says on stderr why something takes long, and what can be done.

    Args:
        directory: the run.
        awaited: what is waited for.
        kills: what may be wanted is the worker's end, at any price.
    """
    advice = f"`tuitrain stop {directory.id} --now` kills it, " if kills else ""

    def tell(why: str) -> None:
        words = f"waiting for {awaited}: {why}; {advice}Ctrl-C ends the wait alone"
        output.say(f"{directory.id}: {words}")

    return tell
