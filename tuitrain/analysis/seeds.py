"""Runs that differ in nothing but their seed: which belong together, and how far they spread.

Plain values; knows nothing of records or of screens.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

SEED = "train.seed"
NO_SETTING = ("name", "description")
"""Keys of a preset that change nothing of a run."""


def seed_groups(settings: Sequence[Mapping[str, str] | None]) -> list[tuple[int, ...]]:
    """Return the runs of each group by number, in the order of their first ones.

    Args:
        settings: flat, of each run; a run whose settings are not known is a group of its own.
    """
    groups: dict[object, list[int]] = {}
    for number, known in enumerate(settings):
        key: object = number if known is None else frozenset(_without_seed(known).items())
        groups.setdefault(key, []).append(number)
    return [tuple(group) for group in groups.values()]


def _without_seed(settings: Mapping[str, str]) -> dict[str, str]:
    left_out = (SEED, *NO_SETTING)
    return {key: value for key, value in settings.items() if key not in left_out}


@dataclass(frozen=True, slots=True)
class Spread:
    """What several values amount to."""

    mean: float
    low: float
    high: float
    deviation: float
    """Of a sample (n - 1); 0 of a single value."""
    count: int


def spread_of(values: Sequence[float]) -> Spread | None:
    """Return mean, reach and deviation of the finite values; None where there is none."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    deviation = stdev(known) if len(known) > 1 else 0.0
    return Spread(fmean(known), min(known), max(known), deviation, len(known))
