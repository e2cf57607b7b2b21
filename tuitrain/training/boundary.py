"""What is due between two steps: decided once, as one plain value, then carried out.

`decide` is a pure function; the planner is the one place that looks at clock, inbox and triggers.
With several ranks rank 0 decides and broadcasts its `Boundary`: nothing in it belongs to one
process, and all ranks carry out the same value at the same step. What follows from it by the state
alone (early stopping after an evaluation, a loss that is not finite after a flush) is equal on all
of them.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tuitrain.messages import Command, Evaluate
from tuitrain.training.channel import WorkerChannel
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.settings.live import PendingChanges
from tuitrain.training.triggers import Triggers

FLUSH_S = 0.2
"""How often the steps' values leave the device."""
COLLECT_S = 30.0
"""How often python's garbage is collected, at a boundary: left to itself it stalls a step."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the deciding process sees at a boundary."""

    step: int
    evaluated_step: int
    saved_step: int
    since_save_s: float
    since_collect_s: float
    writing: bool
    """A checkpoint is being written."""
    commands: tuple[Command, ...] = ()
    orphaned: bool = False
    """The supervisor is gone."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """What is to be done after a step, in the order of the fields."""

    step: int
    evaluate: bool
    end: bool
    """The last step is done."""
    changes: tuple[tuple[int, str, float], ...]
    """Live settings (step, key, value) that are on record as changed here."""
    save: bool
    commands: tuple[Command, ...]
    orphaned: bool
    collect: bool
    next_step: int
    """The boundary after this one comes at this step at the latest."""


def decide(
    moment: Moment,
    triggers: Triggers,
    total_steps: int,
    changes: tuple[tuple[int, str, float], ...] = (),
    next_change: int | None = None,
) -> Boundary:
    """Return what is due.

    Args:
        moment: what is to be decided from.
        triggers: when to evaluate and to save.
        total_steps: of the run.
        changes: live settings that are due now.
        next_change: the step at which the next one is due.
    """
    step, end = moment.step, moment.step >= total_steps
    asked = any(isinstance(command, Evaluate) for command in moment.commands)
    scheduled = (end or triggers.evaluates_at(step)) and moment.evaluated_step != step
    waited = triggers.saves_after(moment.since_save_s) and not moment.writing
    save = step > max(0, moment.saved_step) and (triggers.saves_at(step) or waited)
    due = (total_steps, triggers.next_after(step), next_change or total_steps)
    return Boundary(
        step=step,
        evaluate=asked or scheduled,
        end=end,
        changes=changes,
        save=save,
        commands=moment.commands,
        orphaned=moment.orphaned,
        collect=moment.since_collect_s > COLLECT_S,
        next_step=min(due),
    )


class Planner(Protocol):
    """What decides between two steps: this process, or all ranks together."""

    def follow(self, plan: BatchSchedule) -> None:
        """Count epochs by this plan from now on."""
        ...

    def reached(self, step: int) -> bool:
        """Return whether a boundary is due after `step`."""
        ...

    def decide(
        self,
        step: int,
        *,
        evaluated_step: int,
        saved_step: int,
        writing: bool,
        total_steps: int,
        pending: PendingChanges,
    ) -> Boundary:
        """Decide what is due after `step`."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Wait, at a standstill, until something comes in or the time is over."""
        ...

    def next_command(self) -> Command | None:
        """Hand out the oldest command of the boundary that was decided, if one is left."""
        ...

    def arrived(self) -> tuple[tuple[Command, ...], bool]:
        """Hand out all commands there are, and say whether the supervisor is gone."""
        ...

    def until(self, step: int) -> None:
        """Let the next boundary come at `step` at the latest."""
        ...


class BoundaryPlanner:
    """Says when a boundary is due, and decides it."""

    def __init__(
        self,
        channel: WorkerChannel,
        triggers: Triggers,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._channel = channel
        self._triggers = triggers
        self._clock = clock
        self._open: deque[Command] = deque()
        """Taken in, and not handled yet."""
        self._due_step = 0
        self._saved_step = -1
        self._flush_at = self._saved_at = self._collected_at = clock()

    def follow(self, plan: BatchSchedule) -> None:
        """Count epochs by this plan from now on."""
        self._triggers.follow(plan)

    def reached(self, step: int) -> bool:
        """Return whether a boundary is due after `step`: asked after every step."""
        return self._channel.attention or step >= self._due_step or self._clock() >= self._flush_at

    def decide(
        self,
        step: int,
        *,
        evaluated_step: int,
        saved_step: int,
        writing: bool,
        total_steps: int,
        pending: PendingChanges,
    ) -> Boundary:
        """Decide what is due after `step`; what has come in is taken with it."""
        moment = self.observe(
            step, evaluated_step=evaluated_step, saved_step=saved_step, writing=writing
        )
        return self.conclude(moment, total_steps, pending)

    def observe(self, step: int, *, evaluated_step: int, saved_step: int, writing: bool) -> Moment:
        """Look at clock and inbox."""
        now = self._clock()
        if saved_step != self._saved_step:
            self._saved_step, self._saved_at = saved_step, now
        return Moment(
            step=step,
            evaluated_step=evaluated_step,
            saved_step=saved_step,
            since_save_s=now - self._saved_at,
            since_collect_s=now - self._collected_at,
            writing=writing,
            commands=self._take_in() if self._channel.attention else tuple(self._open),
            orphaned=self._channel.orphaned,
        )

    def conclude(self, moment: Moment, total_steps: int, pending: PendingChanges) -> Boundary:
        """Decide what is due by what was seen."""
        changes = tuple(pending.take(moment.step))
        due = decide(moment, self._triggers, total_steps, changes, pending.next_step())
        if due.collect:
            self._collected_at = self._clock()
        return due

    def waited_to_save(self, moment: Moment) -> bool:
        """Return whether a checkpoint is due by the clock."""
        return self._triggers.saves_after(moment.since_save_s) and not moment.writing

    def waited_to_collect(self, moment: Moment) -> bool:
        """Return whether python's garbage is to be collected."""
        return moment.since_collect_s > COLLECT_S

    def wait(self, timeout_s: float) -> None:
        """Wait, at a standstill, until something comes in or the time is over."""
        self._channel.wait_for_command(timeout_s)

    def next_command(self) -> Command | None:
        """Hand out the oldest command of the boundary that was decided, if one is left.

        One at a time: what one of them has to wait for hears the others first, in their order.
        """
        return self._open.popleft() if self._open else None

    def arrived(self) -> tuple[tuple[Command, ...], bool]:
        """Hand out all commands there are, and say whether the supervisor is gone."""
        commands = self._take_in()
        self._open.clear()
        return commands, self._channel.orphaned

    def _take_in(self) -> tuple[Command, ...]:
        while (command := self._channel.next_command()) is not None:
            self._open.append(command)
        return tuple(self._open)

    def until(self, step: int) -> None:
        """Let the next boundary come at `step`, or a flush's interval from now."""
        self._due_step = step
        self._flush_at = self._clock() + FLUSH_S
