"""A script that somebody else wrote, as the supervisor sees it: a process, pipes, a log.

Knows nothing of the record. What the script can't hear yet is answered here.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from tuitrain.errors import EXIT_FAILED
from tuitrain.messages import (
    ChangeSetting,
    Command,
    Continue,
    Evaluate,
    Event,
    HoldForRecord,
    Numbered,
    Pause,
    Profile,
    RecordWritable,
    SaveCheckpoint,
    ScriptSeen,
    StartScript,
    StepsTaken,
    Stop,
    TrainingEnded,
    WorkerStarted,
)
from tuitrain.supervisor.intake import Unreadable
from tuitrain.supervisor.scripts.endings import ending_of
from tuitrain.supervisor.scripts.hearing import ScriptHearing
from tuitrain.supervisor.scripts.held import HeldSteps
from tuitrain.supervisor.scripts.launch import ScriptLaunch
from tuitrain.supervisor.scripts.media import MediaKeeper
from tuitrain.supervisor.scripts.orders import Inbox, ScriptOrders
from tuitrain.supervisor.scripts.pipes import ScriptPipes
from tuitrain.supervisor.scripts.printed import PrintedMetrics
from tuitrain.supervisor.scripts.targets import Target

_LISTEN_S = 0.1
_LAST_S = 5.0


class ScriptProcess:
    """Runs a script and talks to what watches it from within."""

    def __init__(
        self,
        launch: ScriptLaunch,
        target: Target,
        pipes: ScriptPipes,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare to run a script; it begins with the order.

        Args:
            launch: what is run.
            target: its process.
            pipes: to whatever watches it from within.
            environ: its environment, beside what it gets to be watched.
        """
        self._launch = launch
        self._target = target
        self._environ = environ
        self._pipes = pipes
        self._hearing = ScriptHearing()
        self._inbox: Inbox = queue.SimpleQueue()
        self._orders = ScriptOrders(launch.directory, target, pipes, self._hearing, self._inbox)
        self._listener = threading.Thread(target=self._listen, name="script", daemon=True)
        self._printed: PrintedMetrics | None = None
        self._held = HeldSteps()
        self._media = MediaKeeper(launch.directory)
        self._fault = ""
        self._closed = False

    # --- the process ----------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Its process; 0 before there is one."""
        return self._target.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not self._fault and not self._hearing.ended and self._target.is_alive

    @property
    def exit_code(self) -> int | None:
        """What it ended with; minus the signal's number where it was killed."""
        return self._target.exit_code

    def _start(self, attempt: int) -> None:
        self._hearing.begin(attempt)
        environ = self._pipes.environment(self._launch.directory.path, self._environ)
        self._printed = PrintedMetrics(self._launch.directory.log_path, self._hearing)
        self._fault = self._target.start(environ, self._pipes.inherited)
        if not self._fault:
            self._tell(WorkerStarted(time.time(), self.pid))
            self._tell(ScriptSeen(time.time(), "watched"))
            self._listener.start()

    def _read_printed(self, *, at_once: bool = False) -> None:
        for event in self._printed.poll(at_once=at_once) if self._printed else ():
            if isinstance(event, StepsTaken):
                self._hearing.last_step = max(self._hearing.last_step, event.last_step)
            self._tell(event)

    def kill(self) -> None:
        """Kill it, and all that it started."""
        self._target.kill()

    def end(self) -> None:
        """Close the pipes; a script that still runs, as its supervisor fails, is left alone."""
        if self._closed:
            return
        self._closed = True
        if self._listener.is_alive():
            self._listener.join(_LAST_S)
        self._pipes.close()

    # --- what it says ---------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._closed:
            over = not self.is_alive
            lines = self._pipes.read(_LISTEN_S)
            for line in lines:
                heard = self._hearing.take(line)
                if isinstance(heard, Numbered) and not self._held.admits(heard.event):
                    continue
                if heard is not None:
                    self._inbox.put(heard)
            media, self._hearing.media = self._hearing.media, []
            if media and (fault := self._media.keep(media)):
                self._inbox.put(Unreadable(fault))
            # What it had said is in the pipe when it has ended.
            if over and not lines:
                return

    def _tell(self, event: Event) -> None:
        self._inbox.put(self._hearing.number(event))

    def take_events(self, wait_s: float) -> list[Numbered | Unreadable]:
        """Return the events that are here; wait for the first at most `wait_s`."""
        self._read_printed()
        events: list[Numbered | Unreadable] = []
        with contextlib.suppress(queue.Empty):
            events.append(self._inbox.get(timeout=wait_s))
            while True:
                events.append(self._inbox.get_nowait())
        return events

    def take_last_events(self) -> list[Numbered | Unreadable]:
        """Return what it had still said, and how it ended unless it was killed."""
        if not self._fault:
            self._listener.join(_LAST_S)
            self._read_printed(at_once=True)
        if (ended := self._ending()) is not None:
            self._tell(ended)
        return self.take_events(0.0)

    def _ending(self) -> TrainingEnded | None:
        now, step = time.time(), self._hearing.last_step
        if self._fault:
            return TrainingEnded(now, step, "failed", self._fault)
        if self._hearing.ended:
            return None
        code = self.exit_code
        if code == -signal.SIGKILL:
            # Whoever killed it says why; where nobody did, that is what is said.
            return None
        return ending_of(code, self._orders.stopped, now, step, self._launch.directory.log_path)

    # --- what it is told ------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Pass on a command, or answer what nobody in the script would."""
        match command:
            case StartScript(attempt=attempt):
                self._start(attempt)
            case Stop():
                self._orders.stop(command)
            case HoldForRecord():
                self._held.holding = True
            case RecordWritable():
                if (left_out := self._held.release()) is not None:
                    self._tell(left_out)
            case Pause() | Continue() | SaveCheckpoint() | ChangeSetting() | Evaluate() | Profile():
                self._orders.ask(command)


def exit_code_of(code: int | None) -> int:
    """Return what a shell calls the exit of a process: 128 and the signal where one killed it."""
    if code is None:
        return EXIT_FAILED
    return 128 - code if code < 0 else code


def foreground_stdin() -> int:
    """Return what a script in the foreground reads: what is piped in; a terminal is not its own."""
    try:
        return subprocess.DEVNULL if os.isatty(sys.stdin.fileno()) else sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):
        return subprocess.DEVNULL
