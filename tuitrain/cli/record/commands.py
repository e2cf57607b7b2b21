"""The commands that look at what is on record: ls, show, logs, samples, rm, export.

Only names them; each lives in a module of its own.
"""

import typer

from tuitrain.cli.record.export import export
from tuitrain.cli.record.list import ls
from tuitrain.cli.record.logs import logs
from tuitrain.cli.record.remove import rm
from tuitrain.cli.record.samples import samples
from tuitrain.cli.record.show import show


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (ls, show, logs, samples, rm, export):
        app.command()(command)
