"""The commands on a trained model, on one list."""

import typer

from tuitrain.cli.trained.demo import demo
from tuitrain.cli.trained.evaluate import evaluate
from tuitrain.cli.trained.explain import explain
from tuitrain.cli.trained.export_model import export_model
from tuitrain.cli.trained.plot import plot
from tuitrain.cli.trained.predict import predict
from tuitrain.cli.trained.report import report
from tuitrain.cli.trained.serve import serve


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(evaluate)
    app.command()(predict)
    app.command()(explain)
    app.command()(demo)
    app.command()(serve)
    app.command("export-model")(export_model)
    app.command()(plot)
    app.command()(report)
