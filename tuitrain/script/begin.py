"""What is done in each Python process below `tuitrain exec`, before its script begins."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys

from tuitrain.script.imports import HOOKS, install
from tuitrain.script.wire import run_folder


def begin() -> None:
    """Watch for libraries, and let stacks be asked for."""
    install(dict(HOOKS))
    _write_lines_at_once()
    with contextlib.suppress(Exception):
        _give_stacks()


def _write_lines_at_once() -> None:
    """Let a print be in the log when it was made: into a file Python gathers 8 KiB otherwise."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _give_stacks() -> None:
    folder = run_folder()
    if folder is None or signal.getsignal(signal.SIGUSR2) is not signal.SIG_DFL:
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    file = os.open(folder / "stacks.txt", flags, 0o600)
    faulthandler.register(signal.SIGUSR2, file=file, all_threads=True)
