"""`tuitrain tag`: what people write on runs."""

from dataclasses import asdict, replace
from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsArgument, RunsDir


def tag(
    runs: RunsArgument,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", "-a", metavar="TAG", help="May be given again.", show_default=False),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", "-r", metavar="TAG", help="May be given again.", show_default=False
        ),
    ] = None,
    note: Annotated[
        str | None,
        typer.Option("--note", metavar="TEXT", help="Empty: none.", show_default=False),
    ] = None,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Tag runs, write a note on them, or say what is there; `ls --filter tag:NAME` finds them."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.labels import load_labels, save_labels
    from tuitrain.runs.listing import find_run
    from tuitrain.view.format import sanitise

    root = runs_root(runs_dir)
    directories = [find_run(root, run) for run in runs]
    found = {}
    for directory in directories:
        labels = old = load_labels(directory)
        labels = labels.tagged(add or (), remove or ())
        if note is not None:
            labels = replace(labels, note=note)
        if labels != old:
            save_labels(directory, labels)
        found[directory.id] = labels
    if json:
        output.data_json({run: asdict(labels) for run, labels in found.items()})
        return
    for run, labels in found.items():
        words = [", ".join(labels.tags) or "no tags", *([labels.note] if labels.note else [])]
        output.data(f"{run}: {sanitise('; '.join(words))}")
