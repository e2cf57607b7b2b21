"""`tuitrain pause|stop|checkpoint|evaluate|set`: commands to a live run, as rows in its record.

Knows what a person may ask for; the run's supervisor decides what becomes of it.
"""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunArgument, RunsDir
from tuitrain.errors import EXIT_FAILED, RunBusyError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.waiting import Patience

_POLL_S = 0.05


def pause(
    run: RunArgument,
    release: Annotated[
        bool,
        typer.Option("--release", help="End the worker as well: all GPU memory becomes free."),
    ] = False,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Save a checkpoint and pause; `tuitrain resume RUN` continues."""
    directory = find_live(runs_dir, run)
    order(directory, "pause", {"release": release}, json)
    if release:
        _see_it_end(directory)


def stop(
    run: RunArgument,
    now: Annotated[
        bool, typer.Option("--now", help="Kill it at once, without a checkpoint.")
    ] = False,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Save a checkpoint and end; `tuitrain resume RUN` continues. A second stop kills."""
    directory = find_live(runs_dir, run)
    order(directory, "stop", {"now": now}, json)
    _see_it_end(directory)


def checkpoint(
    run: RunArgument,
    name: Annotated[
        str, typer.Option("--name", help="Keep it for good under this name.", show_default=False)
    ] = "",
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Save a checkpoint at the next step."""
    if name:
        from tuitrain.runs.checkpoints import check_checkpoint_name

        check_checkpoint_name(name)
    order(find_live(runs_dir, run), "checkpoint", {"name": name}, json)


def evaluate(run: RunArgument, runs_dir: RunsDir = None, json: Json = False) -> None:
    """Evaluate on the validation set at the next step."""
    order(find_live(runs_dir, run), "evaluate", {}, json)


def change(
    run: RunArgument,
    settings: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE...", help="e.g. optimizer.lr=3e-4", show_default=False),
    ],
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Change settings of a live run from its next step on; the curve gets a mark."""
    from tuitrain.config.settings import validate_setting

    directory = find_live(runs_dir, run)
    changes = []
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator:
            raise UsageError(f"{setting!r}: a setting is written KEY=VALUE, e.g. optimizer.lr=3e-4")
        changes.append((key.strip(), validate_setting(key.strip(), value.strip())))
    for key, number in changes:
        order(directory, "set", {"key": key, "value": number}, json)


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (pause, stop, checkpoint, evaluate):
        app.command()(command)
    app.command("set")(change)


def find_live(runs_dir: "Path | None", run: str) -> "RunDirectory":
    """Return a run that has a supervisor to hear a command.

    Raises:
        RunBusyError: it has none.
    """
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.lock import is_alive
    from tuitrain.runs.reader import RunReader

    directory = find_run(runs_root(runs_dir), run)
    if is_alive(directory):
        return directory
    with closing(RunReader(directory)) as reader:
        state = reader.state()
    hint = "" if state.state == "finished" else f"; `tuitrain resume {directory.id}` resumes it"
    raise RunBusyError(f"{directory.id} is not live, it is {state.state}{hint}")


def _see_it_end(directory: "RunDirectory") -> None:
    """Return once nobody owns the run any more: it can then be resumed or removed at once."""
    from tuitrain.runs.lock import is_alive

    patience = patience_with(directory, "its end")
    while is_alive(directory):
        patience.look()
        time.sleep(_POLL_S)


def patience_with(directory: "RunDirectory", awaited: str, *, kills: bool = False) -> "Patience":
    """Return who says on stderr why something takes long, and what can be done.

    Args:
        directory: the run.
        awaited: what is waited for.
        kills: what may be wanted is the worker's end, at any price.
    """
    from tuitrain.runs.waiting import Patience

    advice = f"`tuitrain stop {directory.id} --now` kills it, " if kills else ""

    def tell(why: str) -> None:
        words = f"waiting for {awaited}: {why}; {advice}Ctrl-C ends the wait alone"
        output.say(f"{directory.id}: {words}")

    return Patience(directory, tell)


def order(directory: "RunDirectory", kind: str, arguments: Mapping[str, Any], json: bool) -> None:
    """Give a command and wait for what becomes of it; a refusal ends in exit code 1."""
    from tuitrain.runs.commands import give_command, wait_for_command

    patience = patience_with(directory, f"the answer to {kind!r}", kills=kind == "stop")
    number = give_command(directory, kind, arguments)
    answer = wait_for_command(directory, number, meanwhile=patience.look)
    if json:
        output.data_json(asdict(answer))
    else:
        output.say(f"{directory.id}: {answer.text}")
    if answer.outcome != "done":
        raise typer.Exit(EXIT_FAILED)
