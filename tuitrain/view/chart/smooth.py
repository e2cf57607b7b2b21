"""Exponential smoothing of a reduced curve, with the bias correction that TensorBoard uses.

Knows nothing of axes or screens.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from tuitrain.view.chart.figure import Line
from tuitrain.view.chart.spikes import spike_places

_TURNS, _NOISE = 0.3, 0.01
"""From these shares of places and of its range on a curve is noisy."""
_WINDOWS = 50
"""Of so many columns' width together a curve is long."""
_LEAST_SMOOTHED = 20


def smooth_line(line: Line, weight: float | None) -> tuple[Line, ...]:
    """Return the raw curve as a faint line and the smoothed one over it; only the line at 0.

    Values far from the curve belong to the smoothed one as well, so that they are not faint.

    Args:
        line: a reduced curve.
        weight: from 0, nothing, to below 1, as TensorBoard's slider; None: as its noise asks for.
    """
    asked = smoothing_for(line.mean) if weight is None else weight
    if asked <= 0:
        return (line,)
    means = (running_mean if weight is None else smooth)(line.mean, asked, line.count)
    spikes = spike_places(line.low, line.high, means)
    low, high = list(means), list(means)
    for place in spikes:
        low[place], high[place] = line.low[place], line.high[place]
    front = replace(line, low=tuple(low), high=tuple(high), mean=means, nonfinite=(0,) * len(means))
    return replace(line, faint=True), front


def running_mean(
    values: Sequence[float], weight: float, counts: Sequence[int] = ()
) -> tuple[float, ...]:
    """Return the mean around each value, those `n` columns away counting `weight ** n`.

    Looking to both sides it does not lag behind a curve that falls; at the end, where nothing
    comes after, it is the exponentially weighted mean. What is not finite stays a gap.

    Args:
        values: one a column.
        weight: from 0 to below 1.
        counts: points a column; left out: equally many.
    """
    shares = counts or (1,) * len(values)
    known = [
        (value * share, float(share)) if math.isfinite(value) else (0.0, 0.0)
        for value, share in zip(values, shares, strict=True)
    ]
    before, after = _decayed(known, weight), _decayed(known[::-1], weight)[::-1]
    means = []
    for value, own, left, right in zip(values, known, before, after, strict=True):
        total, share = (left[side] + right[side] - own[side] for side in (0, 1))
        means.append(total / share if math.isfinite(value) and share else math.nan)
    return tuple(means)


def _decayed(known: Sequence[tuple[float, float]], weight: float) -> list[tuple[float, float]]:
    """Return the sums so far, of values and of shares, each place counting less for the next."""
    total = share = 0.0
    sums = []
    for own_total, own_share in known:
        total, share = total * weight + own_total, share * weight + own_share
        sums.append((total, share))
    return sums


def smoothing_for(values: Sequence[float]) -> float:
    """Return the weight that suits a curve's noise; 0: it is smooth as it is.

    Noise turns often, white noise at two of three places, and its bends (second differences) are
    not small beside the curve's range; a slope has neither, however steep.

    Args:
        values: one a column; what is not finite does not count.
    """
    known = [value for value in values if math.isfinite(value)]
    if len(known) < _LEAST_SMOOTHED:
        return 0.0
    inner = sorted(known)[len(known) // 20 : -(len(known) // 20) or None]
    spread = inner[-1] - inner[0]
    rises = [after - before for before, after in pairwise(known)]
    turns = sum(before * after < 0 for before, after in pairwise(rises)) / len(rises)
    bend = median(abs(after - before) for before, after in pairwise(rises))
    # The fewer places there are, the more of it can be followed by eye.
    if not spread > 0 or turns < _TURNS or bend / spread < max(_NOISE, 2 / len(known)):
        return 0.0
    return 1 - 1 / max(3.0, len(known) / _WINDOWS)


def smooth(
    values: tuple[float, ...], weight: float, counts: tuple[int, ...] = ()
) -> tuple[float, ...]:
    """Return the exponentially weighted mean at each value; what is not finite stays a gap.

    last = weight * last + (1 - weight) * value, divided by 1 - weight ** n to undo the start at 0,
    as in TensorBoard's scalar dashboard. A column with fewer points than the fullest weighs
    accordingly less, so that half a column at the end does not pull the curve; the unit is the
    full column and not the point, so that a weight looks the same whatever the run's length.

    Args:
        values: one a column.
        weight: from 0 to 1; held below 1, where nothing would ever move.
        counts: points a column; left out: equally many.
    """
    weight = min(max(weight, 0.0), 0.9999)
    full = max(counts, default=1) or 1
    last, remaining = 0.0, 1.0
    smoothed = []
    for index, value in enumerate(values):
        if not math.isfinite(value):
            smoothed.append(math.nan)
            continue
        keep = weight ** ((counts[index] if counts else full) / full)
        last = keep * last + (1 - keep) * value
        remaining *= keep
        # A column without points says nothing of its own.
        smoothed.append(last / (1 - remaining) if remaining < 1 else value)
    return tuple(smoothed)
