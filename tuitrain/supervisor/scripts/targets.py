"""The process of a script: one that is started here, or one that asked to be supervised.

Knows processes and signals; nothing of what a script says.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Protocol

import psutil

from tuitrain.errors import EXIT_FAILED
from tuitrain.supervisor.scripts.launch import ScriptLaunch
from tuitrain.supervisor.worker_process import kill_group


class Target(Protocol):
    """A script's process."""

    @property
    def pid(self) -> int:
        """Its number; 0 before there is one."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        ...

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None where that can't be known."""
        ...

    def start(self, environ: Mapping[str, str], inherited: tuple[int, ...]) -> str:
        """Begin.

        Args:
            environ: what it is to have in its environment.
            inherited: descriptors that it is to have.

        Returns:
            Why it can't be started; empty where it is.
        """
        ...

    def interrupt(self) -> None:
        """Do as Ctrl-C does."""
        ...

    def kill(self) -> None:
        """Kill it, and all that it started."""
        ...


class StartedScript:
    """A command that is started in a session of its own."""

    def __init__(self, launch: ScriptLaunch, stdin: int = subprocess.DEVNULL) -> None:
        """Prepare to start it.

        Args:
            launch: the command.
            stdin: what it reads, as `subprocess` takes it.
        """
        self._launch = launch
        self._stdin = stdin
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its number; 0 before there is one."""
        return self._process.pid if self._process is not None else 0

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; minus the signal's number where it was killed."""
        return EXIT_FAILED if self._process is None else self._process.poll()

    def start(self, environ: Mapping[str, str], inherited: tuple[int, ...]) -> str:
        """Start it; what it prints lands in the run's log."""
        launch = self._launch
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        log = os.open(launch.directory.log_path, flags, 0o600)
        try:
            self._process = subprocess.Popen(
                launch.command,
                cwd=launch.cwd,
                env=environ,
                stdin=self._stdin,
                stdout=log,
                stderr=log,
                pass_fds=inherited,
                start_new_session=True,
            )
        except OSError as error:
            return f"{launch.command[0]} can't be started: {error.strerror or error}"
        finally:
            os.close(log)
        return ""

    def interrupt(self) -> None:
        """Do as Ctrl-C does: all of its process group hears it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill it, and all that it started, in whichever session."""
        if not self.pid:
            return
        family = _descendants(self.pid)
        kill_group(self.pid)
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()


class AskingScript:
    """A process that runs already, and asked for a supervisor; it is nobody's to wait for."""

    exit_code = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._process: psutil.Process | None = None
        with contextlib.suppress(psutil.Error):
            self._process = psutil.Process(pid)

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        with contextlib.suppress(psutil.Error):
            found = self._process
            return found is not None and found.is_running() and found.status() != _ZOMBIE
        return False

    def start(self, environ: Mapping[str, str], inherited: tuple[int, ...]) -> str:
        """Do nothing: it runs."""
        del environ, inherited
        return ""

    def interrupt(self) -> None:
        """Do as Ctrl-C does to it alone: its process group may be the user's shell's."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill it, and all that it started."""
        for process in _descendants(self.pid):
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(psutil.Error):
            if self._process is not None:
                self._process.send_signal(number)


_ZOMBIE = psutil.STATUS_ZOMBIE


def _descendants(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []
