"""Starts a supervisor for a process that has none, as in a notebook, and connects to it.

Knows processes and pipes; not what is said over them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tuitrain.script.wire import LinkError, Pipes

_BEGIN_S = 60.0


@dataclass(frozen=True)
class Supervised:
    """The run that a supervisor made for this process."""

    pipes: Pipes
    id: str
    path: Path


def start_supervisor(name: str | None, runs_dir: str | None) -> Supervised:
    """Have a supervisor started; returns once there is a run.

    Args:
        name: what to call the run.
        runs_dir: the folder of all runs; where the environment says when None.

    Raises:
        LinkError: there is none; the text says why.
    """
    events_out, events_in = os.pipe()
    commands_out, commands_in = os.pipe()
    asked = {
        "pid": os.getpid(),
        "command": _command(),
        "cwd": str(Path.cwd()),
        "name": name,
        "runs": runs_dir,
        "events": events_out,
        "commands": commands_in,
    }
    pipes = Pipes(events_in, commands_out)
    try:
        _start(json.dumps(asked), (events_out, commands_in))
    except OSError as error:
        pipes.close()
        raise LinkError(f"its supervisor can't be started: {error}") from error
    finally:
        os.close(events_out)
        os.close(commands_in)
    answer = _answer(pipes)
    if "error" in answer:
        pipes.close()
        raise LinkError(answer["error"])
    return Supervised(pipes, answer["id"], Path(answer["path"]))


def _start(asked: str, inherited: tuple[int, int]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tuitrain.supervisor.scripts.attach"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=inherited,
        start_new_session=True,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(asked.encode())
        process.stdin.close()
    # It outlives this process: nobody here waits for it, which Popen would warn of.
    process.returncode = 0


def _answer(pipes: Pipes) -> dict[str, str]:
    deadline = time.monotonic() + _BEGIN_S
    while time.monotonic() < deadline:
        try:
            lines = pipes.read(1.0)
        except LinkError:
            return {"error": "its supervisor ended at once: is the folder of runs writable?"}
        if lines:
            return dict(json.loads(lines[0]))
    return {"error": f"its supervisor did not answer within {_BEGIN_S:g} s"}


def _command() -> list[str]:
    program = sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python"
    return [program, *sys.argv[1:]]
