import math

from hypothesis import given
from hypothesis import strategies as st

from tuitrain.runs.storage.pyramid import LEVELS, bucket_steps, merge, pyramid, summarise

VALUES = st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308])


@st.composite
def points(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    steps = sorted(draw(st.sets(st.integers(0, 100_000), min_size=1, max_size=200)))
    return steps, draw(st.lists(VALUES, min_size=len(steps), max_size=len(steps)))


@given(points())
def test_every_level_counts_every_point_and_keeps_every_extreme(
    drawn: tuple[list[int], list[float]],
) -> None:
    steps, values = drawn
    finite = [value for value in values if math.isfinite(value)]
    for level in range(LEVELS):
        cells = {bucket: cell for at, bucket, cell in pyramid(steps, values) if at == level}
        assert set(cells) == {step // bucket_steps(level) for step in steps}
        whole = merge(list(cells.values()))
        assert (whole.first_step, whole.last_step) == (steps[0], steps[-1])
        assert (whole.points, whole.finite) == (len(values), len(finite))
        assert whole.minimum == min(finite, default=None)
        assert whole.maximum == max(finite, default=None)
        assert whole.nan == sum(map(math.isnan, values))
        assert whole.posinf == values.count(math.inf)
        assert whole.neginf == values.count(-math.inf)


@given(st.lists(VALUES, min_size=1))
def test_a_mean_lies_between_the_extremes_even_where_the_sum_overflows(
    values: list[float],
) -> None:
    cell = summarise(1, len(values), values)
    if cell.minimum is None or cell.maximum is None:
        assert math.isnan(cell.mean)
    else:
        assert cell.minimum <= cell.mean <= cell.maximum


def test_values_of_which_none_is_finite_have_no_mean() -> None:
    cell = summarise(1, 2, [math.inf, -math.inf])
    assert (cell.minimum, cell.total, cell.posinf, cell.neginf) == (None, None, 1, 1)
    assert math.isnan(cell.mean)
