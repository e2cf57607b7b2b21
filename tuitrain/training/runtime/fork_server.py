"""A fork server that is a copy of this process: its children have imported all that this one has.

The server that multiprocessing has by itself is a new interpreter, which would import torch again:
2 s of one core. It stands on private parts of multiprocessing.forkserver, all of them named here;
where one is missing, or another than is known, children are spawned.
"""

import ctypes
import os
import shutil
import signal
import socket
import sys
import warnings
from contextlib import suppress
from inspect import signature
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any, Literal, NoReturn

from tuitrain.training.runtime.work_folder import make_work_folder

_SERVER: Any = getattr(forkserver, "_forkserver", None)
_PARTS = ("_forkserver_address", "_forkserver_alive_fd", "_forkserver_pid")
_MAIN = ("listener_fd", "alive_r", "preload", "main_path", "sys_path")
_PREFIX = "tuitrain-fork-"
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
"""Of prctl(2)."""


def begin_fork_server() -> None:
    """Let what is started by the method "forkserver" be a copy of this process as it is now.

    For a process that has computed nothing yet: a copy has none of the threads of OpenMP, and can't
    use a CUDA device of which the original has a context. Called by its main thread.
    """
    if is_running() or not _is_known():
        return
    resource_tracker.ensure_running()
    sys.stdout.flush()
    sys.stderr.flush()
    address = str(make_work_folder(_PREFIX) / "socket")
    alive_r, alive_w = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener, warnings.catch_warnings():
        # In a folder that is this user's alone.
        listener.bind(address)
        listener.listen()
        # That there are threads, which a copy has not: none of them holds what it needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
        if not pid:
            _serve(listener.detach(), alive_r)
    os.close(alive_r)
    for part, value in zip(_PARTS, (address, alive_w, pid), strict=True):
        setattr(_SERVER, part, value)


def end_fork_server() -> None:
    """Let the server end once its children have; without effect where there is none."""
    if not is_running():
        return
    with suppress(OSError):
        os.close(_SERVER._forkserver_alive_fd)
    shutil.rmtree(Path(_SERVER._forkserver_address).parent, ignore_errors=True)
    for part in _PARTS:
        setattr(_SERVER, part, None)


def is_running() -> bool:
    """Return whether this process has begun a server."""
    return bool(getattr(_SERVER, "_forkserver_pid", None))


def start_method() -> Literal["forkserver", "spawn"]:
    """Return how to start children that begin with nothing but imports."""
    return "forkserver" if is_running() else "spawn"


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends; only Linux can.

    What hangs in a library without giving way to other threads notices nothing by itself.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_known() -> bool:
    return (
        hasattr(os, "fork")
        and all(hasattr(_SERVER, part) for part in _PARTS)
        and tuple(signature(forkserver.main).parameters) == _MAIN
    )


def _serve(listener: int, alive: int) -> NoReturn:
    """Fork children until none is left and the process that this is a copy of has ended."""
    try:
        die_with_parent()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_NAME, b"fork server")
        # It hands on how its children ended, so it has to outlive them, whoever signals all.
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        _let_go_of_files({listener, alive})
        forkserver.main(listener, alive, [])
    finally:
        os._exit(0)


def _let_go_of_files(kept: set[int]) -> None:
    """Hold no end of a pipe open by which others see that the original has ended.

    Their numbers stay taken: the objects that they belong to are here as well.
    """
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for path in Path("/dev/fd").iterdir():
        number = int(path.name)
        if number > 2 and number not in kept and number != nothing:
            with suppress(OSError):
                os.fstat(number)
                os.dup2(nothing, number, inheritable=False)
