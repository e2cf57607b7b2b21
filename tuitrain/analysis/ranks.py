"""What each rank of a run takes for its own part of a step, and which one holds the others up.

By own time: that of a whole step is the same on all ranks, as each waits for the slowest. What is
left of the exchange of gradients after the backward pass is that wait and the transfer itself:
the rank that is waited for has the shortest, and what it takes for it is the transfer. Pure
functions of a step's split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tuitrain.analysis.bottleneck import COPY_SHARE, INPUT_SHARE, Bottleneck, diagnose
from tuitrain.analysis.step_time import StepContext, StepTime
from tuitrain.metric_names import EXCHANGE, STAGES, rank_metric
from tuitrain.ranks import RANK_MEMORY, RankMemory, name_rank, order_of_profile
from tuitrain.runs.rows import ProfileRow
from tuitrain.units import share_text, short_time

_OWN_STAGES = ("data", "copy", "forward", "optimizer")
"""Stages in which a rank waits for no other, with the backward pass where the exchange is apart."""
SLOWER = 1.2
"""Times as long as the rest take: what is less comes and goes by itself."""
LEAST_SHARE = 0.05
"""Of a step that is lost to it: less is not worth looking into."""
WAIT_SHARE = 0.1
"""Of a step that the others wait for one whose stages are all as long as theirs, nearly."""
EXCHANGE_SHARE = 0.2
"""From a fifth of a step on, waiting is what to look at first: as for data."""
_DEVICE_ADVICE = "look at clock, temperature and other users of that rank's GPU (`tuitrain gpus`)"
_ADVICE = {
    "data": "more data.workers, or look at the disk and the other programs of that rank's machine",
    "copy": "look at the PCIe link of that rank's GPU (`tuitrain gpus`)",
    "forward": _DEVICE_ADVICE,
    "backward": _DEVICE_ADVICE,
    "optimizer": _DEVICE_ADVICE,
}


@dataclass(frozen=True, slots=True)
class RankTime:
    """One rank's mean step of late."""

    rank: int
    seconds: Mapping[str, float]
    """Of each stage."""
    memory_bytes: float
    """Of its GPU; of the machine's where it trains on CPUs."""
    transfer_s: float | None = None
    """Of the exchange, what goes over the wire; None where the exchange is a part of `backward`."""
    node: str = ""
    """The machine it is on, where there are several."""

    @property
    def name(self) -> str:
        """Its number, and the machine it is on where that is known."""
        return name_rank(self.rank, self.node)

    @property
    def own_stages(self) -> tuple[str, ...]:
        """The stages in which it waits for no other."""
        if self.transfer_s is None:
            return _OWN_STAGES
        return tuple(stage for stage in STAGES if stage in (*_OWN_STAGES, "backward"))

    @property
    def own_s(self) -> float:
        """Seconds a step in which it waits for no other."""
        return sum(self.seconds[stage] for stage in self.own_stages)

    @property
    def wait_s(self) -> float:
        """Seconds a step in which it waits for the slowest."""
        return 0.0 if self.transfer_s is None else self.seconds[EXCHANGE] - self.transfer_s


def rank_times(
    split: Mapping[str, float], hosts: Sequence[str] | None = None
) -> tuple[RankTime, ...]:
    """Return what each rank takes; empty where a run has one rank.

    Args:
        split: of the run's steps.
        hosts: the machine of each rank; None where all are on one.
    """
    known = dict(enumerate(hosts or ()))
    parted = rank_metric(0, EXCHANGE) in split
    seconds: list[Mapping[str, float]] = []
    while rank_metric(rank := len(seconds), STAGES[0]) in split:
        seconds.append({stage: split.get(rank_metric(rank, stage), 0.0) for stage in STAGES})
    transfer_s = min((each[EXCHANGE] for each in seconds), default=0.0) if parted else None
    return tuple(
        RankTime(
            rank,
            each,
            split.get(rank_metric(rank, "memory_bytes"), 0.0),
            transfer_s,
            known.get(rank, ""),
        )
        for rank, each in enumerate(seconds)
    )


def rank_memory(
    split: Mapping[str, float], hosts: Sequence[str] | None = None
) -> tuple[RankMemory, ...]:
    """Return what each rank holds; empty where a run has one rank, or never told.

    Args:
        split: of the run's steps.
        hosts: the machine of each rank; None where all are on one.
    """
    known = dict(enumerate(hosts or ()))
    found: list[RankMemory] = []
    while rank_metric(rank := len(found), "host_bytes") in split:
        numbers = (split.get(rank_metric(rank, name), 0.0) for name in RANK_MEMORY)
        found.append(RankMemory.of(numbers, known.get(rank, "")))
    return tuple(found)


# --- what holds a run of several ranks up ---------------------------------------------------------


def verdict(split: Mapping[str, float], time: StepTime | None, context: StepContext) -> Bottleneck:
    """Return what holds a run's steps up: one of its ranks, the exchange, or what holds all up."""
    ranks = rank_times(split, context.hosts)
    found = None
    if time is not None and len(ranks) > 1:
        found = _straggler(ranks, time) or _waited_for(ranks, time)
        found = found or _exchange_bound(ranks, time, context)
    return found or diagnose(time, context)


