"""The `tuitrain` command: gathers the commands and turns errors into one line and an exit code."""

import sys
from typing import Annotated

import typer

from tuitrain import __version__
from tuitrain.cli import control, doctor, launch, output, presets, record
from tuitrain.errors import TuitrainError

app = typer.Typer(
    name="tuitrain",
    help="Launch, watch and control PyTorch training runs in the terminal.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        output.data(f"tuitrain {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version."),
    ] = False,
) -> None:
    """Launch, watch and control PyTorch training runs in the terminal."""


launch.add_commands(app)
control.add_commands(app)
app.add_typer(presets.app, name="presets")
record.add_commands(app)
doctor.add_commands(app)


def main() -> None:
    """Run the command line; a foreseen error ends in one line on stderr and its exit code."""
    try:
        app()
    except TuitrainError as error:
        output.say(f"tuitrain: {error}")
        sys.exit(error.exit_code)
