"""Which rank holds the others up, by what each takes for its own part of a step."""

import pytest

from tests.analysis.steps import COMPUTE, CPU, GPU, INPUT
from tuitrain.analysis.ranks import profiled_ranks, rank_memory, rank_times, slowest_rank, verdict
from tuitrain.messages import ProfileFacts
from tuitrain.metric_names import EXCHANGE, STAGES, rank_metric
from tuitrain.runs.rows import ProfileRow


def split_of(*ranks: dict[str, float], parted: bool = True) -> dict[str, float]:
    """Return the split of steps of 10 ms, in milliseconds by rank and stage."""
    return {
        rank_metric(rank, stage): seconds.get(stage, 1.0) / 1e3
        for rank, seconds in enumerate(ranks)
        for stage in STAGES
        if parted or stage != EXCHANGE
    }


def test_one_rank_has_no_ranks_to_show() -> None:
    assert rank_times({}) == ()
    assert slowest_rank({}, COMPUTE) is None
    assert verdict({}, COMPUTE, GPU).kind == "compute-bound"


@pytest.mark.parametrize(
    ("slow", "text"),
    [
        ({"data": 3.0}, "rank 3 is 3.0x slower than the rest in data, 20 % of each step"),
        ({"forward": 1.6}, "rank 3 is 1.6x slower than the rest in forward, 6 % of each step"),
        ({"backward": 1.6}, "rank 3 is 1.6x slower than the rest in backward, 6 % of each step"),
    ],
)
def test_the_slowest_rank_is_named_with_the_stage_and_what_it_costs(
    slow: dict[str, float], text: str
) -> None:
    split = split_of({}, {}, {}, slow)
    found = verdict(split, COMPUTE, GPU)
    assert (found.kind, found.text) == ("straggler", text)
    assert found.suggestions
    assert (one := slowest_rank(split, COMPUTE)) is not None
    assert one.name == "rank 3"


@pytest.mark.parametrize("same", [{"other": 9.0}, {"data": 1.4}, {"data": 0.2}, {EXCHANGE: 1.5}])
def test_waiting_and_small_differences_make_no_straggler(same: dict[str, float]) -> None:
    split = split_of({}, {}, same)
    assert verdict(split, COMPUTE, GPU).kind == "compute-bound"
    assert slowest_rank(split, COMPUTE) is None


def test_a_backward_pass_with_the_exchange_in_it_says_nothing_of_a_rank() -> None:
    split = split_of({}, {}, {"backward": 9.0}, parted=False)
    assert verdict(split, COMPUTE, GPU).kind == "compute-bound"
    [one, *_rest] = rank_times(split)
    assert (one.own_s, one.wait_s) == (pytest.approx(0.004), 0.0)


def test_the_rank_that_all_others_wait_for_is_named_though_no_stage_of_it_stands_out() -> None:
    waits = {EXCHANGE: 2.6}
    split = split_of(waits, {"data": 1.15, "forward": 1.15}, waits)
    found = verdict(split, COMPUTE, GPU)
    assert found.kind == "waits for rank 1"
    assert found.text.startswith("the others wait 16 % of each step for it; its own part takes 5.3")
    assert [each.wait_s for each in rank_times(split)] == pytest.approx([0.0016, 0, 0.0016])


def test_an_exchange_that_takes_long_on_all_ranks_is_what_binds_unless_data_does_more() -> None:
    split = split_of({EXCHANGE: 3.0}, {EXCHANGE: 3.1})
    found = verdict(split, COMPUTE, CPU)
    assert found.kind == "exchange-bound"
    assert found.text.startswith("the exchange of gradients takes 30 % of each step")
    assert "compress_gradients" in found.suggestions[0]
    assert verdict(split, INPUT, CPU).kind == "input-bound"


def test_what_each_rank_holds_is_known_for_those_that_told() -> None:
    split = {rank_metric(rank, "host_bytes"): 1e9 + rank for rank in range(3)}
    split |= {rank_metric(1, "memory_bytes"): 5e9, rank_metric(1, "device_total_bytes"): 8e10}
    split |= {rank_metric(2, "memory_bytes"): 1e9}
    found = rank_memory(split)
    assert [each.host_bytes for each in found] == [1e9, 1e9 + 1, 1e9 + 2]
    # On a CPU a rank's memory is the host's.
    assert [each.device_bytes for each in found] == [0, 5e9, 0]
    assert rank_memory({}) == ()


def profile_of(
    name: str, rank: int | None, first: int, exchange_s: tuple[float, ...]
) -> ProfileRow:
    stages = dict.fromkeys(STAGES, 0.001) if rank is not None else None
    facts = ProfileFacts(rank=rank, stages_s=stages, exchange_s=exchange_s or None)
    return ProfileRow(name, 0.0, "done", first, first + len(exchange_s) - 1, facts, {})


def test_profiles_of_one_order_are_compared_over_the_steps_that_all_have() -> None:
    rows = [
        profile_of("p3", None, 1, ()),
        profile_of("p4-rank2", 2, 11, (0.5, 0.002, 0.004)),
        profile_of("p4-rank0", 0, 12, (0.006, 0.001)),
    ]
    zero, two = profiled_ranks(rows, "p4-rank2")
    assert (zero.rank, two.rank) == (0, 2)
    assert zero.exchange_s == two.exchange_s == pytest.approx(0.0015)
    assert (zero.wait_s, two.wait_s) == pytest.approx((0.002, 0.0015))
    assert (two.data_s, two.compute_s) == pytest.approx((0.002, 0.003))
    assert profiled_ranks(rows, "p3") == ()
