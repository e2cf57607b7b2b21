"""Times sampled steps, each split into its stages, and turns them into points at a flush.

Knows neither model nor data: the loop and the batches say which stage has just ended.

Which steps are timed is drawn at random, so that nothing which repeats every so many steps (a
loader's workers, a log line) is always hit or always missed: the gap to the next one is uniform on
1 .. 2 * stride - 1, and every step is as likely as any other. The generator is the timer's own:
results of a run do not depend on what is timed. The stride follows from what timing one step
costs and how long a step takes.

On a CPU an operation is over when its call returns, and the host's clock tells what it took. On a
CUDA device calls return at once: there events are recorded on the stream between the stages, and
read at a later flush, only once the device has passed them by itself; nothing here ever waits for
it. What is measured is the device's own time line. An event that follows the host's wait for a
batch is passed as soon as it is recorded if the device has run out of work, and right after the
one before it if it has not: so the `data` stage is what the device really stood still for, and
loading that is hidden behind the computation counts as nothing.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal, get_args

import torch

from tuitrain.messages import MetricPoints
from tuitrain.metric_names import EXCHANGE, HOST_BOUND_METRIC, STAGES, WALL_METRIC, split_metric
from tuitrain.tracing.clocks import Clock, EventClock, HostClock
from tuitrain.training.instruments import Instrument, nothing, spared

Stage = Literal["data", "copy", "forward", "backward", "exchange", "optimizer", "other"]

COST_SHARE = 0.003
"""Part of the training time that timing may take, as far as it can be foreseen."""
FIRST_STRIDE = 100
"""Until the first flush has told how long a step takes: no loss even if that is 30 us."""
_WIDEST_STRIDE = 1000
_COLD = 8.0
"""A step that is timed in the loop costs this much more than one of many in a row: measured as 11
to 28 against 2 to 4 us on a CPU, as between two kernels caches and branches are cold."""
_REHEARSALS = 100
_USUAL_MARKS = 8
_NEVER = 1 << 62


def clock_of(device: torch.device) -> Clock | None:
    """Return the clock that tells what a stage takes; None where there is none yet (MPS)."""
    if device.type == "cpu":
        return HostClock()
    if device.type == "cuda":
        return EventClock(partial(torch.cuda.Event, enable_timing=True))
    return None


class Laps:
    """One timed step: marks on the time line, and the stage that ends at each but the first."""

    __slots__ = ("_set", "cpu_s", "instrument", "marks", "ran_dry", "stages", "step")

    def __init__(self, step: int, clock: Clock, instrument: Instrument) -> None:
        self.instrument = instrument
        self.step = step
        self.cpu_s = 0.0
        """Of the thread that trains."""
        self.stages: list[Stage] = []
        self.ran_dry = False
        self._set = clock.mark
        self.marks = [clock.mark()]

    @spared(nothing)
    def mark(self, stage: Stage) -> None:
        """Count what came since the last mark to `stage`."""
        self.marks.append(self._set())
        self.stages.append(stage)

    def seconds(self, clock: Clock) -> dict[str, float]:
        """Return what each stage took, once all of its marks were passed."""
        found: dict[str, float] = {}
        for stage, (first, last) in zip(self.stages, pairwise(self.marks), strict=True):
            found[stage] = found.get(stage, 0.0) + clock.seconds(first, last)
        return found

    def look(self, clock: Clock) -> None:
        """Note whether the device is through with the backward pass.

        The host has just asked for all of the step: then the device has no more than the update
        left to do.
        """
        if "backward" in self.stages:
            last = len(self.stages) - 1 - self.stages[::-1].index("backward")
            self.ran_dry = clock.passed(self.marks[last + 1])


class StepTimer:
    """Picks the steps to time, holds their marks until they can be read, and sums them up.

    Attributes:
        due: the step, counted from 0, before which `begin` has to be called.
    """

    def __init__(
        self,
        clock: Clock | None,
        cost_share: float = COST_SHARE,
        draw: random.Random | None = None,
        cpu: Callable[[], float] = time.thread_time,
        instrument: Instrument | None = None,
    ) -> None:
        """Begin with no step timed.

        Args:
            clock: None: no step is ever timed.
            cost_share: part of the training time that timing may take; 0: no step is timed.
            draw: where the gaps come from.
            cpu: seconds of CPU time that the calling thread has used.
            instrument: is told where a clock fails.
        """
        self.instrument = instrument or Instrument("the split of steps into stages")
        self._clock = clock if cost_share > 0 else None
        self._cost_share = cost_share
        self._draw = draw or random.Random(0)
        self._cpu = cpu
        self._stride = FIRST_STRIDE
        self._next: int | None = None
        self.due = 0 if self._clock is not None else _NEVER
        self._open: Laps | None = None
        self._ended: deque[Laps] = deque()
        self._flush_mark: Any = None
        self._flushes: deque[tuple[Any, Any, int]] = deque()
        self._flush_s = 0.0
        """Of the last flush that could be read, for each of its steps."""
        self._mark_s = self._rehearse()
        self._marks = _USUAL_MARKS

    @spared(lambda _self: 0.0)
    def _rehearse(self) -> float:
        return _mark_cost_s(self._clock, self.instrument) if self._clock is not None else 0.0

    @property
    def stride(self) -> int:
        """One step in so many is timed."""
        return self._stride

    @spared(nothing)
    def begin(self, step: int) -> Laps | None:
        """End the step that is being timed, if any; return the next one's laps if it is timed."""
        if self._open is not None and self._open.step == step:
            # It begins once more: the first try was no whole step.
            self._open, self._next = None, step
        self._close()
        if self._clock is None:
            return None
        if self._next is None:
            # A worker's first step builds what all others use.
            self._next = step + self._gap()
        if step < self._next:
            self.due = self._next
            return None
        self._next = step + self._gap()
        # The next step's begin is this one's end.
        self.due = step + 1
        self._open = Laps(step, self._clock, self.instrument)
        self._open.cpu_s = -self._cpu()
        return self._open

    @spared(nothing)
    def leave_out(self, step: int) -> None:
        """Do not time this step; the gap to the next one that is begins anew."""
        if step >= self.due:
            self._close()
            self._next = self.due = step + self._gap()

    def _gap(self) -> int:
        return self._draw.randint(1, 2 * self._stride - 1)

    def _close(self) -> None:
        if self._open is None or self._clock is None:
            return
        self._open.mark("other")
        self._open.cpu_s += self._cpu()
        if self._clock.on_device:
            self._open.look(self._clock)
        self._marks = len(self._open.marks)
        self._ended.append(self._open)
        self._open = None

    # --- at a flush -----------------------------------------------------------------------------

    @spared(nothing)
    def begin_flush(self) -> None:
        """End the step that is being timed: what follows is no part of it."""
        self._close()
        if self._clock is not None:
            self._flush_mark = self._clock.mark()

    @spared(nothing)
    def end_flush(self, steps: int) -> None:
        """Note what the flush took, for each of the steps that it was for."""
        if self._clock is not None and steps:
            self._flushes.append((self._flush_mark, self._clock.mark(), steps))

    @spared(lambda *_given: ())
    def points(self, last_step: int, step_s: float) -> tuple[MetricPoints, ...]:
        """Return the mean split of the steps that were timed and can be read; none: nothing.

        A flush is what recording costs, so its share of a step counts to `other`.

        Args:
            last_step: the last step, counted from 1, that the flush is for.
            step_s: what a step took since the last flush.
        """
        if self._clock is None:
            return ()
        self._read_flushes()
        read = self._read_steps()
        self._adapt(last_step, step_s, read)
        if not read:
            return ()
        step = min(last_step, read[-1].step + 1)
        means = self._means(read)
        named = {split_metric(stage): seconds for stage, seconds in means.items()}
        named[WALL_METRIC] = sum(means.values())
        if self._clock.on_device:
            named[HOST_BOUND_METRIC] = sum(laps.ran_dry for laps in read) / len(read)
        for laps in read:
            self._clock.reuse(laps.marks)
        return tuple(MetricPoints(name, step, (value,)) for name, value in named.items())

    def _means(self, read: Sequence[Laps]) -> dict[str, float]:
        assert self._clock is not None
        sums = dict.fromkeys(STAGES, 0.0)
        for laps in read:
            for stage, took_s in laps.seconds(self._clock).items():
                sums[stage] += took_s
        means = {stage: total / len(read) for stage, total in sums.items()}
        means["other"] += self._flush_s
        if not any(EXCHANGE in laps.stages for laps in read):
            del means[EXCHANGE]
        return means

    def _read_steps(self) -> list[Laps]:
        assert self._clock is not None
        read: list[Laps] = []
        while self._ended and self._clock.passed(self._ended[0].marks[-1]):
            read.append(self._ended.popleft())
        return read

    def _read_flushes(self) -> None:
        assert self._clock is not None
        while self._flushes and self._clock.passed(self._flushes[0][1]):
            first, last, steps = self._flushes.popleft()
            self._flush_s = self._clock.seconds(first, last) / steps
            self._clock.reuse((first, last))

    def _adapt(self, last_step: int, step_s: float, read: Sequence[Laps]) -> None:
        """Time as many steps as may be; one that is far off is drawn again if it may be sooner.

        Of a step's time only what this thread computed counts: what it waits for, on a machine
        that is shared, says nothing of how much dearer timing would make it.
        """
        if read:
            step_s = min(step_s, sum(laps.cpu_s for laps in read) / len(read))
        most_s = max(self._cost_share * step_s, 1e-12)
        wanted = 1 + int(self._mark_s * self._marks / most_s)
        before, self._stride = self._stride, min(_WIDEST_STRIDE, wanted)
        if self._next is not None and 2 * self._stride <= before:
            self._next = min(self._next, last_step - 1 + self._gap())
            self.due = min(self.due, self._next)


def _mark_cost_s(clock: Clock, instrument: Instrument) -> float:
    """Measure what a mark costs with all that follows from it: the part of a timed step's cost."""
    begun = time.thread_time()
    for _ in range(_REHEARSALS):
        laps = Laps(0, clock, instrument)
        for stage in get_args(Stage):
            laps.mark(stage)
        if clock.passed(laps.marks[-1]):
            for first, last in pairwise(laps.marks):
                clock.seconds(first, last)
        clock.reuse(laps.marks)
    marks = _REHEARSALS * (len(STAGES) + 1)
    return _COLD * (time.thread_time() - begun) / marks
