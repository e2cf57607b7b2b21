"""Where the time of a script's steps goes: some are timed, each from one update to the next.

Knows moments and what lies between them; nothing of torch, or of who sees them. What can't be told
apart is `rest`, and a step of which nothing can is left out.

As for presets, the steps that are timed are drawn at random, and how many are follows from what
timing one costs. A step in which batches came that no backward pass was for is an evaluation's.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuitrain.script.losses import taken
from tuitrain.tracing.clocks import Clock

DATA, FORWARD, BACKWARD, OPTIMIZER, OTHER, REST = (
    "data", "forward", "backward", "optimizer", "other", "rest",
)  # fmt: skip
TO_DATA, TO_BACKWARD, TO_UPDATE, UPDATE, END = (
    "to data", "to backward", "to update", "update", "end",
)  # fmt: skip
"""What a stretch of a step led to, beside waiting for data and the backward pass, which are
stretches of their own; between TO_UPDATE and UPDATE is a call of an optimizer's step."""

COST_SHARE = 0.001
"""Part of the training time that timing may take, as far as it can be foreseen: in steps that are
not timed the looks at whether they are cost short ones a percent."""
_WIDEST_STRIDE = 1000
_LONGEST_WAIT_S = 5.0
_FIRST_COST_S = 1e-4
"""Of timing a step, before one was timed."""
_COLD = 2.0
"""Timing a step costs so much more than what is measured of it: what comes after finds its caches
full of this. 93 us were measured beside 51 in a loop of 180 us."""
_MOST_MARKS = 4096
"""A step with more is none: training is over, or evaluates."""
_SPARE_BATCHES = 1
"""A step may have so many batches more than others: loaders fetch the first of an epoch ahead."""
_NEVER = 1 << 62


class Laps:
    """One timed step: marks on the time line, and what the stretch before each of them led to.

    Attributes:
        ends: what each stretch led to.
        unclear: the step can't be split.
        batches: that came.
        quiet: of them, those that came where no gradient is kept.
        error: of the clock.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ends: list[str] = []
        self.unclear = False
        self.batches = self.quiet = 0
        self.error: Exception | None = None
        self._within = False
        self._thread = threading.get_ident()
        self.marks: list[Any] = []
        self._mark()

    def enter(self, end: str) -> bool:
        """Begin a wait or a backward pass; False: it is one of another thread, or within one."""
        if self._within or not self.is_here:
            return False
        self._within = True
        self.mark(end)
        return True

    def leave(self, end: str) -> None:
        """End what was begun."""
        self._within = False
        self.mark(end)

    def got(self, *, quiet: bool) -> None:
        """Count a batch.

        Args:
            quiet: no gradient is kept.
        """
        self.batches += 1
        self.quiet += quiet

    def mark_update(self, end: str) -> None:
        """Note that an optimizer's step begins or ends."""
        if self._within:
            # It is made within the backward pass, gradient by gradient.
            self.unclear = True
        elif self.is_here:
            self.mark(end)

    @property
    def is_here(self) -> bool:
        """Whether this is the thread whose step it is."""
        return threading.get_ident() == self._thread

    def mark(self, end: str) -> None:
        """Note what the stretch since the last mark led to."""
        if len(self.marks) >= _MOST_MARKS:
            self.unclear = True
        if not self.unclear:
            self.ends.append(end)
            self._mark()

    def _mark(self) -> None:
        try:
            mark = self.clock.mark()
        except Exception as error:  # a device that has failed
            self.error, mark = error, None
        self.marks.append(mark)
        # A clock that can't tell now, as while a graph of the device is captured, says None.
        self.unclear = self.unclear or mark is None

    def seconds(self) -> dict[str, float]:
        """Return what each stage took; none: nothing could be told apart."""
        found: dict[str, float] = {}
        for at, stage in enumerate(stages_of(self.ends)):
            took_s = self.clock.seconds(self.marks[at], self.marks[at + 1])
            found[stage] = found.get(stage, 0.0) + took_s
        if REST in found:
            # What lies outside of all is not told from it either.
            found[REST] += found.pop(OTHER, 0.0)
        return {} if set(found) <= {REST, OTHER} else found

    @property
    def spare_batches(self) -> int:
        """How many batches more than backward passes there were."""
        return self.batches - self.ends.count(BACKWARD)

    @property
    def ran_dry(self) -> bool:
        """Whether the device is through with the last backward pass by now."""
        if BACKWARD not in self.ends:
            return False
        last = len(self.ends) - 1 - self.ends[::-1].index(BACKWARD)
        return self.clock.passed(self.marks[last + 1])


