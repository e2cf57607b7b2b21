"""`tuitrain trash`: removed runs, which are kept for a week.

Knows how to ask, not how a run is moved.
"""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuitrain.cli import output
from tuitrain.cli.options import Json, RunsDir

if TYPE_CHECKING:
    from tuitrain.runs.upkeep.trash import TrashedRun

app = typer.Typer(
    help="List, restore and throw away removed runs.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_all(runs_dir: RunsDir = None, json: Json = False) -> None:
    """List the removed runs, the last one first; each is kept for 7 days."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.upkeep.trash import list_trash, trash_folder

    root = runs_root(runs_dir)
    runs = list_trash(root)
    if json:
        output.data_json([_plain(run) for run in runs])
    elif runs:
        output.data(_table(runs, time.time()))
    else:
        output.say(f"no removed runs in {trash_folder(root)}")


@app.command()
def restore(
    run: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN", help="Ids, beginnings of them, or `last`.", show_default=False
        ),
    ],
    runs_dir: RunsDir = None,
) -> None:
    """Bring removed runs back into the list."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.upkeep.trash import find_trashed
    from tuitrain.runs.upkeep.trash import restore as bring_back

    root = runs_root(runs_dir)
    for text in run:
        output.say(f"restored {bring_back(find_trashed(root, text)).id}")


@app.command()
def empty(
    runs_dir: RunsDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove all that is in the trash for good."""
    from tuitrain.cli.record.remove import ask_on_terminal
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.upkeep.trash import discard, list_trash
    from tuitrain.units import size

    runs = list_trash(runs_root(runs_dir))
    total = size(sum(map(_bytes, runs)))
    if not runs:
        output.say("the trash is empty")
    elif yes or ask_on_terminal(f"Remove {len(runs)} runs, {total}, for good?"):
        output.say(f"removed {discard(runs)} runs, {total}")
    else:
        output.say("nothing was removed.")
        raise typer.Exit(1)


def _bytes(run: "TrashedRun") -> int:
    files = [path for path in run.path.rglob("*") if path.is_file()]
    return sum(path.lstat().st_size for path in files)


def _plain(run: "TrashedRun") -> dict[str, Any]:
    return {"id": run.id, "removed": run.removed, "bytes": _bytes(run), "path": str(run.path)}


def _table(runs: "list[TrashedRun]", now: float) -> str:
    from tuitrain.runs.listing import summarise_run
    from tuitrain.runs.upkeep.trash import KEPT_DAYS
    from tuitrain.units import age, size
    from tuitrain.view import format as text

    rows = [
        (
            text.sanitise(run.id),
            summarise_run(str(run.path)).state,
            age(now - run.removed),
            f"{max(0.0, KEPT_DAYS - (now - run.removed) / 86400):.1f} d",
            size(_bytes(run)),
        )
        for run in runs
    ]
    headings = ("RUN", "STATE", "REMOVED", "KEPT FOR", "SIZE")
    return text.table(headings, rows, ("left", "left", "right", "right", "right"))
