"""`tuitrain watch`: logs of other programs on the screens of this one.

Knows how logs are opened and listed, not how any is read.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import interface, output
from tuitrain.cli.options import Json
from tuitrain.errors import EXIT_FAILED

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory
    from tuitrain.ui.app import TuitrainApp

_PATIENCE_S = 10.0


def watch(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Logs, or folders with logs below them: TensorBoard event files, CSV, JSON "
            "lines, trainer_state.json, MLflow, Trackio, Aim, .wandb.",
            show_default=False,
        ),
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Read what there is, print the list, and end.")
    ] = False,
    json: Json = False,
    ascii: interface.Ascii = False,
    no_mouse: interface.NoMouse = False,
    graphics: interface.AskedPictures = None,
) -> None:
    """Open the logs of other programs, and follow them while they grow."""
    from tuitrain.foreign.cache import cache_root, view_of
    from tuitrain.foreign.watcher import Watcher

    cache = cache_root()
    view = view_of(cache, paths)
    watcher = Watcher(paths, cache, view, lambda text: output.say(f"tuitrain: {text}"))
    runs = watcher.search()
    if once or json:
        whole = watcher.catch_up()
        _print(view, runs, json=json)
        raise typer.Exit(0 if whole else EXIT_FAILED)
    watcher.prepare()
    with _following(cache, view, paths):
        first = partial(_open_first, runs)
        interface.open_interface(
            view, ascii=ascii, no_mouse=no_mouse, graphics=graphics, first=first, watching=True
        )


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(watch)


def _open_first(runs: "Sequence[RunDirectory]", app: "TuitrainApp") -> None:
    """Open the only run; of several go to their list, as nothing is started here."""
    if len(runs) == 1:
        app.opener.open_run(runs[0])
    else:
        app.call_after_refresh(app.run_action, "screen.other_list")


def _print(view: Path, runs: "Sequence[RunDirectory]", *, json: bool) -> None:
    from tuitrain.cli.record.list import newest_runs
    from tuitrain.runs.listing import summarise_run

    if json:
        found = [asdict(summarise_run(str(run.path))) for run in runs]
        output.data_json({"runs_dir": str(view), "runs": found})
        return
    # Logs that are gone meanwhile are still listed.
    output.data(newest_runs(view, sys.maxsize))
    output.say(f"`--runs-dir {view}` opens them in show, plot, export and other commands.")


@contextmanager
def _following(cache: Path, view: Path, paths: Sequence[Path]) -> Iterator[None]:
    """Let a process follow the logs meanwhile."""
    command = [sys.executable, "-m", "tuitrain.foreign", *map(str, (cache, view, *paths))]
    log = view / "watch.log"
    with log.open("wb") as told:
        process = _start(command, told)
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if words := log.read_text(encoding="utf-8", errors="replace").strip():
            output.say(words)


def _start(command: Sequence[str], told: IO[bytes]) -> "subprocess.Popen[bytes]":
    # A session of its own: keys of the terminal, Ctrl-C among them, are the interface's.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=told,
        start_new_session=True,
    )
