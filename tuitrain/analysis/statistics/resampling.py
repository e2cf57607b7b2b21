"""Intervals and tests by resampling: what a figure might have been on other samples like these.

Percentile intervals of the bootstrap (Efron 1979), always with the same draws for the same samples.
Knows arrays; nothing of what they measure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95
_SEED = 0
_AT_ONCE = 1 << 22
"""Numbers drawn at a time: 32 MiB."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""From sums [resamples, ...] to a figure of each resample [resamples]."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with the interval that holds it in 95 of 100 samplings."""

    value: float
    low: float | None = None
    high: float | None = None
    """None: no interval is known."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Whether two figures on the same samples differ by more than the choice of samples makes."""

    difference: float
    """The second less the first."""
    low: float
    high: float
    p_value: float


def mean_figure(values: np.ndarray, weights: np.ndarray | None = None) -> Figure:
    """Return the mean of values [n] with its interval; with weights [n], the weighted one."""
    weights = np.ones(len(values)) if weights is None else weights
    sums = np.stack([values * weights, weights], 1)
    return ratio_figure(sums, lambda total: total[:, 0] / np.maximum(total[:, 1], 1e-300))


def share_figure(is_right: np.ndarray) -> Figure:
    """Return the share of what is right [n] bool with its interval.

    How many of the samples drawn again are right is binomial. Where all are alike no sample drawn
    again differs, so the interval is Clopper and Pearson's.
    """
    value, number = float(is_right.mean()), len(is_right)
    if number < 2:
        return Figure(value)
    if value in {0.0, 1.0}:
        reach = ((1 - LEVEL) / 2) ** (1 / number)
        return Figure(1.0, reach, 1.0) if value else Figure(0.0, 0.0, 1 - reach)
    drawn = np.random.default_rng(_SEED).binomial(number, value, RESAMPLES) / number
    return _with_interval(value, drawn)


def ratio_figure(sums: np.ndarray, statistic: Statistic) -> Figure:
    """Return a figure that follows from sums over the samples, with its interval.

    Args:
        sums: [n, ...], a sample's part of each.
        statistic: the figure of each of several sums.
    """
    value = float(statistic(sums.sum(0, keepdims=True))[0])
    if len(sums) < 2 or not np.isfinite(sums).all():
        return Figure(value)
    drawn = np.concatenate([statistic(part) for part in _resampled_sums(sums)])
    return _with_interval(value, drawn)


def cells_figure(cells: np.ndarray, statistic: Statistic) -> Figure:
    """Return a figure of a table of counts with its interval.

    Drawing samples again is drawing the cells that they fall into, whatever their number is.

    Args:
        cells: [true, predicted], how many samples there are in each.
        statistic: the figure of each of several tables [resamples, rows, columns].
    """
    value = float(statistic(cells[None].astype(float))[0])
    number = int(cells.sum())
    if number < 2:
        return Figure(value)
    places = np.flatnonzero(cells)
    if not (cells - np.diag(np.diag(cells))).any():
        # All are right in every sampling: that says nothing of how sure the figure is.
        return Figure(value)
    shares = cells.ravel()[places] / number
    random = np.random.default_rng(_SEED)
    drawn = []
    for size in _pieces(cells.size):
        tables = np.zeros((size, cells.size))
        tables[:, places] = random.multinomial(number, shares, size=size)
        drawn.append(statistic(tables.reshape(size, *cells.shape)))
    return _with_interval(value, np.concatenate(drawn))


def quantile_figure(values: np.ndarray, quantile: float) -> Figure:
    """Return a quantile of values [n] with its interval."""
    value = float(np.quantile(values, quantile))
    if len(values) < 2:
        return Figure(value)
    random = np.random.default_rng(_SEED)
    drawn = [
        np.quantile(values[random.integers(0, len(values), (size, len(values)))], quantile, axis=1)
        for size in _pieces(len(values))
    ]
    return _with_interval(value, np.concatenate(drawn))


def compare_means(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """Test whether the means of pairs differ, by a bootstrap of the studentised difference.

    The centred differences are drawn again, and each mean is held against its own deviation, which
    keeps the rate of false alarms where samples are few (Efron and Tibshirani 1993, 16.2).

    Args:
        first: [n], a value of each sample.
        second: [n], of the same samples.
    """
    apart = (second - first).astype(float)
    number, mean = len(apart), float(apart.mean())
    deviation = float(apart.std(ddof=1)) if number > 1 else 0.0
    if deviation == 0:
        return PairedTest(mean, mean, mean, 1.0 if mean == 0 or number < 2 else 0.0)
    centred = apart - mean
    parts = np.concatenate(list(_resampled_sums(np.stack([centred, centred**2], 1)))) / number
    spread = np.sqrt(np.maximum(parts[:, 1] - parts[:, 0] ** 2, 0) * number / (number - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        extreme = np.abs(parts[:, 0]) * deviation >= abs(mean) * spread
    low, high = np.quantile(mean + parts[:, 0], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    p_value = (1 + int(extreme.sum())) / (1 + len(extreme))
    return PairedTest(mean, float(low), float(high), p_value)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value that two classifiers are right equally often.

    Args:
        only_first: samples that only the first has right.
        only_second: samples that only the second has right.
    """
    number, least = only_first + only_second, min(only_first, only_second)
    if number == 0:
        return 1.0
    from math import lgamma, log

    logs = [
        lgamma(number + 1) - lgamma(k + 1) - lgamma(number - k + 1) - number * log(2)
        for k in range(least + 1)
    ]
    return float(min(1.0, 2 * np.exp(logs).sum()))


def _resampled_sums(sums: np.ndarray) -> Iterator[np.ndarray]:
    """Yield sums over samples drawn again [resamples, ...], in pieces."""
    random = np.random.default_rng(_SEED)
    number = len(sums)
    flat = sums.reshape(number, -1).astype(float)
    for size in _pieces(number):
        drawn = random.integers(0, number, (size, number))
        offset = np.arange(size)[:, None] * number
        counts = np.bincount((drawn + offset).ravel(), minlength=size * number)
        yield (counts.reshape(size, number) @ flat).reshape(size, *sums.shape[1:])


def _pieces(numbers: int) -> list[int]:
    """Return how many resamples are drawn at a time, where each takes so many numbers."""
    size = max(1, min(RESAMPLES, _AT_ONCE // max(1, numbers)))
    whole, rest = divmod(RESAMPLES, size)
    return [size] * whole + ([rest] if rest else [])


def _with_interval(value: float, drawn: np.ndarray) -> Figure:
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return Figure(value)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value, float(low), float(high))
