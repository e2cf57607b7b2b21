"""The worker as the supervisor sees it: a process, two queues, a process group, a log.

Knows nothing of the record. Imported before all else of a supervisor: messages are imported later,
so that the worker starts early.
"""

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.queues import Queue
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tuitrain.failures.signals import SIGNAL_HINTS
from tuitrain.supervisor.child import begin_worker

if TYPE_CHECKING:
    from tuitrain.messages import Command, Numbered
    from tuitrain.supervisor.intake import Unreadable

_EVENTS_HELD = 256
"""Events that may wait in the queue; what does not fit is kept by the worker."""
_SILENCE_S = 0.3
"""A dead worker's queue is empty when nothing has come out of it for this long."""


class Worker(Protocol):
    """What trains, as whoever supervises it sees it: ours, or a script of somebody else's."""

    @property
    def pid(self) -> int:
        """Its process; 0 before there is one."""
        ...

    def take_events(self, wait_s: float) -> "list[Numbered | Unreadable]":
        """Return the events that are here; wait for the first at most `wait_s`."""
        ...

    def take_last_events(self) -> "list[Numbered | Unreadable]":
        """Return what a worker that has ended had still sent."""
        ...

    def send(self, command: "Command") -> None:
        """Send a command; never waits."""
        ...

    def kill(self) -> None:
        """Kill it, and all that it started."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether its process has not ended."""
        ...

    @property
    def exit_code(self) -> int | None:
        """What it ended with; minus the signal's number where it was killed."""
        ...

    def end(self) -> None:
        """Leave nothing of it behind."""
        ...


class WorkerProcess:
    """Starts the worker and talks to it."""

    def __init__(self, log_path: Path) -> None:
        """Start a worker that waits for its order; what it writes lands in `log_path`."""
        context = multiprocessing.get_context("spawn")
        self._inbox: queue.SimpleQueue[Numbered | Unreadable] = queue.SimpleQueue()
        self._ended = False
        # The queues too: they start multiprocessing's resource tracker, which may write.
        with _output_to(log_path), interrupts_held():
            self._events: Queue[Numbered] = context.Queue(_EVENTS_HELD)
            self._commands: Queue[Command] = context.Queue()
            self._process = context.Process(
                target=begin_worker,
                args=(self._events, self._commands),
                name="tuitrain-worker",
            )
            self._process.start()
        self.pid: int = self._process.pid or 0
        threading.Thread(target=self._receive, name="events", daemon=True).start()

    def _receive(self) -> None:
        # A worker that is killed while it sends leaves half a message: this thread then waits for
        # the rest of it for good, which is why it is one, and a daemon.
        with contextlib.suppress(EOFError, OSError):
            while not self._ended:
                self._inbox.put(self._receive_one())

    def _receive_one(self) -> "Numbered | Unreadable":
        try:
            return self._events.get()
        except (EOFError, OSError):
            raise
        except Exception as error:  # whatever unpickling raises: the message after it is whole
            from tuitrain.supervisor.intake import Unreadable

            return Unreadable(f"{type(error).__name__}: {error}")

    def take_events(self, wait_s: float) -> "list[Numbered | Unreadable]":
        """Return the events that are here; wait for the first at most `wait_s`."""
        events: list[Numbered | Unreadable] = []
        with contextlib.suppress(queue.Empty):
            events.append(self._inbox.get(timeout=wait_s))
            while True:
                events.append(self._inbox.get_nowait())
        return events

    def take_last_events(self) -> "list[Numbered | Unreadable]":
        """Return what a worker that has ended had still sent."""
        events: list[Numbered | Unreadable] = []
        while more := self.take_events(_SILENCE_S):
            events += more
        return events

    def send(self, command: "Command") -> None:
        """Send a command; its place in the queue is unlimited, so this never waits."""
        self._commands.put(command)

    def kill(self) -> None:
        """Kill the worker and what it started."""
        kill_group(self.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def is_alive(self) -> bool:
        """Whether the worker's process has not ended."""
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """What it ended with; minus the signal's number where it was killed."""
        return self._process.exitcode

    def end(self) -> None:
        """Kill whatever is left of the worker and its children, and close the queues, once."""
        if self._ended:
            return
        self._ended = True
        kill_group(self.pid)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        for each in (self._events, self._commands):
            each.close()
            each.cancel_join_thread()


def kill_group(pid: int) -> None:
    """Kill a worker's process group: the worker leads it, its loader workers belong to it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Let a child that is started meanwhile write to a file, at the level of descriptors.

    So nothing of it can reach the terminal: no print of C++, no traceback of its first import.
    """
    saved = [os.dup(number) for number in (0, 1, 2)]
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield
    finally:
        for number, descriptor in enumerate(saved):
            os.dup2(descriptor, number)
        for descriptor in (*saved, log, nothing):
            os.close(descriptor)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Keep a Ctrl-C from a child that has not left the terminal's process group yet.

    The mask is inherited; the worker lifts it once it has a session of its own. Whoever starts a
    worker while Ctrl-C raises KeyboardInterrupt holds it until the worker is in safe hands.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def describe_exit(code: int | None) -> str:
    """Say how a process ended, for a person."""
    if code is None:
        return "did not end"
    if code >= 0:
        return (
            f"ended by itself with exit code {code} and without a word: a part of the run called "
            "os._exit, or a library did the like"
        )
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = SIGNAL_HINTS.get(name)
    return f"was killed by {name}{f', {hint}' if hint else ''}"


def wait_until(condition: Any, limit_s: float, poll_s: float = 0.02) -> bool:
    """Wait for a condition; return whether it came true within the limit."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_s)
    return True
