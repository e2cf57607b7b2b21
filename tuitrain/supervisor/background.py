"""Starts a supervisor in the background, in a session of its own.

Knows nothing of what a supervisor does.
"""

import subprocess
import sys
from typing import TYPE_CHECKING

from tuitrain.errors import FolderError
from tuitrain.runs.directory import RunDirectory

if TYPE_CHECKING:
    from tuitrain.supervisor.launch import LaunchSpec


def start_in_background(spec: "LaunchSpec") -> "subprocess.Popen[bytes]":
    """Start a supervisor that outlives this process and its terminal.

    What it writes, which is nothing unless it fails itself, lands in supervisor.log.

    Raises:
        FolderError: the run's folder can't be written.
        OSError: no process can be started.
    """
    log_path = spec.directory.supervisor_log_path
    try:
        log = log_path.open("ab")
    except OSError as error:
        raise FolderError.of(log_path, error, "can't be written") from error
    with log, spec.write() as launch_file:
        return subprocess.Popen(
            # -P: a file called random.py in the current folder must not be imported.
            [
                *(sys.executable, "-P", "-m", "tuitrain.supervisor"),
                str(spec.directory.path.resolve()),
                *(["--queued"] if spec.wish is not None else []),
            ],
            stdin=launch_file,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def last_words(directory: RunDirectory) -> str:
    """Return the last line that a supervisor in the background wrote; empty where it wrote none."""
    path = directory.supervisor_log_path
    text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
    return text.splitlines()[-1] if text else ""
