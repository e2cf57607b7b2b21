"""Starts a supervisor in the background, in a session of its own.

Knows nothing of what a supervisor does.
"""

import subprocess
import sys
from typing import IO, TYPE_CHECKING

from tuitrain.errors import FolderError
from tuitrain.runs.directory import RunDirectory

if TYPE_CHECKING:
    from tuitrain.supervisor.launch import LaunchSpec
    from tuitrain.supervisor.scripts.launch import ScriptLaunch


def start_in_background(spec: "LaunchSpec") -> "subprocess.Popen[bytes]":
    """Start a supervisor that outlives this process and its terminal.

    What it writes, which is nothing unless it fails itself, lands in supervisor.log.

    Raises:
        FolderError: the run's folder can't be written.
        OSError: no process can be started.
    """
    with spec.write() as launch_file:
        return start_module("tuitrain.supervisor", spec.directory, launch_file)


def start_module(
    module: str, directory: RunDirectory, stdin: "IO[bytes] | int" = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    """Start a module as the supervisor of a run, in a session of its own.

    Args:
        module: is given the run's folder.
        directory: the run.
        stdin: what it reads.

    Raises:
        FolderError: the run's folder can't be written.
        OSError: no process can be started.
    """
    log_path = directory.supervisor_log_path
    try:
        log = log_path.open("ab")
    except OSError as error:
        raise FolderError.of(log_path, error, "can't be written") from error
    with log:
        return subprocess.Popen(
            # -P: a file called random.py in the current folder must not be imported.
            [sys.executable, "-P", "-m", module, str(directory.path.resolve())],
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def start_script_in_background(launch: "ScriptLaunch") -> "subprocess.Popen[bytes]":
    """Start the supervisor of a script, which outlives this process and its terminal.

    Raises:
        FolderError: the run's folder can't be written.
        OSError: no process can be started.
    """
    return start_module("tuitrain.supervisor.scripts", launch.directory)


def last_words(directory: RunDirectory) -> str:
    """Return the last line that a supervisor in the background wrote; empty where it wrote none."""
    path = directory.supervisor_log_path
    text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
    return text.splitlines()[-1] if text else ""
