"""Starts Python processes that have their imports behind them, for programs that tests run.

Starting an interpreter and importing torch takes two seconds of a core, and the tests start many
hundred supervisors and workers. Each program therefore has a process beside it, its
stand-in, which was forked before the program did anything and does nothing but fork: what the
program asks the operating system to start, the stand-in becomes. The new process has the arguments,
environment, folder, streams, descriptors, signals, session and group that it would have had, and
the program as its parent; that it was not begun by `exec` shows in /proc alone, in its command line
and environment. What is not one of our own modules is started as ever.
"""

import _posixsubprocess
import atexit
import ctypes
import fcntl
import json
import multiprocessing.process
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

PROJECT = Path(__file__).parents[1]
PR_SET_CHILD_SUBREAPER = 36
REQUESTS = 3
HIGH = 512
"""Descriptors wait from here on for their numbers."""
_IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}
_CANT_BE_SET = {signal.SIGKILL, signal.SIGSTOP}

_fork_exec: Callable[..., int] = _posixsubprocess.fork_exec


@dataclass(frozen=True)
class Program:
    """What a process is to be."""

    arguments: list[str]
    """Behind the interpreter: `-m MODULE ...` or `-c CODE ...`."""
    folder: str
    environ: dict[str, str]
    descriptors: list[int]
    """Numbers that what is handed over gets; 0, 1 and 2 are among them."""
    ignored: list[int]
    """Signals."""
    blocked: list[int]
    """Signals."""
    group: int = -1
    """It joins this process group; 0 leads one of its own, -1 stays in that of its parent."""
    session: bool = False
    """It leads a session of its own."""

    def to_json(self) -> str:
        """Return what `read_program` reads."""
        return json.dumps(asdict(self))

    @property
    def starts_others(self) -> bool:
        """Whether it is a command or a supervisor; a worker has no strange children."""
        return self.arguments[0] == "-m"


# --- in the program -------------------------------------------------------------------------------


class StandIn:
    """The process that becomes what this one starts."""

    def __init__(self) -> None:
        """Fork it. This process must have one thread."""
        self._lock = threading.Lock()
        self._requests, theirs = socket.socketpair()
        self.session, self.owner = os.getsid(0), os.getpid()
        if os.fork() == 0:
            try:
                # It ends with the program: what the program has open, it must not hold.
                keep_only([REQUESTS], [theirs.detach()])
                stand_by(socket.socket(fileno=REQUESTS))
            finally:
                os._exit(1)
        theirs.close()

    def start(self, program: Program, handed: Sequence[int]) -> int:
        """Return the process, a child of this one; 0 where the stand-in is gone.

        Args:
            program: what it is to be.
            handed: descriptors of this process, which get the program's numbers.
        """
        text = os.memfd_create("program")
        os.write(text, program.to_json().encode("utf-8", "surrogateescape"))
        with self._lock:
            # Orphans of the stand-in's come to this process while it asks.
            adopt(True)
            try:
                socket.send_fds(self._requests, [b"."], [text, *handed])
                return int(self._requests.recv(32) or b"0")
            except OSError:
                return 0
            finally:
                adopt(False)
                os.close(text)


_stand_ins: list[StandIn] = []
"""One at most; none in a process that was only forked."""


def prepare() -> None:
    """Have a stand-in from now on. This process must have one thread."""
    _stand_ins.append(StandIn())
    _posixsubprocess.fork_exec = fork_exec
    subprocess._fork_exec = fork_exec  # type: ignore[attr-defined]


