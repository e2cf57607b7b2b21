"""Profiles of chosen ranks over the same steps: begun by one order, answered as one.

Each rank takes its own, as `training.profiling` does. When to record is agreed on in a beat, once
all of them know how large their traces become: so all record the same steps, and as many.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tuitrain.messages import CommandDone, Event, Profile
from tuitrain.ranks import profile_of_rank
from tuitrain.training.distributed.world import World
from tuitrain.training.profiling.profiler import Profiler

GAVE_UP = -1.0
"""What a rank tells whose profile came to nothing; else how many steps it is ready to record."""


class ProfileAnswers:
    """Puts together, on rank 0, what became of the profiles of several ranks."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        """Send one answer for all of them by `send`."""
        self._send = send
        self._expected: set[int] = set()
        self._answers: dict[int, CommandDone] = {}
        # A trace is written, and its answer given, in a thread of its own.
        self._lock = threading.Lock()

    def expect(self, ranks: Sequence[int]) -> None:
        """Hold back the answers of these ranks until all of them have come."""
        with self._lock:
            self._expected, self._answers = set(ranks), {}

    def take(self, event: Event, rank: int = 0) -> None:
        """Take what a rank has to say of its profile."""
        with self._lock:
            if not isinstance(event, CommandDone) or rank not in self._expected:
                self._send(event)
                return
            self._answers[rank] = event
            if set(self._answers) == self._expected:
                self._expected = set()
                self._send(self._together())

    def _together(self) -> CommandDone:
        each = sorted(self._answers.items())
        done = [answer for _rank, answer in each if answer.outcome == "done"]
        text = "; ".join(f"rank {rank}: {answer.text}" for rank, answer in each)
        first = done[0] if done else each[0][1]
        return replace(first, time=time.time(), text=text)


class RankProfiles:
    """The profiles of one rank, with those of others where an order names some."""

    def __init__(self, profiler: Profiler, world: World, answers: ProfileAnswers) -> None:
        """Take part in the profiles of `world`.

        Args:
            profiler: of this rank.
            world: the ranks.
            answers: on rank 0, puts those of all together.
        """
        self._profiler = profiler
        self._world = world
        self._answers = answers
        self._order: Profile | None = None
        """That this rank and others have begun, and have not yet agreed to record."""

    def begin(self, order: Profile, step: int) -> None:
        """Profile the next steps, or refuse to; all ranks that an order names call it together."""
        if not order.ranks:
            self._profiler.begin(order, step)
            return
        fault = self._fault(order)
        if self._world.leads:
            if fault:
                refused = CommandDone(time.time(), order.command_id, "refused", fault, step)
                self._answers.take(refused)
                return
            self._answers.expect(order.ranks)
        if not fault and self._world.rank in order.ranks:
            own = replace(order, name=profile_of_rank(order.name, self._world.rank))
            self._profiler.begin(own, step)
            self._order = own

    def _fault(self, order: Profile) -> str:
        size = self._world.size
        wrong = [rank for rank in order.ranks if not 0 <= rank < size]
        if wrong:
            has = "one rank, 0" if size == 1 else f"ranks 0 to {size - 1}"
            return f"there is no rank {wrong[0]} to profile: the run has {has}"
        busy = self._profiler.under_way
        return f"profile {busy.order.name} is under way" if busy is not None else ""

    # --- for the beat -----------------------------------------------------------------------------

    def room(self) -> float:
        """Return how many steps this rank is ready to record; 0: none is waited for, or not yet."""
        if self._order is None:
            return 0.0
        capture = self._profiler.under_way
        if capture is None or capture.order != self._order:
            return GAVE_UP
        return float(capture.room)

    def meet(self, rooms: Sequence[float]) -> None:
        """Record from the next step on where all ranks are ready to; give up where one has."""
        order, capture = self._order, self._profiler.under_way
        if order is None:
            return
        told = [rooms[rank] for rank in order.ranks]
        lost = [rank for rank in order.ranks if rooms[rank] < 0]
        if lost:
            self._order = None
            if capture is not None and capture.order == order:
                capture.end(f"rank {lost[0]} has none")
        elif all(told):
            self._order = None
            if capture is not None:
                capture.agree(int(min(told)))
