"""Starts a supervisor in the background, in a session of its own, and waits for the run's start.

Knows nothing of what a supervisor does.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from tuitrain.errors import FolderError, TuitrainError
from tuitrain.messages import FINAL_STATES
from tuitrain.runs.directory import RunDirectory
from tuitrain.runs.reader import RunReader
from tuitrain.runs.rows import StateRow
from tuitrain.supervisor.assignment import Assignment

_POLL_S = 0.05
_STARTED = frozenset({"running", "paused", *FINAL_STATES})


def write_arguments(assignment: Assignment) -> list[str]:
    """Return an assignment as command-line arguments."""
    arguments = [
        str(assignment.directory.path.resolve()),
        f"--data-dir={assignment.data_directory}",
        f"--grace-s={assignment.grace_s}",
        *(f"--code-folder={folder}" for folder in assignment.code_folders),
    ]
    if assignment.checkpoint:
        arguments.append(f"--checkpoint={assignment.checkpoint}")
    arguments += [f"--live={key}={value!r}" for key, value in assignment.live]
    return [*arguments, "--resume"] if assignment.resume else arguments


def read_arguments(arguments: Sequence[str]) -> Assignment:
    """Read what `write_arguments` wrote."""
    parser = argparse.ArgumentParser(prog="python -m tuitrain.supervisor")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--grace-s", type=float, required=True)
    parser.add_argument("--code-folder", action="append", default=[])
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--live", action="append", default=[])
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args(arguments)
    return Assignment(
        directory=RunDirectory(given.directory),
        resume=given.resume,
        data_directory=given.data_dir,
        code_folders=given.code_folder,
        grace_s=given.grace_s,
        checkpoint=given.checkpoint,
        live=tuple((key, float(value)) for key, _, value in (t.partition("=") for t in given.live)),
    )


def start_in_background(assignment: Assignment) -> "subprocess.Popen[bytes]":
    """Start a supervisor that outlives this process and its terminal.

    What it writes, which is nothing unless it fails itself, lands in supervisor.log.

    Raises:
        FolderError: the run's folder can't be written.
        OSError: no process can be started.
    """
    log_path = assignment.directory.supervisor_log_path
    try:
        log = log_path.open("ab")
    except OSError as error:
        raise FolderError.of(log_path, error, "can't be written") from error
    with log:
        return subprocess.Popen(
            # -P: a file called random.py in the current folder must not be imported.
            [sys.executable, "-P", "-m", "tuitrain.supervisor", *write_arguments(assignment)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def start_and_wait(assignment: Assignment, report: Callable[[StateRow], None]) -> StateRow:
    """Start a supervisor in the background; return once the run runs or has ended.

    Each state on the way is reported.

    Raises:
        TuitrainError: the supervisor itself ended before it could say anything.
    """
    with closing(RunReader(assignment.directory)) as reader:
        attempts_before = len(reader.attempts())
        process = start_in_background(assignment)
        reported: StateRow | None = None
        while True:
            gone = process.poll() is not None
            if len(reader.attempts()) > attempts_before:
                state = reader.states()[-1]
                if state != reported:
                    report(state)
                    reported = state
                if state.state in _STARTED:
                    return state
            if gone:
                raise TuitrainError(_last_words(assignment.directory, process.returncode))
            time.sleep(_POLL_S)


def _last_words(directory: RunDirectory, exit_code: int) -> str:
    path = directory.supervisor_log_path
    text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
    last = text.splitlines()[-1] if text else f"exit code {exit_code}"
    return f"the run's supervisor ended at once: {last} (all of it: {path})"