def stages_of(ends: Sequence[str]) -> list[str]:
    """Return the stage of each stretch of a step.

    What leads to a backward pass is `forward` where batches are seen to come: else it may have the
    loading in it. What leads elsewhere is `other` only where both the backward pass and the update
    were seen: else they may be in it. An optimizer that calls back for its gradients, once, has
    the forward pass before its own work; where it does so several times they can't be told apart.

    Args:
        ends: what each stretch led to.
    """
    passes = _passes_of_calls(ends)
    has_batch = DATA in ends
    whole = BACKWARD in ends and any(
        end == UPDATE and passes[at] <= 1 for at, end in enumerate(ends)
    )
    return [_stage(end, passes[at], has_batch, whole) for at, end in enumerate(ends)]


def _stage(end: str, passes: int, has_batch: bool, whole: bool) -> str:
    if end in (DATA, BACKWARD):
        return end
    if passes > 1:
        return REST
    if end == UPDATE or (end == TO_UPDATE and passes >= 0):
        return OPTIMIZER
    if end == TO_BACKWARD:
        return FORWARD if has_batch else REST
    return OTHER if whole else REST


def _passes_of_calls(ends: Sequence[str]) -> list[int]:
    """Return, of each stretch, how many backward passes the optimizer's call has that it lies in.

    -1 for one that lies in none.
    """
    found = [-1] * len(ends)
    begun = -1
    for at, end in enumerate(ends):
        if end == TO_UPDATE and begun < 0:
            begun = at + 1
        elif end == UPDATE and begun >= 0:
            found[begun : at + 1] = [ends[begun:at].count(BACKWARD)] * (at + 1 - begun)
            begun = -1
    return found


@dataclass(frozen=True)
class Split:
    """The mean of some steps that were timed.

    Attributes:
        updates: after the last of them.
        seconds: of each stage; 0 of one that is not told apart.
        ran_dry: share of them in which the device was through before the host; None: there is no
            device beside it.
    """

    updates: int
    seconds: Mapping[str, float]
    ran_dry: float | None

    def message(self, step: int) -> dict[str, Any]:
        """Return it as it is sent.

        Args:
            step: of the run.
        """
        return {"step": step, "seconds": dict(self.seconds), "ran_dry": self.ran_dry}


