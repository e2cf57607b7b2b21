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
        key: object = number if known is None else frozenset(without_seed(known).items())
        groups.setdefault(key, []).append(number)
    return [tuple(group) for group in groups.values()]


def without_seed(settings: Mapping[str, str]) -> dict[str, str]:
    """Return flat settings without the seed, and without what changes nothing of a run."""
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


_QUANTILES = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
"""Of Student's t, two sides, 95 %, for 1 to 10 degrees of freedom."""
_MANY = 2.0


@dataclass(frozen=True, slots=True)
class Noise:
    """Two groups of values held against what seeds alone do."""

    deviation: float
    """Pooled, of a single run."""
    counts: tuple[int, int]
    is_within: bool
    """Their means differ less than means of so many runs do by chance, at 95 %."""

    @property
    def words(self) -> str:
        """Say so."""
        where = "within" if self.is_within else "beyond"
        one, other = self.counts
        return f"{where} the noise of seeds (std {self.deviation:.3g}, {one} and {other} runs)"


def noise_between(one: Sequence[float], other: Sequence[float]) -> Noise | None:
    """Return how two groups of runs compare; None where neither has two runs, or one has none.

    Student's t with a pooled deviation: |m1 - m2| < t * s * sqrt(1 / n1 + 1 / n2).
    """
    groups = [[value for value in values if math.isfinite(value)] for values in (one, other)]
    counts = len(groups[0]), len(groups[1])
    freedom = sum(counts) - 2
    if 0 in counts or freedom < 1:
        return None
    means = [fmean(values) for values in groups]
    squares = sum(
        (value - mean) ** 2 for values, mean in zip(groups, means, strict=True) for value in values
    )
    deviation = math.sqrt(squares / freedom)
    quantile = _QUANTILES[freedom - 1] if freedom <= len(_QUANTILES) else _MANY
    reach = quantile * deviation * math.sqrt(1 / counts[0] + 1 / counts[1])
    return Noise(deviation, counts, abs(means[0] - means[1]) <= reach)
