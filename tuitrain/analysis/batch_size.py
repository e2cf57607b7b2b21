"""Which of the batch sizes that were tried is the largest that fits, and which the fastest.

Pure functions of what was measured.
"""

from collections.abc import Mapping, Sequence
from typing import Any

RULE = "the smallest size within 5 % of the most samples a second"
_AS_FAST = 0.95


def choose_sizes(tried: Sequence[Mapping[str, Any]]) -> dict[str, int | None]:
    """Return the largest size that fits and the fastest one; None where no size does.

    Args:
        tried: `batch_size`, `fits` and `samples_per_s` of each.
    """
    fitting = [each for each in tried if each["fits"]]
    if not fitting:
        return {"largest": None, "fastest": None}
    most = max(each["samples_per_s"] for each in fitting)
    fast = [each for each in fitting if each["samples_per_s"] >= _AS_FAST * most]
    return {
        "largest": max(each["batch_size"] for each in fitting),
        "fastest": min(each["batch_size"] for each in fast),
    }
