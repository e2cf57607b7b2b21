"""`tuitrain wait`: for scripts that go on when runs have ended.

Knows states; gives no command.
"""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsArgument, RunsDir
from tuitrain.errors import EXIT_FAILED

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.runs.rows import StateRow

_LOOK_S = 0.5
EXIT_TIMEOUT = 124
"""As of timeout(1)."""


def wait(
    runs: RunsArgument,
    first: Annotated[
        bool, typer.Option("--first", help="Return as soon as one has ended, not all.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="SECONDS", min=0.0, help="Give up then.", show_default="never"
        ),
    ] = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Wait until runs have ended, or came to rest in another way: paused and released, or lost.

    Exit code: 0 all of them finished, 1 one did not, 124 the time is up.
    """
    from tuitrain.cli.control import open_client

    client = open_client(runs_dir)
    open_ = [client.find(run) for run in runs]
    ended: list[tuple[RunDirectory, StateRow]] = []
    deadline = None if timeout is None else time.monotonic() + timeout
    while open_:
        for directory in tuple(open_):
            state = _at_rest(directory)
            if state is not None:
                open_.remove(directory)
                ended.append((directory, state))
                if not json:
                    reason = f", {state.reason}" if state.reason else ""
                    output.say(f"{directory.id}: {state.state}{reason}")
        if not open_ or (first and ended):
            break
        if deadline is not None and time.monotonic() > deadline:
            _print(ended, json)
            raise typer.Exit(EXIT_TIMEOUT)
        time.sleep(_LOOK_S)
    _print(ended, json)
    finished = all(state.state == "finished" for _directory, state in ended)
    raise typer.Exit(0 if finished else EXIT_FAILED)


def _at_rest(directory: "RunDirectory") -> "StateRow | None":
    """Return the state of a run that nobody works on; None while somebody does."""
    from tuitrain.messages import FINAL_STATES
    from tuitrain.runs.lock import is_alive
    from tuitrain.runs.reader import RunReader

    if is_alive(directory):
        return None
    with RunReader(directory) as reader:
        state = reader.state()
    return state if state.state in {*FINAL_STATES, "paused", "lost"} else None


def _print(ended: "list[tuple[RunDirectory, StateRow]]", json: bool) -> None:
    if json:
        output.data_json(
            [
                {"id": directory.id, "state": state.state, "reason": state.reason}
                for directory, state in ended
            ]
        )


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(wait)
