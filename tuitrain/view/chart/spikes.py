"""Which columns of a curve hold values far from the rest, so that no drawing hides them.

Knows numbers; nothing of dots or of limits.
"""

import math
from collections.abc import Sequence

_FAR = 4.0
"""Times the usual reach. Of two points a column white noise exceeds it at 7 of 1,000 places, and of
more points hardly ever."""


def spike_places(
    low: Sequence[float], high: Sequence[float], mean: Sequence[float]
) -> frozenset[int]:
    """Return the columns that reach much further from the curve than is usual along it.

    Args:
        low: the least value of each column; NaN where there is none.
        high: the largest.
        mean: where the curve is drawn, as it is or smoothed.
    """
    if low == high == mean:
        return frozenset()
    reaches = [max(h - m, m - lo) for lo, h, m in zip(low, high, mean, strict=True)]
    finite = sorted(reach for reach in reaches if math.isfinite(reach))
    if not finite:
        return frozenset()
    most = finite[len(finite) // 2] * _FAR
    return frozenset(place for place, reach in enumerate(reaches) if most < reach < math.inf)
