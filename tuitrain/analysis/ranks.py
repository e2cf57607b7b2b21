"""What each rank of a run takes for its own part of a step, and which one holds the others up.

By own time: that of a whole step is the same on all ranks, as each waits for the slowest. A
backward pass holds the exchange of gradients and with it that wait, so it says nothing of a rank.
Pure functions of a step's split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from tuitrain.analysis.bottleneck import Bottleneck
from tuitrain.analysis.step_time import StepTime
from tuitrain.metric_names import STAGES, rank_metric
from tuitrain.units import share_text

OWN_STAGES = ("data", "copy", "forward", "optimizer")
"""Stages in which a rank waits for no other."""
SLOWER = 1.2
"""Times as long as the rest take: what is less comes and goes by itself."""
LEAST_SHARE = 0.05
"""Of a step that is lost to it: less is not worth looking into."""
_ADVICE = {
    "data": "more data.workers, or look at the disk and the other programs of that rank's machine",
    "copy": "look at the PCIe link of that rank's GPU (`tuitrain gpus`)",
    "forward": "look at clock, temperature and other users of that rank's GPU (`tuitrain gpus`)",
    "optimizer": "look at clock, temperature and other users of that rank's GPU (`tuitrain gpus`)",
}


@dataclass(frozen=True, slots=True)
class RankTime:
    """One rank's mean step of late."""

    rank: int
    seconds: Mapping[str, float]
    """Of each stage."""
    memory_bytes: float

    @property
    def own_s(self) -> float:
        """Seconds a step in which it waits for no other."""
        return sum(self.seconds[stage] for stage in OWN_STAGES)


def rank_times(split: Mapping[str, float]) -> tuple[RankTime, ...]:
    """Return what each rank takes, by the split of a run's steps; empty where it has one rank."""
    found: list[RankTime] = []
    while rank_metric(len(found), STAGES[0]) in split:
        rank = len(found)
        seconds = {stage: split.get(rank_metric(rank, stage), 0.0) for stage in STAGES}
        memory_bytes = split.get(rank_metric(rank, "memory_bytes"), 0.0)
        found.append(RankTime(rank, seconds, memory_bytes))
    return tuple(found)


def straggler(split: Mapping[str, float], time: StepTime | None) -> Bottleneck | None:
    """Return the rank that holds the others up, and in which stage; None: none does."""
    ranks = rank_times(split)
    if len(ranks) < 2 or time is None:
        return None
    slow, stage = max(
        ((each, stage) for each in ranks for stage in OWN_STAGES),
        key=lambda pair: pair[0].seconds[pair[1]] - _rest_s(ranks, *pair),
    )
    slow_s, rest_s = slow.seconds[stage], _rest_s(ranks, slow, stage)
    lost = (slow_s - rest_s) / time.wall_s
    if slow_s < SLOWER * rest_s or lost < LEAST_SHARE:
        return None
    times = f"{slow_s / rest_s:.1f}x slower than" if rest_s > 0 else "slower than"
    text = f"rank {slow.rank} is {times} the rest in {stage}, {share_text(lost)} of each step"
    return Bottleneck("straggler", text, (_ADVICE[stage],))


def _rest_s(ranks: tuple[RankTime, ...], one: RankTime, stage: str) -> float:
    return median(each.seconds[stage] for each in ranks if each is not one)
