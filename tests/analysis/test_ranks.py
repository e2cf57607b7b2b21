"""Which rank holds the others up, by what each takes for its own part of a step."""

import pytest

from tests.analysis.steps import COMPUTE
from tuitrain.analysis.ranks import rank_times, straggler
from tuitrain.metric_names import STAGES, rank_metric


def split_of(*ranks: dict[str, float]) -> dict[str, float]:
    """Return the split of steps of 10 ms, in milliseconds by rank and stage."""
    return {
        rank_metric(rank, stage): seconds.get(stage, 1.0) / 1e3
        for rank, seconds in enumerate(ranks)
        for stage in STAGES
    }


def test_one_rank_has_no_ranks_to_show() -> None:
    assert rank_times({}) == ()
    assert straggler({}, COMPUTE) is None


@pytest.mark.parametrize(
    ("slow", "text"),
    [
        ({"data": 3.0}, "rank 3 is 3.0x slower than the rest in data, 20 % of each step"),
        ({"forward": 1.6}, "rank 3 is 1.6x slower than the rest in forward, 6 % of each step"),
    ],
)
def test_the_slowest_rank_is_named_with_the_stage_and_what_it_costs(
    slow: dict[str, float], text: str
) -> None:
    found = straggler(split_of({}, {}, {}, slow), COMPUTE)
    assert found is not None
    assert (found.kind, found.text) == ("straggler", text)
    assert found.suggestions


@pytest.mark.parametrize("same", [{"backward": 9.0}, {"other": 9.0}, {"data": 1.4}, {"data": 0.2}])
def test_waiting_and_small_differences_make_no_straggler(same: dict[str, float]) -> None:
    assert straggler(split_of({}, {}, same), COMPUTE) is None
