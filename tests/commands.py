"""Runs commands of tuitrain in processes of their own that need not import everything first.

Half a second of each command goes into imports that are always the same, and two into importing
torch where it needs a worker. One process has done them and forks every command that is asked for:
with arguments, folder, environment and streams of its own, and an exit code. The same is done for
what it starts, a supervisor or a worker.
"""

import atexit
import gc
import importlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests import warm

PROJECT = Path(__file__).parents[1]
IMPORTED = (
    "multiprocessing.popen_spawn_posix",
    "multiprocessing.synchronize",
    "platformdirs.unix",
    "sklearn.datasets",
    "sympy",
    "torch._dynamo",
    "torch.distributed.tensor",
    "torch.utils.flop_counter",
    "tuitrain.analysis.diagnosis.reading",
    "tuitrain.cli.app",
    "tuitrain.config.load",
    "tuitrain.remote.registry",
    "tuitrain.runs.commands",
    "tuitrain.runs.reader",
    "tuitrain.runs.table.query",
    "tuitrain.supervisor.client",
    "tuitrain.supervisor.inspection",
    "tuitrain.supervisor.launch",
    "tuitrain.supervisor.supervisor",
    "tuitrain.training.evaluating.evaluate",
    "tuitrain.training.inspection.answers",
    "tuitrain.training.inspection.model",
    "tuitrain.training.session",
    "tuitrain.training.worker",
    "tuitrain.view.profiletext",
)
Result = subprocess.CompletedProcess[str]
_LOCK = threading.Lock()
"""Tests run commands in several threads, and one process forks for all of them."""


def run(arguments: Any, *, cwd: Path, env: Mapping[str, str], stdin: str = "") -> Result:
    """Return how `tuitrain ARGUMENTS` went.

    Args:
        arguments: what stands behind `tuitrain`.
        cwd: the folder in which it runs.
        env: its whole environment.
        stdin: what it can read.
    """
    words = [str(each) for each in arguments]
    program = warm.Program(
        ["-m", "tuitrain", *words], os.fspath(cwd), dict(env), [0, 1, 2], [], [], os.getpgrp()
    )
    done, done_in_child = os.pipe()
    with _file(program.to_json()) as order, _file(stdin) as given, _file() as out, _file() as err:
        try:
            numbers = [each.fileno() for each in (order, given, out, err)]
            with _LOCK:
                socket.send_fds(_server(), [b"."], [done_in_child, *numbers])
        finally:
            os.close(done_in_child)
        with os.fdopen(done, "rb") as answer:
            status = answer.read()
        assert status, "the process that forks commands is gone"
        code = os.waitstatus_to_exitcode(int(status))
        texts = [_text(each) for each in (out, err)]
    return subprocess.CompletedProcess(["tuitrain", *words], code, *texts)


def _file(text: str = "") -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115
    file.write(text.encode("utf-8", "surrogateescape"))
    file.seek(0)
    return file


def _text(file: Any) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair()
    # Of no test: whoever looks for processes of its own finds them by these variables.
    env = {name: value for name, value in os.environ.items() if not name.startswith("TUITRAIN_")}
    env |= {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.commands", str(theirs.fileno())],
            cwd=PROJECT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env=env,
        )  # fmt: skip

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# --- in the process that forks --------------------------------------------------------------------


def main() -> None:
    """Import what programs import, and fork a command for each request."""
    # As workers do before they import torch.
    os.environ["KINETO_LOG_LEVEL"] = "99"
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))


def serve(requests: socket.socket) -> None:
    """Fork commands, and tell how each ended, until nobody asks any more."""
    waiting: dict[int, int] = {}

    def reap(*_: object) -> None:
        for pid in list(waiting):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                done = waiting.pop(pid)
                # A test that ran out of time waits no more.
                with suppress(BrokenPipeError):
                    os.write(done, str(status).encode())
                os.close(done)

    signal.signal(signal.SIGCHLD, reap)
    while handed := warm.receive(requests):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        done, order, *streams = handed
        pid = os.fork()
        if pid == 0:
            requests.detach()
            warm.become(warm.read_program(order), streams)
        waiting[pid] = done
        for each in (order, *streams):
            os.close(each)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


if __name__ == "__main__":
    main()
