"""The options of `tuitrain run` and `tuitrain resume` that no other command has."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where data sets are kept.",
        show_default="$TUITRAIN_DATA or the user's cache",
        file_okay=False,
    ),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="TRACKER",
        help="Log to tensorboard[:DIR], wandb[:PROJECT], mlflow[:EXPERIMENT] or "
        "trackio[:PROJECT] too, as --set log.to=[...] does; may be given again.",
        show_default=False,
    ),
]
Textfile = Annotated[
    Path | None,
    typer.Option(
        "--textfile",
        metavar="DIR",
        help="Keep a file for Prometheus in the folder of node_exporter's textfile collector, as "
        "--set log.textfile=DIR does.",
        exists=True,
        file_okay=False,
        writable=True,
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Change a setting, e.g. --set optimizer.lr=3e-4; may be given again. Several "
        "values, as 1e-4,1e-3, make a sweep.",
        show_default=False,
    ),
]
Fold = Annotated[
    str | None,
    typer.Option(
        "--fold",
        metavar="K/N",
        help="Hold out fold K of N, as --set data.fold=K/N does.",
        show_default=False,
    ),
]
Ranks = Annotated[
    str | None,
    typer.Option(
        "--ranks",
        metavar="auto|N",
        help="Train on N processes, one a GPU, as --set train.ranks=N does.",
        show_default=False,
    ),
]
Detach = Annotated[
    bool, typer.Option("--detach", "-d", help="Train in the background; print the run's id.")
]
Tui = Annotated[
    bool, typer.Option("--tui", help="Train in the background and watch in the interface.")
]
PrintConfig = Annotated[
    bool, typer.Option("--print-config", help="Print the resolved preset and run nothing.")
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Decode images as they are needed: data.cache=false."),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Stay = Annotated[
    bool, typer.Option("--foreground", help="Stay with the run, as `tuitrain run` does.")
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="NAME",
        help="Go back to this checkpoint, e.g. best or step-00000100, and train on from there.",
        show_default=False,
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Go on with another setting, e.g. --set train.epochs=20; may be given again.",
        show_default=False,
    ),
]