class StepSplit:
    """Picks the steps to time, and sums them up.

    Attributes:
        laps: of the step that is being timed; None: it is not.
        due: how many updates there must be for `end` and `begin` to be called.
        fault: what failed: nothing is timed any more.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.perf_counter,
        draw: random.Random | None = None,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        """Time nothing before `start`.

        Args:
            now: seconds.
            cpu: seconds of CPU time that the calling thread has used.
            draw: where the gaps come from.
        """
        self.fault: Exception | None = None
        self._now, self._cpu = now, cpu
        self._draw = draw or random.Random(0)
        self.reset()

    def reset(self) -> None:
        """Time nothing, and forget what was timed."""
        self.laps: Laps | None = None
        self.due = _NEVER
        self._next: int | None = None
        self._since: tuple[int, float, float] | None = None
        self._stride = 1
        self._begin_s, self._cost_s = 0.0, _FIRST_COST_S
        self._least = (_NEVER, _NEVER)
        self._ended: deque[tuple[int, Laps, bool]] = deque()
        self._read: list[tuple[int, dict[str, float], bool | None]] = []

    def start(self) -> None:
        """Begin to time steps, as somebody listens."""
        if self.fault is None:
            self.due = 1

    # --- at a boundary --------------------------------------------------------------------------

    def end(self, updates: int, *, at_update: bool) -> None:
        """End the step that is being timed, if any.

        Args:
            updates: that there are.
            at_update: an update has just ended, and was noted.
        """
        laps, self.laps = self.laps, None
        if laps is None or self.due == _NEVER:
            return
        begun = self._now()
        if not at_update:
            laps.mark(END)
        try:
            self._close(updates, laps)
        except Exception as error:  # a device that has failed
            self._fail(error)
        cost_s = _COLD * (self._begin_s * len(laps.marks) + self._now() - begun)
        # One that was held up says nothing of what timing costs.
        self._cost_s += 0.2 * (min(cost_s, 4 * self._cost_s) - self._cost_s)

    def begin(self, updates: int, find_clock: Callable[[], Clock | None]) -> None:
        """Begin to time the next step, if its turn has come.

        Args:
            updates: that there are.
            find_clock: returns the time line of the next step; None where there is none.
        """
        if self.due == _NEVER:
            return
        self._adapt(updates)
        if self._next is None or updates < self._next:
            self.due = updates + 1 if self._next is None else self._next
            # The first step builds what all others use.
            self._next = self._next or updates + 1
            return
        self._next = updates + self._gap()
        self.due = updates + 1
        try:
            clock = find_clock()
            if clock is None:
                self.due = self._next
                return
            begun = self._now()
            self.laps = Laps(clock)
            self._begin_s = self._now() - begun
        except Exception as error:  # a torch that is not as those known
            self._fail(error)

    def leave_out(self, updates: int) -> None:
        """Do not time the next step."""
        if self.due != _NEVER:
            self.due = updates + 1

    def _close(self, updates: int, laps: Laps) -> None:
        if laps.error is not None:
            raise laps.error
        if not laps.unclear and laps.is_here and not self._has_more(laps):
            dry = laps.clock.on_device and laps.ran_dry
            self._ended.append((updates, laps, dry))
        while self._ended and self._ended[0][1].clock.passed(self._ended[0][1].marks[-1]):
            ended_at, ended, dry = self._ended.popleft()
            seconds = ended.seconds()
            ended.clock.reuse(ended.marks)
            if seconds:
                self._read.append((ended_at, seconds, dry if ended.clock.on_device else None))

    def _has_more(self, laps: Laps) -> bool:
        """Return whether a step had more in it than others: an evaluation."""
        spare, quiet = laps.spare_batches, laps.quiet
        self._least = least = (min(self._least[0], spare), min(self._least[1], quiet))
        return spare > least[0] + _SPARE_BATCHES or quiet > least[1]

    def _gap(self) -> int:
        return self._draw.randint(1, 2 * self._stride - 1)

    def _adapt(self, updates: int) -> None:
        """Time as many steps as may be.

        Of a step's time only what this thread computed counts: what it waits for, on a machine
        that is shared, says nothing of how much dearer timing would make it.
        """
        now, cpu = self._now(), self._cpu()
        if self._since is not None and updates > self._since[0]:
            took_s = min(now - self._since[1], cpu - self._since[2])
            self._follow(took_s / (updates - self._since[0]))
        self._since = (updates, now, cpu)

    def _follow(self, step_s: float) -> None:
        most_s = max(COST_SHARE * step_s, 1e-12)
        self._stride = min(_WIDEST_STRIDE, 1 + int(self._cost_s / most_s))

    def _fail(self, error: Exception) -> None:
        self.laps, self.due, self.fault = None, _NEVER, error

    # --- in the thread that sends ---------------------------------------------------------------

    def follow(self, updates: int, step_s: float) -> None:
        """Time the next step where the one that was drawn is far off, as steps have become longer.

        Args:
            updates: that there are.
            step_s: how long steps take; 0: it is not known.
        """
        drawn = self._next
        if drawn is None or self.due == _NEVER:
            return
        if (drawn - updates) * step_s > _LONGEST_WAIT_S:
            self._next = updates + 1
            self.due = min(self.due, self._next)

    def take(self) -> Split | None:
        """Return the mean of the steps that were timed since the last call; None: none was."""
        read = taken(self._read)
        if not read:
            return None
        # All of them each time, so that their means over any of these messages sum up to a step.
        means = {
            stage: sum(seconds.get(stage, 0.0) for _at, seconds, _dry in read) / len(read)
            for stage in (DATA, FORWARD, BACKWARD, OPTIMIZER, OTHER, REST)
        }
        dry = [each for _at, _seconds, each in read if each is not None]
        return Split(read[-1][0], means, sum(dry) / len(dry) if dry else None)
