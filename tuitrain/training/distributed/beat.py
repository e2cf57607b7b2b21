"""The beat: one small exchange about every 200 ms, in which all ranks learn the same.

It carries rank 0's word (what is due, and in how many steps the next beat comes), what each rank
measured and wants, and sums over the steps since the last one. No step pays for agreement: beats
come after a number of steps that rank 0 has chosen, never by the clock of a rank, so that all ranks
act after the same step. Knows nothing of the loop.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tuitrain.metric_names import STAGES
from tuitrain.ranks import RANK_MEMORY, RankMemory
from tuitrain.training.distributed.world import World

BEAT_S = 0.2
_MOST_STEPS = 1000
_GROWTH = 8
"""Beats come at most so many times as far apart as before: the first steps say little."""

Wish = Literal[0, 1, 2]
"""What a rank wants: nothing, a checkpoint, or the end of the run."""
NOTHING, SAVE, STOP = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Word:
    """What rank 0 decides by its clock and its inbox."""

    save: bool
    collect: bool
    orphaned: bool
    has_commands: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """What one rank tells of itself."""

    wish: float = NOTHING
    speaks: float = 0
    """1: it has something to say that is no number."""
    profile: float = 0
    """How many steps it is ready to profile with others; below 0: none any more."""
    held: RankMemory = field(default_factory=RankMemory)
    stages_s: tuple[float, ...] = (0.0,) * len(STAGES)
    """Seconds a step of each of `STAGES`, as last timed; all 0: not yet."""

    def numbers(self) -> list[float]:
        """Return it as numbers."""
        return [self.wish, self.speaks, self.profile, *self.held.numbers(), *self.stages_s]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Slot":
        """Return what `numbers` gave."""
        wish, speaks, profile, *rest = numbers
        held, stages = rest[: len(RANK_MEMORY)], rest[len(RANK_MEMORY) :]
        return cls(wish, speaks, profile, RankMemory.of(held), tuple(stages))


_WORD = 5
_SLOT = 3 + len(RANK_MEMORY) + len(STAGES)


@dataclass(frozen=True, slots=True)
class Met:
    """What all ranks know after a beat."""

    word: Word
    slots: tuple[Slot, ...]
    """Of each rank."""
    sums: tuple[float, ...]
    """Over all ranks, of what each of them brought."""


class Beat:
    """The beats of one rank.

    Attributes:
        due_step: the next one comes after so many steps, as all ranks know.
    """

    def __init__(self, world: World, clock: Callable[[], float] = time.perf_counter) -> None:
        self.due_step = 0
        self._world = world
        self._clock = clock
        self._steps = 1
        self._met_step = 0
        self._went_on = clock()

    def go_on(self) -> None:
        """Count the time of steps from now: what went before was none."""
        self._went_on = self._clock()

    def meet(
        self, step: int, word: Word, slot: Slot, cargo: Sequence[float], most_steps: int
    ) -> Met:
        """Exchange with all ranks.

        Args:
            step: steps done, the same on all ranks.
            word: counts of rank 0 alone.
            slot: of this rank.
            cargo: numbers to be summed, as many on each rank.
            most_steps: until the next beat.
        """
        world = self._world
        vector = [0.0] * (_WORD + world.size * _SLOT)
        if world.leads:
            due = (word.save, word.collect, word.orphaned, word.has_commands)
            vector[:_WORD] = [*map(float, due), float(self._choose(step, most_steps))]
        first = _WORD + world.rank * _SLOT
        vector[first : first + _SLOT] = slot.numbers()
        head = len(vector)
        met = world.sums([*vector, *cargo])
        self._steps, self._met_step = int(met[_WORD - 1]), step
        self.due_step = step + self._steps
        slots = tuple(Slot.of(met[at : at + _SLOT]) for at in range(_WORD, head, _SLOT))
        return Met(Word(*map(bool, met[: _WORD - 1])), slots, tuple(met[head:]))

    def _choose(self, step: int, most_steps: int) -> int:
        """Return after how many steps the next beat is to come."""
        done = step - self._met_step
        if not done:
            return self._steps
        step_s = (self._clock() - self._went_on) / done
        wanted = int(BEAT_S / max(step_s, 1e-9))
        return max(1, min(wanted, _MOST_STEPS, self._steps * _GROWTH, most_steps))
