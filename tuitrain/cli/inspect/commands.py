"""The commands that look at a preset before it trains, on one list."""

import typer

from tuitrain.cli.inspect.data import data
from tuitrain.cli.inspect.find_batch_size import find_batch_size
from tuitrain.cli.inspect.find_lr import find_lr
from tuitrain.cli.inspect.model import model


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(model)
    app.command()(data)
    app.command()(find_lr)
    app.command()(find_batch_size)
