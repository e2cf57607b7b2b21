"""The commands on a trained model, on one list."""

import typer

from tuitrain.cli.trained.evaluate import evaluate
from tuitrain.cli.trained.plot import plot
from tuitrain.cli.trained.predict import predict
from tuitrain.cli.trained.report import report


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(evaluate)
    app.command()(predict)
    app.command()(plot)
    app.command()(report)
