"""Which batch size would fit, from what two of them took."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuitrain.training.memory.fitting import again_settings, fit_batch_size


def device_with(room: int, fixed: int, each: int, gap: int = 0) -> Callable[[int], int | None]:
    """Return a device that loses `gap` of its room to fragments."""

    def measure(size: int) -> int | None:
        needed = fixed + each * size
        return needed if needed <= room - gap else None

    return measure


def test_the_size_lies_on_the_line_through_two_measured_ones() -> None:
    fit = fit_batch_size(256, 1000, device_with(1000, fixed=100, each=5))
    assert fit is not None
    assert (fit.fixed_bytes, fit.per_sample_bytes) == (100, 5)
    # (0.9 x 1000 - 100) / 5 = 160, a multiple of 8.
    assert fit.batch_size == 160


def test_a_size_that_fails_when_tried_is_not_offered() -> None:
    fit = fit_batch_size(64, 10**9, device_with(10**9, fixed=0, each=1, gap=10**9 - 20))
    assert fit is not None
    assert fit.batch_size == 16


def test_sizes_too_large_to_measure_are_passed_over() -> None:
    fit = fit_batch_size(1024, 1000, device_with(1000, fixed=0, each=40))
    assert fit is not None
    assert (fit.per_sample_bytes, fit.batch_size) == (40, 16)


@pytest.mark.parametrize(("failed", "fits"), [(2, 1), (3, 1)])
def test_one_measured_size_is_offered_without_a_line(failed: int, fits: int) -> None:
    fit = fit_batch_size(failed, 1000, device_with(1000, fixed=0, each=1))
    assert fit is not None
    assert (fit.batch_size, fit.per_sample_bytes) == (fits, None)


@pytest.mark.parametrize("failed", [1, 2, 64])
def test_where_not_one_sample_fits_nothing_is_offered(failed: int) -> None:
    assert fit_batch_size(failed, 10, device_with(10, fixed=11, each=1)) is None


@given(
    st.integers(2, 4096), st.integers(1, 10**6), st.integers(0, 10**5), st.integers(0, 10**4),
    st.integers(0, 10**5),
)  # fmt: skip
def test_what_is_offered_is_smaller_and_went_through(
    failed: int, room: int, fixed: int, each: int, gap: int
) -> None:
    measure = device_with(room, fixed, each, gap)
    fit = fit_batch_size(failed, room, measure)
    if fit is not None:
        assert 1 <= fit.batch_size < failed
        assert measure(fit.batch_size) is not None


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_step_keeps_its_samples_or_takes_a_few_more(samples: int, fits: int) -> None:
    again = again_settings(samples, fits)
    size, accumulate = again["train.batch_size"], again["train.accumulate"]
    assert 1 <= size <= fits
    assert samples <= size * accumulate < samples + accumulate


@pytest.mark.parametrize(
    ("samples", "fits", "size", "accumulate"),
    [(64, 24, 16, 4), (256, 160, 128, 2), (100, 40, 25, 4), (97, 40, 33, 3), (50, 16, 10, 5)],
)
def test_batches_that_divide_the_step_are_preferred(
    samples: int, fits: int, size: int, accumulate: int
) -> None:
    again = again_settings(samples, fits)
    assert again == {"train.batch_size": size, "train.accumulate": accumulate}
