"""`tuitrain rename`: another name for a run."""

from typing import Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import RunArgument, RunsDir


def rename(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name from now on.")],
    runs_dir: RunsDir = None,
) -> None:
    """Call a run something else; its id and folder stay, and it may go on meanwhile."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.upkeep.rename import rename_run

    directory = find_run(runs_root(runs_dir), run)
    rename_run(directory, name)
    output.say(f"{directory.id} is called {name} now")
