"""`tuitrain replay`: a run's screens again, as they were while it trained.

Knows how a record is played; what the screens show of it is theirs.
"""

import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import interface
from tuitrain.cli.options import RunArgument, RunsDir

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory

_TICK_S = 0.2
_IDLE_S = 3.0
"""A time in which nothing happened is not waited for longer than this."""


def replay(
    run: RunArgument,
    speed: Annotated[
        float,
        typer.Option("--speed", min=0.01, max=1e6, help="So many times as fast as it was."),
    ] = 10.0,
    runs_dir: RunsDir = None,
    ascii: interface.Ascii = False,
) -> None:
    """Play a run's screens again, at a chosen speed; where nothing happened it goes on at once."""
    from tuitrain.file_lock import FileLock
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run
    from tuitrain.runs.replay import create_replay

    original = find_run(runs_root(runs_dir), run)
    with tempfile.TemporaryDirectory(prefix="tuitrain-replay-") as folder:
        copy = create_replay(Path(folder) / "runs", original)
        over = threading.Event()
        # Held as by a supervisor: what is played lives.
        with FileLock(copy.lock_path):
            player = threading.Thread(target=play, args=(original, copy, speed, over))
            player.start()
            try:
                interface.open_interface(
                    copy.path.parent,
                    ascii=ascii,
                    first=lambda app: app.opener.open_run(copy),
                    watching=True,
                )
            finally:
                over.set()
                player.join()


def play(
    original: "RunDirectory", copy: "RunDirectory", speed: float, over: threading.Event
) -> None:
    """Let a record grow as another one did, until it is whole or nobody watches any more."""
    from tuitrain.runs.replay import ReplayWriter

    with ReplayWriter(copy, original) as writer:
        at, looked = writer.first_time(), time.monotonic()
        while not over.is_set():
            writer.advance(at)
            after = writer.next_time(at)
            if after is None:
                return
            over.wait(_TICK_S)
            now = time.monotonic()
            at, looked = at + (now - looked) * speed, now
            # As if it happened a moment from now: a night without a worker is no use to anybody.
            at = max(at, after - _IDLE_S * speed)


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(replay)
