"""Runs a command of tuitrain that ends with whoever started it, whichever way that ends.

`python -m tuitrain.supervisor.tethered WORDS...` does what `tuitrain WORDS...` does, and kills its
process group once its stdin ends. The command itself has an empty stdin. Knows no command.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_PACKAGE = Path(__file__).parents[2]


def start_command(
    words: Sequence[str], columns: int, environ: Mapping[str, str] = os.environ
) -> "subprocess.Popen[str]":
    """Start a command of tuitrain; what it writes comes as text, in the order it was written.

    Args:
        words: of the command line, without its first.
        columns: that a table may be wide.
        environ: of this process.

    Raises:
        OSError: no process can be started.
    """
    paths = [str(_PACKAGE), environ.get("PYTHONPATH", "")]
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": str(columns),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tuitrain.supervisor.tethered", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env={**environ, **own},
        start_new_session=True,
    )


def main() -> None:
    """Do what the command line says."""
    line = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    # By its name: the command line is above this part of the package.
    runpy.run_module("tuitrain", run_name="__main__", alter_sys=True)


def _end_with(line: int) -> None:
    """End the process group once nobody is left at the other end."""
    while os.read(line, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
