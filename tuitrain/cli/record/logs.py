"""`tuitrain logs`: what the worker wrote, and with -f what it goes on to write.

Reads worker.log only; knows nothing of the record but whether the run lives.
"""

import codecs
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuitrain.cli import output
from tuitrain.cli.options import RunArgument, RunsDir

if TYPE_CHECKING:
    from tuitrain.runs.directory import RunDirectory

_POLL_S = 0.2
_BLOCK_BYTES = 65536


def logs(
    run: RunArgument,
    runs_dir: RunsDir = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on printing until the run has ended.")
    ] = False,
    lines: Annotated[
        int | None,
        typer.Option("--lines", "-n", min=0, help="Only the last so many lines."),
    ] = None,
) -> None:
    """Print what the worker wrote to stdout and stderr."""
    from tuitrain.runs.directory import runs_root
    from tuitrain.runs.listing import find_run

    directory = find_run(runs_root(runs_dir), run)
    if not follow and not directory.log_path.exists():
        output.say(f"{directory.id}: the worker has written nothing yet.")
        return
    start = 0 if lines is None else _start_of_last_lines(directory.log_path, lines)
    blocks = _follow(directory, start) if follow else _read(directory.log_path, start)
    write = _harmless_writer() if sys.stdout.isatty() else output.raw
    for block in blocks:
        write(block)


def _read(path: Path, position: int) -> Iterator[bytes]:
    """Yield what stands in the file from `position`, a block at a time."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(position)
        while block := file.read(_BLOCK_BYTES):
            yield block


def _follow(directory: "RunDirectory", position: int) -> Iterator[bytes]:
    from tuitrain.runs.lock import is_alive, is_worker_alive

    while True:
        # Asked before the file is read: what was written last, before the end, is printed too.
        live = is_alive(directory) or is_worker_alive(directory)
        for block in _read(directory.log_path, position):
            position += len(block)
            yield block
        if not live:
            return
        time.sleep(_POLL_S)


def _start_of_last_lines(path: Path, lines: int) -> int:
    """Return where the last so many lines begin, reading backwards from the end."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        end = position = file.seek(0, 2)
        wanted = lines
        while position > 0:
            length = min(_BLOCK_BYTES, position)
            position -= length
            file.seek(position)
            block = file.read(length)
            # The line end that closes the file begins no further line.
            index = length - 1 if position + length == end and block.endswith(b"\n") else length
            if lines == 0:
                return end
            while (index := block.rfind(b"\n", 0, index)) >= 0:
                wanted -= 1
                if wanted == 0:
                    return position + index + 1
    return 0 if lines else end


def _harmless_writer() -> Callable[[bytes], None]:
    """Return a function that prints a terminal-safe form of a stream of bytes."""
    from tuitrain.view.format import sanitise_lines

    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def write(block: bytes) -> None:
        text = sanitise_lines(decoder.decode(block))
        encoding = sys.stdout.encoding or "utf-8"
        output.raw(text.encode(encoding, errors="backslashreplace"))

    return write
