"""What a range test suggests, and when it suggests nothing."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tuitrain.analysis.batch_size import choose_sizes
from tuitrain.analysis.learning_rate import suggest_rate

RATES = [1e-6 * 10 ** (place / 15) for place in range(90)]


def curve(noise: float = 0.0) -> list[float]:
    """A loss that falls around 1e-3 and diverges from 0.3 on."""
    draw = random.Random(0)
    return [
        2.3 - 1.5 * rate / (rate + 1e-3) + (3 * rate) ** 3 + noise * draw.gauss(0, 1)
        for rate in RATES
    ]


def test_the_suggestion_is_where_the_loss_falls_fastest_also_with_noise() -> None:
    for noise in (0.0, 0.05):
        rate = suggest_rate(RATES, curve(noise)).rate
        assert rate is not None and 2e-4 < rate < 5e-3


def test_it_is_silent_where_it_can_not_be_sure() -> None:
    draw = random.Random(0)
    flat = [2.3 + 0.1 * draw.gauss(0, 1) for _ in RATES]
    rising = [2.3 + rate for rate in RATES]
    falling = [2.3 - 0.01 * place**1.5 / 9 for place in range(90)]
    few = curve()[:10]
    said = [suggest_rate(RATES[: len(each)], each) for each in (flat, rising, falling, few)]
    assert [each.rate for each in said] == [None] * 4
    assert "scatters" in said[0].reason
    assert "--min" in said[1].reason
    assert "--max" in said[2].reason
    assert "too few" in said[3].reason


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_any_finite_losses_give_an_answer_and_a_point_each(
    losses: list[float],
) -> None:
    found = suggest_rate(RATES[: len(losses)], losses)
    assert len(found.smoothed) == len(losses)
    assert (found.rate is None) == bool(found.reason)


def test_the_fastest_size_is_the_smallest_that_is_nearly_as_fast_as_any() -> None:
    def row(size: int, rate: float, fits: bool = True) -> dict[str, object]:
        return {"batch_size": size, "fits": fits, "samples_per_s": rate}

    rows = [row(8, 50.0), row(16, 97.0), row(32, 100.0), row(64, 120.0, fits=False)]
    assert choose_sizes(rows) == {"largest": 32, "fastest": 16}
    assert choose_sizes(rows[3:]) == {"largest": None, "fastest": None}
