"""`tuitrain rm`: remove runs, into the trash or for good, after asking.

Knows how to ask, not how a run is removed.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.hosts import OneHost
from tuitrain.cli.options import RunsDir, complete_run

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory


def rm(
    run: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Ids, unique beginnings of them, names, or `last`.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ],
    runs_dir: RunsDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="For good at once, without the trash.")
    ] = False,
    host: OneHost = "",
) -> None:
    """Remove runs with everything in them; `trash restore` brings them back for 7 days."""
    from tuitrain.errors import RunBusyError
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.lock import is_alive
    from tuitrain.runs.upkeep.remove import remove_run
    from tuitrain.runs.upkeep.trash import discard_old, move_to_trash

    if host:
        _remove_there(run, host, yes=yes, now=now)
        return
    root = runs_root(runs_dir)
    directories = list(dict.fromkeys(find_run(root, text) for text in run))
    for directory in directories:
        if is_alive(directory):
            raise RunBusyError(
                f"{directory.id} is live: `tuitrain stop {directory.id}` ends it first."
            )
    if not yes and not _confirmed(directories, now):
        output.say("nothing was removed.")
        raise typer.Exit(1)
    for directory in directories:
        if now:
            remove_run(directory)
        else:
            move_to_trash(directory)
        output.say(f"removed {directory.id}")
    discard_old(root)
    if not now:
        output.say("in the trash for 7 days: `tuitrain trash restore RUN`, `trash empty`")


def _remove_there(runs: list[str], host: str, *, yes: bool, now: bool) -> None:
    from tuitrain.cli.hosts import remove_there
    from tuitrain.errors import UsageError

    if now:
        raise UsageError(
            "--now has no meaning with --host: runs there go to the trash of that machine; "
            f"`ssh {host} tuitrain trash empty` removes them for good."
        )

    def confirm(ids: list[str]) -> bool:
        return yes or ask_on_terminal(f"Move {', '.join(ids)} to the trash of {host}?")

    if not remove_there(runs, host, confirm):
        output.say("nothing was removed.")
        raise typer.Exit(1)
    output.say(f"in the trash of {host} for 7 days: `tuitrain trash restore RUN` there")


def _confirmed(directories: "list[RunDirectory]", now: bool) -> bool:
    from tuitrain.units import size
    from tuitrain.view.format import sanitise

    _need_terminal()
    for directory in directories:
        files = [path for path in directory.path.rglob("*") if path.is_file()]
        total_bytes = sum(path.lstat().st_size for path in files)
        output.say(f"  {sanitise(directory.id)}  {size(total_bytes)} in {len(files)} files")
    return ask_on_terminal("Remove for good?" if now else "Move to the trash?")


def ask_on_terminal(question: str) -> bool:
    """Return whether the user says yes.

    Raises:
        UsageError: there is nobody to ask.
    """
    _need_terminal()
    return typer.confirm(question, err=True)


def _need_terminal() -> None:
    from tuitrain.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask on: say --yes to remove without being asked.")
