"""The worker's end of the two queues: sends events without waiting, listens for commands.

Every event is numbered and kept until the supervisor has it on disk. The queues are watched by
threads, so that a step boundary costs one look at an attribute.
"""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.queues import Queue
from typing import Any

from tuitrain.messages import Acknowledge, Command, Event, Gate, Numbered, SaveCheckpoint, Stop

_DRAIN_POLL_S = 0.01


_NOBODY: Any = "nobody"
"""In the queue of commands: whoever listened goes away, and another process listens."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What a channel leaves to that of another process."""

    sequence: int
    """Of the last event."""
    kept: tuple[Numbered, ...]
    """Events that the record may not have yet."""
    commands: tuple[Command, ...]


class Outbox:
    """Events on their way to the record: numbered, and kept until it has them on disk.

    Attributes:
        unread: nobody takes events any more.
    """

    def __init__(self, events: "Queue[Numbered]") -> None:
        self.unread = False
        self._events = events
        self._attempt = 0
        self._sequence = 0
        self._lock = threading.RLock()
        self._gate = Gate()
        self._kept: deque[Numbered] = deque()
        self._unsent: deque[Numbered] = deque()

    def begin(self, attempt: int) -> None:
        """Number events anew, as those of this attempt: what came before is not for the record."""
        with self._lock:
            self._attempt, self._sequence = attempt, 0
            self._kept.clear()

    def state(self) -> tuple[int, tuple[Numbered, ...]]:
        """Return the number of the last event, and the events that the record may not have yet."""
        with self._lock:
            return self._sequence, tuple(self._kept)

    def take_over(self, attempt: int, handed: HandedOver) -> None:
        """Go on where another process has stopped."""
        with self._lock:
            self._attempt, self._sequence = attempt, handed.sequence
            self._kept.extend(handed.kept)

    def send(self, event: Event) -> None:
        """Number an event, keep it, and send it unless the queue is full; never waits.

        What a queue, a checkpoint or the record can't take is left out of it, and told once.
        """
        with self._lock:
            for each in self._gate.admit(event):
                if each is not None:
                    self._sequence += 1
                    numbered = Numbered(self._attempt, self._sequence, each)
                    self._kept.append(numbered)
                    self._unsent.append(numbered)
            self.push()

    def push(self) -> None:
        """Send what the queue had no room for, as far as it has now."""
        with self._lock:
            while self._unsent and not self.unread:
                try:
                    self._events.put_nowait(self._unsent[0])
                except queue.Full:
                    return
                self._unsent.popleft()

    def acknowledge(self, sequence: int) -> None:
        """Keep nothing any more up to a number: it is on disk."""
        with self._lock:
            while self._kept and self._kept[0].sequence <= sequence:
                self._kept.popleft()
            self.push()

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything sent is on record; return whether it is."""
        deadline = time.monotonic() + timeout_s
        while self._kept and not self.unread and time.monotonic() < deadline:
            self.push()
            time.sleep(_DRAIN_POLL_S)
        # A queue whose reader is gone would else keep the interpreter from ending.
        self._events.cancel_join_thread()
        return not self._kept


class WorkerChannel:
    """Numbered events out, commands in.

    Attributes:
        attention: something waits for the next step boundary: a command, a signal, or the end of
            the supervisor.
        orphaned: the supervisor is gone.
    """

    def __init__(
        self, events: "Queue[Numbered]", commands: "Queue[Command]", grace_s: float
    ) -> None:
        self.attention = False
        self.orphaned = False
        self._outbox = Outbox(events)
        self._commands = commands
        self._grace_s = grace_s
        self._inbox: deque[Command] = deque()
        self._arrived = threading.Event()
        self._training = False

    def start(self) -> None:
        """Begin to listen; a supervisor that dies from now on is noticed at once."""
        self.listen()
        threading.Thread(target=self._watch_parent, name="_watch_parent", daemon=True).start()

    def listen(self) -> None:
        """Begin to listen to commands."""
        self._listener = threading.Thread(target=self._listen, name="_listen", daemon=True)
        self._listener.start()

    def begin(self, attempt: int) -> None:
        """Number events anew, as those of this attempt: what came before is not for the record."""
        self._outbox.begin(attempt)

    # --- from one process to another --------------------------------------------------------------

    def hand_over(self) -> HandedOver:
        """Stop to listen, for good, and return what whoever listens next has to know."""
        self._commands.put(_NOBODY)
        self._listener.join()
        return HandedOver(*self._outbox.state(), tuple(self._inbox))

    def take_over(self, attempt: int, handed: HandedOver) -> None:
        """Go on where another process has stopped; called before `start`."""
        self._outbox.take_over(attempt, handed)
        for command in handed.commands:
            self.put_command(command)

    def orphan(self) -> None:
        """Note that the supervisor is gone: another process has seen it."""
        self.orphaned = self._outbox.unread = True
        self.attention = True
        self._arrived.set()

    def send(self, event: Event) -> None:
        """Number an event, keep it, and send it unless the queue is full; never waits.

        What a queue, a checkpoint or the record can't take is left out of it, and told once.
        """
        self._outbox.send(event)

    def unacknowledged(self) -> list[Numbered]:
        """Return the events that the record may not have yet, oldest first."""
        return list(self._outbox.state()[1])

    def next_command(self) -> Command | None:
        """Take the oldest command, if any; having taken all of them lowers `attention`."""
        # Lowered before looking, so that what arrives meanwhile raises it again.
        self.attention = False
        self._arrived.clear()
        if self.orphaned or self._inbox:
            self.attention = True
        return self._inbox.popleft() if self._inbox else None

    def put_command(self, command: Command) -> None:
        """Hand in a command from this process, as a signal handler does."""
        self._inbox.append(command)
        self.attention = True
        self._arrived.set()

    def wait_for_command(self, timeout_s: float) -> None:
        """Wait until a command arrives, the supervisor dies, or the time is over."""
        self._outbox.push()
        self._arrived.wait(timeout_s)

    def enter_training(self) -> None:
        """From now on there is state to save: an orphaned worker is given time for it."""
        self._training = True

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything sent is on record; return whether it is."""
        return self._outbox.drain(timeout_s)

    def _listen(self) -> None:
        while True:
            command = self._commands.get()
            if isinstance(command, Acknowledge):
                self._outbox.acknowledge(command.sequence)
            elif command == _NOBODY:
                return
            else:
                self.put_command(command)

    def _watch_parent(self) -> None:
        parent = multiprocessing.parent_process()
        if parent is None:
            return
        wait([parent.sentinel])
        self.orphan()
        if not self._training:
            end_process_group()
        # A step that hangs must not keep an orphan alive.
        time.sleep(self._grace_s)
        end_process_group()


def end_process_group() -> None:
    """Kill this process and all that it started; the worker leads a group of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def stop_on_signals(link: WorkerChannel, *, usr1_stops: bool) -> None:
    """Let SIGTERM stop and SIGUSR1 checkpoint, or stop too, at the next step boundary.

    The handlers only note the request. Ctrl-C is the supervisor's to hear.
    """
    asked = Stop(0, "worker got SIGUSR1") if usr1_stops else SaveCheckpoint(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(
        signal.SIGTERM, lambda _number, _frame: link.put_command(Stop(0, "worker got SIGTERM"))
    )
    signal.signal(signal.SIGUSR1, lambda _number, _frame: link.put_command(asked))
