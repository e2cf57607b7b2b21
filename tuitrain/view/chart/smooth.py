"""Exponential smoothing of a reduced curve, with the bias correction that TensorBoard uses.

Knows nothing of axes or screens.
"""

import math
from dataclasses import replace

from tuitrain.view.chart.figure import Line


def smooth_line(line: Line, weight: float) -> tuple[Line, ...]:
    """Return the raw curve as a faint line and the smoothed one over it; only the line at 0.

    Args:
        line: a reduced curve.
        weight: from 0, nothing, to below 1, as TensorBoard's slider.
    """
    if weight <= 0:
        return (line,)
    means = smooth(line.mean, weight, line.count)
    front = replace(line, low=means, high=means, mean=means, nonfinite=(0,) * len(means))
    return replace(line, faint=True), front


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
