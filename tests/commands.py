"""Runs commands of tuitrain in processes of their own that need not import everything first.

Half a second of each command goes into imports that are always the same. One process has done them
and forks every command that is asked for: with arguments, folder, environment and streams of its
own, and an exit code. What it starts itself, a worker or a supervisor, begins as it always does.
"""

import atexit
import gc
import importlib
import json
import os
import random
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

PROJECT = Path(__file__).parents[1]
IMPORTED = (
    "multiprocessing.popen_spawn_posix",
    "platformdirs.unix",
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
    asked = json.dumps({"words": words, "cwd": os.fspath(cwd), "env": dict(env)})
    done, done_in_child = os.pipe()
    with _file(asked) as order, _file(stdin) as given, _file() as out, _file() as err:
        try:
            numbers = [each.fileno() for each in (order, given, out, err)]
            with _LOCK:
                socket.send_fds(_server(), [b"."], [*numbers, done_in_child])
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
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.commands", str(theirs.fileno())],
            cwd=PROJECT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env=env | {"PYTHONPATH": str(PROJECT)},
        )  # fmt: skip

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# --- in the process that forks --------------------------------------------------------------------


def main() -> None:
    """Fork a command for each request; in each of these processes, be that command."""
    import tuitrain.__main__ as entry

    preload()
    sys.modules["__main__"] = entry
    gc.freeze()
    if serve(socket.socket(fileno=int(sys.argv[1]))):
        try:
            entry.main()
            leave(0)
        except SystemExit as ending:
            leave(ending.code)


def leave(code: Any) -> None:
    """End a command as the interpreter does, but for taking down what it had not imported."""
    if code is None or isinstance(code, int):
        status = code or 0
    else:
        sys.stderr.write(f"{code}\n")
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()  # type: ignore[attr-defined]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def preload() -> None:
    """Import what most commands import."""
    for name in IMPORTED:
        importlib.import_module(name)


def serve(requests: socket.socket) -> bool:
    """Return true in each process that is to be a command, false when nobody asks any more."""
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
    while True:
        byte, numbers, _flags, _address = socket.recv_fds(requests, 1, 5)
        if not byte:
            return False
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        *given, done = numbers
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            for each in (done, *waiting.values()):
                os.close(each)
            requests.close()
            become(given)
            return True
        waiting[pid] = done
        for each in given:
            os.close(each)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def become(numbers: list[int]) -> None:
    """Take over a command's arguments, folder, environment and streams."""
    import multiprocessing.process

    with os.fdopen(numbers[0], encoding="utf-8") as file:
        order = json.load(file)
    for number, each in enumerate(numbers[1:]):
        os.dup2(each, number)
        os.close(each)
    os.chdir(order["cwd"])
    multiprocessing.process.ORIGINAL_DIR = order["cwd"]  # type: ignore[attr-defined]
    os.environ.clear()
    os.environ.update(order["env"])
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        errors = "backslashreplace" if name == "stderr" else "strict"
        stream = os.fdopen(number, mode, encoding=encoding, errors=errors, closefd=False)
        setattr(sys, name, stream)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # As `python -m` has it: the folder first, then PYTHONPATH, then what is installed.
    known = [each for each in sys.path if each not in ("", str(PROJECT))]
    sys.path[:] = [order["cwd"], *filter(None, paths), *known]
    sys.argv[:] = [str(PROJECT / "tuitrain" / "__main__.py"), *order["words"]]
    random.seed()


if __name__ == "__main__":
    main()
