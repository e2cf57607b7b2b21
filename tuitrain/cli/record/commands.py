"""The commands that look at what is on record, and at what people wrote on it.

Only names them; each lives in a module of its own.
"""

import typer

from tuitrain.cli.record import trash
from tuitrain.cli.record.export import export
from tuitrain.cli.record.layers import layers
from tuitrain.cli.record.list import ls
from tuitrain.cli.record.logs import logs
from tuitrain.cli.record.remove import rm
from tuitrain.cli.record.rename import rename
from tuitrain.cli.record.reproduce import reproduce
from tuitrain.cli.record.samples import samples
from tuitrain.cli.record.show import show
from tuitrain.cli.record.tag import tag
from tuitrain.cli.record.why import why
from tuitrain.cli.record.why_failed import why_failed


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (
        ls,
        show,
        why,
        why_failed,
        tag,
        rename,
        logs,
        layers,
        samples,
        rm,
        export,
        reproduce,
    ):
        app.command()(command)
    app.add_typer(trash.app, name="trash")
