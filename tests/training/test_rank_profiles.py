"""Profiles of several ranks: over the same steps, answered as one, given up together.

A process takes one profile at a time, so the ranks of this one only pretend to; those of real runs
are in tests/process.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.training.worlds import worlds
from tuitrain.messages import CommandDone, Profile, ProfileFacts, ProfileWritten
from tuitrain.training.distributed.profiles import ProfileAnswers, RankProfiles


@dataclass
class Capture:
    """A profile that is under way."""

    order: Profile
    room: int = 0
    agreed: int = 0
    ended: str = ""

    def agree(self, steps: int) -> None:
        self.agreed = steps

    def end(self, note: str) -> None:
        self.ended = note


@dataclass
class Recorder:
    """Begins profiles, in place of a rank's profiler."""

    under_way: Any = None
    begun: list[str] = field(default_factory=list)

    def begin(self, order: Profile, step: int) -> None:
        del step
        self.under_way = Capture(order)
        self.begun.append(order.name)


class Ranks:
    """Ranks that get an order, and meet."""

    def __init__(self, size: int, *named: int) -> None:
        self.told: list[Any] = []
        self.answers = ProfileAnswers(self.told.append)
        self.recorders = [Recorder() for _rank in range(size)]
        self.profiles: list[RankProfiles] = [
            RankProfiles(recorder, world, self.answers)  # type: ignore[arg-type]
            for recorder, world in zip(self.recorders, worlds(size), strict=True)
        ]
        order = Profile(7, 20, name="p7", ranks=named)
        for each in self.profiles:
            each.begin(order, 100)

    def meet(self) -> None:
        rooms = [each.room() for each in self.profiles]
        for each in self.profiles:
            each.meet(rooms)


def done(text: str, outcome: Any = "done") -> CommandDone:
    return CommandDone(1.0, 7, outcome, text, 130)


def test_chosen_ranks_record_from_one_beat_on_as_many_steps_as_each_has_room_for() -> None:
    ranks = Ranks(3, 0, 2)
    assert [each.begun for each in ranks.recorders] == [["p7-rank0"], [], ["p7-rank2"]]
    zero, two = (ranks.recorders[rank].under_way for rank in (0, 2))
    zero.room = 20
    ranks.meet()
    assert (zero.agreed, two.agreed) == (0, 0)
    two.room = 12
    ranks.meet()
    assert (zero.agreed, two.agreed) == (12, 12)
    zero.agreed = 0
    ranks.meet()
    assert zero.agreed == 0


def test_there_is_one_answer_once_all_have_given_theirs() -> None:
    ranks = Ranks(3, 0, 2)
    trace = ProfileWritten(1.0, 7, "p7-rank2", 101, 120, ProfileFacts())
    ranks.answers.take(trace, 2)
    ranks.answers.take(done("20 steps"), 2)
    assert ranks.told == [trace]
    ranks.answers.take(done("no disk", "refused"), 0)
    [answer] = ranks.told[1:]
    assert (answer.outcome, answer.text) == ("done", "rank 0: no disk; rank 2: 20 steps")
    # What comes later is of an order that names no ranks.
    ranks.answers.take(done("alone"))
    assert ranks.told[-1].text == "alone"


@pytest.mark.parametrize("gone", [0, 1])
def test_a_rank_that_gives_up_takes_the_others_along(gone: int) -> None:
    ranks = Ranks(2, 0, 1)
    other = ranks.recorders[1 - gone].under_way
    ranks.recorders[gone].under_way = None
    other.room = 20
    ranks.meet()
    assert (other.ended, other.agreed) == (f"rank {gone} has none", 0)


@pytest.mark.parametrize(("size", "has"), [(1, "one rank, 0"), (3, "ranks 0 to 2")])
def test_a_rank_that_there_is_not_is_refused_and_nothing_begins(size: int, has: str) -> None:
    ranks = Ranks(size, 0, 5)
    [refused] = ranks.told
    assert refused.text == f"there is no rank 5 to profile: the run has {has}"
    assert not any(each.begun for each in ranks.recorders)
