"""`tuitrain rm`: remove runs for good, after asking.

Knows how to ask, not how a run is removed.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import RunsDir, complete_run

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory


def rm(
    run: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Ids, unique beginnings of them, names, or `last`.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ],
    runs_dir: RunsDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs with everything in them: record, log and checkpoints."""
    from tuitrain.errors import RunBusyError
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.lock import is_alive
    from tuitrain.runs.remove import remove_run

    root = runs_root(runs_dir)
    directories = list(dict.fromkeys(find_run(root, text) for text in run))
    for directory in directories:
        if is_alive(directory):
            raise RunBusyError(
                f"{directory.id} is live: `tuitrain stop {directory.id}` ends it first."
            )
    if not yes and not _confirmed(directories):
        output.say("nothing was removed.")
        raise typer.Exit(1)
    for directory in directories:
        remove_run(directory)
        output.say(f"removed {directory.id}")


def _confirmed(directories: "list[RunDirectory]") -> bool:
    from tuitrain.errors import UsageError
    from tuitrain.units import size
    from tuitrain.view.format import sanitise

    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask on: say --yes to remove without being asked.")
    for directory in directories:
        files = [path for path in directory.path.rglob("*") if path.is_file()]
        total_bytes = sum(path.lstat().st_size for path in files)
        output.say(f"  {sanitise(directory.id)}  {size(total_bytes)} in {len(files)} files")
    return typer.confirm("Remove for good?", err=True)