def slowest_rank(
    split: Mapping[str, float], time: StepTime | None, hosts: Sequence[str] | None = None
) -> RankTime | None:
    """Return the rank that the others wait for long enough to be worth a word.

    Args:
        split: of the run's steps.
        time: of a step; None: not known.
        hosts: the machine of each rank; None where all are on one.
    """
    ranks = rank_times(split, hosts)
    if len(ranks) < 2 or time is None:
        return None
    if (worst := _worst_stage(ranks, time)) is not None:
        return worst[0]
    slow = min(ranks, key=lambda each: each.seconds[EXCHANGE])
    return slow if _wait_share(ranks, slow, time) >= WAIT_SHARE else None


def _worst_stage(
    ranks: Sequence[RankTime], time: StepTime
) -> tuple[RankTime, str, float, float] | None:
    """Return the rank that is slower than the rest in a stage, with its seconds and theirs."""
    slow, stage = max(
        ((each, stage) for each in ranks for stage in each.own_stages),
        key=lambda pair: pair[0].seconds[pair[1]] - _rest_s(ranks, *pair),
    )
    slow_s, rest_s = slow.seconds[stage], _rest_s(ranks, slow, stage)
    if slow_s < SLOWER * rest_s or (slow_s - rest_s) / time.wall_s < LEAST_SHARE:
        return None
    return slow, stage, slow_s, rest_s


def _straggler(ranks: Sequence[RankTime], time: StepTime) -> Bottleneck | None:
    worst = _worst_stage(ranks, time)
    if worst is None:
        return None
    slow, stage, slow_s, rest_s = worst
    lost = (slow_s - rest_s) / time.wall_s
    times = f"{slow_s / rest_s:.1f}x slower than" if rest_s > 0 else "slower than"
    text = f"{slow.name} is {times} the rest in {stage}, {share_text(lost)} of each step"
    return Bottleneck("straggler", text, (_ADVICE[stage],))


def _waited_for(ranks: Sequence[RankTime], time: StepTime) -> Bottleneck | None:
    """Return the rank that the others wait for though no stage of it alone stands out."""
    slow = min(ranks, key=lambda each: each.seconds[EXCHANGE])
    share = _wait_share(ranks, slow, time)
    if share < WAIT_SHARE:
        return None
    rest_s = median(each.own_s for each in ranks if each is not slow)
    text = (
        f"the others wait {share_text(share)} of each step for it; its own part takes "
        f"{short_time(slow.own_s)}, theirs {short_time(rest_s)}"
    )
    return Bottleneck(f"waits for {slow.name}", text, (_DEVICE_ADVICE,))


def _wait_share(ranks: Sequence[RankTime], slow: RankTime, time: StepTime) -> float:
    return median(each.wait_s for each in ranks if each is not slow) / time.wall_s


def _exchange_bound(
    ranks: Sequence[RankTime], time: StepTime, context: StepContext
) -> Bottleneck | None:
    transfer_s = ranks[0].transfer_s or 0.0
    share = transfer_s / time.wall_s
    larger = time.share("data") >= max(INPUT_SHARE, share) or (
        time.share("copy") >= max(COPY_SHARE, share)
    )
    if share < EXCHANGE_SHARE or larger:
        return None
    text = (
        f"the exchange of gradients takes {share_text(share)} of each step on top of the backward "
        "pass"
    )
    takes = f"an exchange takes {short_time(transfer_s)} however many samples it is for"
    advice = (
        "train.compress_gradients = true: half the bytes" if not context.compresses else "",
        f"train.batch_size or train.accumulate: {takes}",
    )
    return Bottleneck("exchange-bound", text, tuple(each for each in advice if each))


def _rest_s(ranks: Sequence[RankTime], one: RankTime, stage: str) -> float:
    return median(each.seconds[stage] for each in ranks if each is not one)


# --- profiles of several ranks over the same steps ------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProfiledRank:
    """What a rank's profiled steps went into, in seconds a step."""

    rank: int
    profile: str
    """The name of its profile."""
    data_s: float
    """Waiting for the batch, and copying it."""
    compute_s: float
    """Forward, backward and update."""
    exchange_s: float
    """What the exchange takes on the rank that waits for none."""
    wait_s: float
    """Waiting for the slowest of the ranks that were profiled."""
    other_s: float


def profiled_ranks(rows: Sequence[ProfileRow], name: str) -> tuple[ProfiledRank, ...]:
    """Return what ranks that were profiled with the one called `name` took; empty: it was alone."""
    order = order_of_profile(name)
    together = [row for row in rows if order_of_profile(row.name) == order and row.facts.stages_s]
    exchanges = [_exchange_by_step(row) for row in together]
    common = set.intersection(*map(set, exchanges)) if exchanges else set()
    if not common:
        return ()
    shortest_s = sum(min(each[step] for each in exchanges) for step in common) / len(common)
    found = []
    for row, exchange in zip(together, exchanges, strict=True):
        stages = row.facts.stages_s or {}
        own_s = sum(exchange[step] for step in common) / len(common)
        found.append(
            ProfiledRank(
                rank=row.facts.rank or 0,
                profile=row.name,
                data_s=stages.get("data", 0.0) + stages.get("copy", 0.0),
                compute_s=sum(stages.get(each, 0.0) for each in _COMPUTE),
                exchange_s=shortest_s,
                wait_s=own_s - shortest_s,
                other_s=stages.get("other", 0.0),
            )
        )
    return tuple(sorted(found, key=lambda each: each.rank))


_COMPUTE = ("forward", "backward", "optimizer")


def _exchange_by_step(row: ProfileRow) -> dict[int, float]:
    return dict(enumerate(row.facts.exchange_s or (), row.first_step or 0))
