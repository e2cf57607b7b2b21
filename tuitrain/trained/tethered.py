"""Runs a command of tuitrain that ends with whoever started it, whichever way that ends.

`python -m tuitrain.trained.tethered WORDS...` runs `tuitrain WORDS...` with an empty stdin, and
kills both once its own stdin ends: also a command that another program has taken the place of, as a
server does. Knows no command.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
        [sys.executable, "-m", "tuitrain.trained.tethered", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env={**environ, **own},
        start_new_session=True,
    )


def main() -> None:
    """Run the command of this process's own command line, and end as it ends."""
    # A function, not SIG_IGN: what is ignored would stay so in the command.
    signal.signal(signal.SIGINT, lambda *_given: None)
    command = subprocess.Popen(
        [sys.executable, "-m", "tuitrain", *sys.argv[1:]], stdin=subprocess.DEVNULL
    )
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    code = command.wait()
    if code < 0:
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _end_with_stdin() -> None:
    """End the process group once nobody is left at the other end."""
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
