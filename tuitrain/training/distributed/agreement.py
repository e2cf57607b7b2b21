"""What is due between two steps, agreed on by all ranks: rank 0 decides, all carry out the same.

In place of a single rank's `BoundaryPlanner`; knows what is exchanged, not what is done about it.
"""

from collections import deque
from dataclasses import replace
from math import inf
from typing import Any, Protocol

from tuitrain.messages import Command, Profile, SaveCheckpoint, Stop
from tuitrain.training.boundary import Boundary, BoundaryPlanner
from tuitrain.training.data.schedule import BatchSchedule
from tuitrain.training.distributed.beat import NOTHING, SAVE, STOP, Beat, Met, Slot, Word
from tuitrain.training.distributed.world import World
from tuitrain.training.settings.live import PendingChanges


class Cargo(Protocol):
    """What a rank brings to a beat, and takes from it."""

    def load(self) -> list[float]:
        """Return numbers that are to be summed over all ranks."""
        ...

    def slot(self) -> Slot:
        """Return what this rank tells of itself; its wish is put in elsewhere."""
        ...

    def say(self) -> Any:
        """Return what is no number; asked where a rank speaks."""
        ...

    def take(self, met: Met, said: list[Any]) -> None:
        """Take what all have brought; `said` is empty where no rank spoke."""
        ...

    def most_steps(self) -> int:
        """Return how many steps there is room for until the next beat."""
        ...


class AgreedPlanner:
    """Decides as a `BoundaryPlanner` does, with all ranks."""

    def __init__(self, planner: BoundaryPlanner, world: World, cargo: Cargo) -> None:
        """Agree on what `planner`, rank 0's, decides.

        Args:
            planner: looks at this rank's clock and inbox.
            world: the ranks.
            cargo: goes with each beat.
        """
        self._planner = planner
        self._world = world
        self._cargo = cargo
        self._beat = Beat(world)
        self._due_step = 0
        self._open: deque[Command] = deque()

    def follow(self, plan: BatchSchedule) -> None:
        """Count epochs by this plan from now on."""
        self._planner.follow(plan)

    def reached(self, step: int) -> bool:
        """Return whether a boundary is due after `step`: the same on all ranks."""
        self._world.stand(step + 1, "step")
        return step >= self._due_step

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
        """Decide with all ranks what is due after `step`."""
        self._world.stand(step, "beat")
        moment = self._planner.observe(
            step, evaluated_step=evaluated_step, saved_step=saved_step, writing=writing
        )
        own = list(self._hand_out())
        word = Word(
            save=self._planner.waited_to_save(moment),
            collect=self._planner.waited_to_collect(moment),
            orphaned=moment.orphaned,
            has_commands=bool(own),
        )
        met = self._meet(step, word, own)
        agreed = replace(
            moment,
            since_save_s=inf if met.word.save else 0.0,
            since_collect_s=inf if met.word.collect else 0.0,
            writing=False,
            commands=tuple(self._open),
            orphaned=met.word.orphaned,
        )
        return self._planner.conclude(agreed, total_steps, pending)

    def _meet(self, step: int, word: Word, own: list[Command]) -> Met:
        world, cargo = self._world, self._cargo
        load = cargo.load()
        wish = NOTHING if world.leads else _wish(own)
        slot = replace(cargo.slot(), wish=wish)
        met = self._beat.meet(step, word, slot, load, cargo.most_steps())
        if met.word.has_commands:
            self._open.extend(world.first(own))
        self._open.extend(_wished(met.slots, world))
        if not world.leads:
            # Rank 0 alone takes profiles that name no ranks.
            self._open = deque(
                each for each in self._open if not isinstance(each, Profile) or each.ranks
            )
        spoke = any(each.speaks for each in met.slots)
        cargo.take(met, world.gather(cargo.say()) if spoke else [])
        return met

    def _hand_out(self) -> list[Command]:
        found = []
        while (command := self._planner.next_command()) is not None:
            found.append(command)
        return found

    def wait(self, timeout_s: float) -> None:
        """Wait, at a standstill; ranks other than 0 do so in the next beat."""
        self._world.stand(self._due_step, "standstill")
        if self._world.leads:
            self._planner.wait(timeout_s)

    def next_command(self) -> Command | None:
        """Hand out the oldest command of the boundary that was decided, if one is left."""
        return self._open.popleft() if self._open else None

    def arrived(self) -> tuple[tuple[Command, ...], bool]:
        """Hand out all commands that have come to this rank, and say whether it is orphaned."""
        commands, orphaned = self._planner.arrived()
        before, self._open = tuple(self._open), deque()
        return (*before, *commands), orphaned

    def until(self, step: int) -> None:
        """Let the next boundary come at `step`, or where the next beat is due."""
        self._due_step = min(step, self._beat.due_step)
        self._beat.go_on()


def _wish(commands: list[Command]) -> int:
    """Return what signals to this rank ask for; it gets no other commands."""
    if any(isinstance(command, Stop) for command in commands):
        return STOP
    return SAVE if commands else NOTHING


def _wished(slots: tuple[Slot, ...], world: World) -> list[Command]:
    """Return what ranks other than 0 wish for, as commands."""
    found: list[Command] = []
    for rank, slot in enumerate(slots):
        if slot.wish == STOP:
            found.append(Stop(0, f"{world.name(rank)} got SIGTERM"))
        elif slot.wish == SAVE:
            found.append(SaveCheckpoint(0))
    return found
