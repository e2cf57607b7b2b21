"""`tuitrain why`: what is not the same of two runs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunArgument, RunsDir, complete_run
from tuitrain.errors import UsageError

_WIDEST = 60


def why(
    run: RunArgument,
    other: Annotated[
        str,
        typer.Argument(
            metavar="OTHER",
            help="The run before it.",
            autocompletion=complete_run,
            show_default="the last of its preset that finished",
        ),
    ] = "",
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Print what of their code is not the same, as git does."),
    ] = False,
    runs_dir: RunsDir = None,
    json: Json = False,
) -> None:
    """Say what changed since another run: result, settings, code, packages, machine."""
    from tuitrain.report.code import code_difference
    from tuitrain.report.differences import Side, differences, last_good
    from tuitrain.runs.directory import RunDirectory, runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.reader import RunReader

    root = runs_root(runs_dir)
    directory = find_run(root, run)
    with RunReader(directory) as reader:
        now = Side(reader.summary(), reader)
        found = find_run(root, other) if other else last_good(directory, now.summary)
        if found is None:
            raise UsageError(
                f"no earlier run of {now.summary.preset} has finished: name the other run"
            )
        before = RunDirectory(Path(found.path))
        with RunReader(before) as other_reader:
            metas = other_reader.meta(), reader.meta()
            rows = differences(Side(other_reader.summary(), other_reader), now)
    if diff:
        _print_code(list(code_difference(before, directory, metas)))
        return
    if json:
        plain = [asdict(row) for row in rows]
        output.data_json({"before": before.id, "now": directory.id, "differences": plain})
        return
    from tuitrain.view import format as text

    cells = [
        tuple(text.shorten(text.sanitise(cell), _WIDEST) for cell in asdict(row).values())
        for row in rows
    ]
    headings = ("", "WHAT", before.id, directory.id)
    output.data(text.table(headings, cells, ("left",) * 4))
    if any(row.kind == "code" for row in rows):
        output.say("--diff prints what of their code is not the same")
    if all(row.kind == "result" for row in rows):
        output.say("settings, code and packages are the same")


def _print_code(lines: list[str]) -> None:
    """Print a diff; what a file holds stays text."""
    from tuitrain.view.format import sanitise

    if not lines:
        output.say("their code is the same, as far as it is on record")
    for line in lines:
        output.data(sanitise(line.expandtabs()))
