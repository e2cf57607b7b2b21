"""The `tuitrain` command: gathers the commands and turns errors into one line and an exit code."""

import sys
from typing import Annotated

import typer

from tuitrain import __version__
from tuitrain.cli import (
    alerts,
    control,
    doctor,
    exec,
    gpus,
    help,
    hosts,
    interface,
    new,
    notify,
    output,
    presets,
    profile,
    replay,
    sweep,
    wait,
    watch,
)
from tuitrain.cli.inspect import commands as inspection
from tuitrain.cli.launch import commands as launch
from tuitrain.cli.launch import queue, submit
from tuitrain.cli.options import RunsDir
from tuitrain.cli.record import commands as record
from tuitrain.cli.trained import commands as trained
from tuitrain.errors import EXIT_FAILED, TuitrainError

_NEWEST = 20
"""Runs that `--once` prints."""

app = typer.Typer(
    name="tuitrain",
    help="Launch, watch and control PyTorch training runs in the terminal.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        output.data(f"tuitrain {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version."),
    ] = False,
    runs_dir: RunsDir = None,
    ascii: interface.Ascii = False,
    host: hosts.Hosts = None,
    no_mouse: interface.NoMouse = False,
    graphics: interface.AskedPictures = None,
    once: Annotated[
        bool, typer.Option("--once", help="Print the newest runs and the machine, and end.")
    ] = False,
) -> None:
    """Launch, watch and control PyTorch training runs in the terminal.

    Without a command, opens the interface.
    """
    if context.invoked_subcommand is not None:
        return
    from tuitrain.runs.directory import runs_root

    root = runs_root(runs_dir)
    if not once:
        with hosts.open_hosts(host) as opened:
            interface.open_interface(
                root, ascii=ascii, no_mouse=no_mouse, graphics=graphics, hosts=opened
            )
    from tuitrain.cli.record.list import newest_runs

    output.data(f"{newest_runs(root, _NEWEST)}\n\n{gpus.machine_block(root)}")


launch.add_commands(app)
exec.add_commands(app)
new.add_commands(app)
interface.add_commands(app)
watch.add_commands(app)
hosts.add_commands(app)
inspection.add_commands(app)
control.add_commands(app)
queue.add_commands(app)
submit.add_commands(app)
sweep.add_commands(app)
wait.add_commands(app)
replay.add_commands(app)
trained.add_commands(app)
profile.add_commands(app)
app.add_typer(presets.app, name="presets")
record.add_commands(app)
alerts.add_commands(app)
notify.add_commands(app)
doctor.add_commands(app)
gpus.add_commands(app)
help.add_commands(app)


def main() -> None:
    """Run the command line; a foreseen error ends in one line on stderr and its exit code."""
    try:
        app(prog_name="tuitrain")
    except interface.Left as left:
        interface.leave(left)
    except TuitrainError as error:
        output.say(f"tuitrain: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        output.go_silent(1)
        output.say(f"tuitrain: {_explained(error)}")
        # Click's own words on wrong usage can be what could not be printed.
        sys.exit(getattr(error.__context__, "exit_code", EXIT_FAILED))


def _explained(error: OSError) -> str:
    """Say what no command foresaw of files and streams, with what it is about."""
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "the current folder was removed: go to one that exists."
    place = "stdout" if error.filename is None else error.filename
    return f"{place}: {error.strerror or error}"