def fork_exec(*request: Any) -> int:
    """Start a process as `_posixsubprocess.fork_exec` does, from the stand-in where it can."""
    words, _files, _close, kept, folder, environ = request[:6]
    read, write, error = request[6], request[9], request[11]
    session, group = request[15:17]
    arguments = our_arguments([os.fsdecode(word) for word in words])
    here = (os.getpid(), os.getsid(0))
    usable = [each for each in _stand_ins if (each.owner, each.session) == here]
    if not arguments or not usable:
        return _fork_exec(*request)
    handed = [ours if ours >= 0 else number for number, ours in enumerate((read, write, error))]
    passed = [number for number in kept if number > 2 and number not in request[12:14]]
    program = Program(
        arguments,
        os.fsdecode(folder) if folder is not None else str(Path.cwd()),
        dict(os.environ) if environ is None else variables(environ),
        [0, 1, 2, *passed],
        [each for each in signal.valid_signals() if signal.getsignal(each) == signal.SIG_IGN],
        [*signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        os.getpgrp() if group < 0 and not session else group,
        bool(session),
    )
    return usable[0].start(program, [*handed, *passed]) or _fork_exec(*request)


def our_arguments(words: list[str]) -> list[str]:
    """Return what stands behind the interpreter; nothing where it is no module of ours."""
    program, *arguments = words
    if program != sys.executable:
        return []
    # What lies in the current folder is not imported: here it never is.
    while arguments[:1] in (["-P"], ["-B"]):
        arguments = arguments[1:]
    match arguments:
        case ["-m", module, *_] if module.partition(".")[0] == "tuitrain":
            return arguments
        case ["-c", code, *_] if code.startswith("from multiprocessing."):
            return arguments
    return []


def variables(environ: Sequence[bytes]) -> dict[str, str]:
    """Return an environment as a table."""
    pairs = (os.fsdecode(each).partition("=") for each in environ)
    return {name: value for name, _equals, value in pairs}


def adopt(on: bool) -> None:
    """Be the parent of orphans among one's descendants, or no more."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0)


# --- in the stand-in ------------------------------------------------------------------------------


def stand_by(requests: socket.socket) -> NoReturn:
    """Fork what is asked for, until nobody asks any more; in each fork, be the program."""
    os.chdir("/")
    # What a fork is sent before it is the program reaches it once it is.
    signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    while handed := receive(requests):
        gate, opens = os.pipe()
        told, tells = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid == 0:
                os.close(opens)
                os.read(gate, 1)
                requests.detach()
                become(read_program(handed[0]), handed[1:])
            os.write(tells, str(pid).encode())
            os._exit(0)
        # From here on the program is a child of who asked.
        os.waitpid(between, 0)
        requests.send(os.read(told, 32))
        for each in (gate, opens, told, tells, *handed):
            os.close(each)
    os._exit(0)


def receive(requests: socket.socket) -> list[int]:
    """Return the descriptors of the next request; none when there will be no more."""
    try:
        return socket.recv_fds(requests, 1, 250)[1]
    except OSError:
        return []


def read_program(file: int) -> Program:
    """Return what is written in a file that is open."""
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(file, encoding="utf-8", errors="surrogateescape") as text:
        return Program(**json.load(text))


def become(program: Program, handed: Sequence[int]) -> NoReturn:
    """Be a program, with descriptors that were handed over, to its end."""
    keep_only(program.descriptors, handed)
    os.chdir(program.folder)
    if program.session:
        os.setsid()
    elif program.group >= 0:
        os.setpgid(0, program.group)
    if program.starts_others:
        prepare()
    set_signals(program)
    set_interpreter(program)
    run(program.arguments)


def keep_only(numbers: Sequence[int], held: Sequence[int]) -> None:
    """Give descriptors their numbers, and close all others."""
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, HIGH) for each in held]
    os.closerange(0, HIGH)
    for number, each in zip(numbers, high, strict=True):
        os.dup2(each, number)
    os.closerange(HIGH, os.sysconf("SC_OPEN_MAX"))


def set_signals(program: Program) -> None:
    """Treat signals as an interpreter does that has just begun."""
    for each in signal.valid_signals() - _CANT_BE_SET:
        ignored = each in program.ignored or each in _IGNORED_BY_PYTHON
        signal.signal(each, signal.SIG_IGN if ignored else signal.SIG_DFL)
    if signal.SIGINT not in program.ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, program.blocked)


def set_interpreter(program: Program) -> None:
    """Let the interpreter's own variables say what the program is."""
    multiprocessing.process.ORIGINAL_DIR = program.folder  # type: ignore[attr-defined]
    os.environ.clear()
    os.environ.update(program.environ)
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        errors = "backslashreplace" if name == "stderr" else "strict"
        stream = os.fdopen(number, mode, encoding=encoding, errors=errors, closefd=False)
        setattr(sys, name, stream)
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # As `python -m` has it: the folder first, then PYTHONPATH, then what is installed.
    known = [each for each in sys.path if each not in ("", str(PROJECT))]
    sys.path[:] = [program.folder, *filter(None, paths), *known]
    sys.orig_argv = [sys.executable, *program.arguments]
    random.seed()


def run(arguments: list[str]) -> NoReturn:
    """Run what stands behind an interpreter, and end as the interpreter does."""
    how, what, *rest = arguments
    main = sys.modules["__main__"] = ModuleType("__main__")
    sys.argv[:] = [how, *rest]
    try:
        if how == "-m":
            is_package = hasattr(sys.modules.get(what), "__path__")
            sys.modules.pop(f"{what}.__main__" if is_package else what, None)
            runpy._run_module_as_main(what)  # type: ignore[attr-defined]
        else:
            exec(what, main.__dict__)
    except SystemExit as ending:
        leave(ending.code)
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        leave(1)
    leave(0)


def leave(code: Any) -> NoReturn:
    """End as the interpreter does, but for taking down what it had not imported."""
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
