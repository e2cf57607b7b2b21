"""Points of a grid that were run with several seeds: means, intervals, and which is better.

Student's t on the seeds; two points are compared seed by seed, as both saw the same order of
samples. Pure functions of a table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from tuitrain.sweeps.settings import SEED
from tuitrain.sweeps.space import value_text, value_words
from tuitrain.sweeps.table import SweepTable

_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Quantiles of 97.5 % by degrees of freedom, from 1."""
_NORMAL = 1.96


@dataclass(frozen=True, slots=True)
class Group:
    """One point, whatever the seed."""

    point: tuple[tuple[str, Any], ...]
    values: tuple[tuple[int, float], ...]
    """Seed and value of each complete trial."""

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return mean(value for _seed, value in self.values)

    @property
    def reach(self) -> float | None:
        """Half of the interval that holds the true mean in 95 of 100; None: of one seed."""
        return half_width([value for _seed, value in self.values])

    @property
    def words(self) -> str:
        """The values of its settings."""
        return ", ".join(value_words(value) for _key, value in self.point)


def groups(table: SweepTable) -> list[Group]:
    """Return the points with complete trials, the best mean first; none where no seed varies."""
    if SEED not in table.keys:
        return []
    found: dict[str, Group] = {}
    for row in table.rows:
        if row.state != "complete" or row.value is None:
            continue
        point = tuple((key, value) for key, value in row.point.items() if key != SEED)
        key = value_text(dict(point))
        before = found.get(key, Group(point, ()))
        found[key] = Group(point, (*before.values, (int(row.point[SEED]), row.value)))
    sign = -1 if table.mode == "max" else 1
    return sorted(found.values(), key=lambda group: sign * group.mean)


def half_width(values: Sequence[float]) -> float | None:
    """Return half of the interval of 95 % of the mean of values; None for fewer than two."""
    if len(values) < 2:
        return None
    freedom = len(values) - 1
    quantile = _T[freedom - 1] if freedom <= len(_T) else _NORMAL
    return quantile * stdev(values) / math.sqrt(len(values))


def verdict(found: Sequence[Group]) -> str:
    """Say whether the best point is better than each other one beyond chance."""
    if len(found) < 2:
        return ""
    best, others = found[0], found[1:]
    beaten = [each.words for each in others if _differ(best, each)]
    rest = [each.words for each in others if not _differ(best, each)]
    parts = [f"{best.words} has the best mean"]
    if beaten:
        parts.append(f"better than {' and '.join(beaten)} beyond the chance of the seed")
    if rest:
        parts.append(f"not told apart from {' and '.join(rest)} by these seeds")
    return "; ".join(parts)


def _differ(one: Group, two: Group) -> bool:
    """Return whether two points differ seed by seed, at 95 %."""
    seconds = dict(two.values)
    differences = [value - seconds[seed] for seed, value in one.values if seed in seconds]
    reach = half_width(differences)
    return reach is not None and abs(mean(differences)) > reach
