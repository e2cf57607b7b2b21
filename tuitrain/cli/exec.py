"""`tuitrain exec`: a script that somebody else wrote, as a run.

Knows how it is begun and shown; not how it is watched.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.control import open_client
from tuitrain.cli.launch.foreground import await_start
from tuitrain.cli.options import Json, Name, RunsDir
from tuitrain.errors import UsageError

if TYPE_CHECKING:
    from tuitrain.cli.launch.progress import Progress
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.supervisor.scripts.launch import ScriptLaunch


def execute(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- COMMAND",
            help="The script as you would start it, e.g. -- python train.py --lr 0.1",
            show_default=False,
        ),
    ] = None,
    name: Name = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Run in the background; print the run's id.")
    ] = False,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Run a training script as it is, watched and steered like any run.

    The exit code is the script's own; 128 and the signal's number where a signal ended it.
    """
    if not command:
        raise UsageError("what is to be run? e.g. tuitrain exec -- python train.py --lr 0.1")
    client = open_client(runs_dir)
    if detach:
        directory = client.start_script(command, name=name)
        raise typer.Exit(await_start(client, directory, json))
    here = _Foreground(json)
    client.start_script(command, name=name, launch=here)
    raise typer.Exit(here.exit_code)


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("exec")(execute)


class _Foreground:
    """Supervises a script in this process, and prints what it prints."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self.exit_code = 0
        """Of the script, once it is over."""

    def __call__(self, launch: "ScriptLaunch") -> None:
        """Supervise the script until it is over."""
        from tuitrain.cli.launch.progress import ProgressPrinter
        from tuitrain.supervisor.scripts.pipes import ScriptPipes
        from tuitrain.supervisor.scripts.process import (
            ScriptProcess,
            exit_code_of,
            foreground_stdin,
        )
        from tuitrain.supervisor.scripts.targets import StartedScript
        from tuitrain.supervisor.supervisor import Supervisor

        directory = launch.directory
        printer = ProgressPrinter(_progress(directory, self._json))
        printer.begin()
        output.say(f"tuitrain: `tuitrain attach {directory.id}` watches and steers this run")
        target = StartedScript(launch, foreground_stdin())
        process = ScriptProcess(launch, target, ScriptPipes())
        Supervisor(launch, [printer], process).run()
        output.say(f"tuitrain: the run is in {directory.path}")
        self.exit_code = exit_code_of(process.exit_code)


def _progress(directory: "RunDirectory", json: bool) -> "Progress":
    from tuitrain.cli.launch.progress import JsonLines
    from tuitrain.cli.script_output import ScriptOutput

    if json:
        return JsonLines(directory.id, str(directory.path))
    return ScriptOutput(directory.log_path)
