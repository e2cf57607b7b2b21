"""The pyramid of summaries over points: buckets of 64 steps, each level eight times wider.

Pure arithmetic; knows nothing of the database. With it, drawing a run costs the width of the
screen and not the length of the run, and no spike is lost on the way.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

BASE_STEPS = 64
FACTOR_BITS = 3
FACTOR = 1 << FACTOR_BITS
LEVELS = 6


class Cell(NamedTuple):
    """What the points of some steps amount to; minimum, maximum and total of the finite ones."""

    first_step: int
    last_step: int
    points: int
    minimum: float | None
    maximum: float | None
    total: float | None
    """None without a finite value, or when the sum overflowed both ways."""
    finite: int
    nan: int
    posinf: int
    neginf: int

    @property
    def mean(self) -> float:
        """Mean of the finite values, never outside of them even where their sum overflowed."""
        if self.minimum is None or self.maximum is None:
            return math.nan
        if self.total is None:
            return self.minimum / 2 + self.maximum / 2
        return min(max(self.total / self.finite, self.minimum), self.maximum)


def bucket_steps(level: int) -> int:
    """Return how many steps a bucket of this level spans."""
    return BASE_STEPS << (FACTOR_BITS * level)


def summarise(first_step: int, last_step: int, values: Sequence[float]) -> Cell:
    """Sum up values that were measured from `first_step` to `last_step`."""
    total = sum(values)
    count = len(values)
    # A finite sum proves that every value is finite, without looking at each.
    if math.isfinite(total):
        low, high = min(values), max(values)
        return Cell(first_step, last_step, count, low, high, total, count, 0, 0, 0)
    return _summarise_mixed(first_step, last_step, values)


def _summarise_mixed(first_step: int, last_step: int, values: Sequence[float]) -> Cell:
    finite = [value for value in values if math.isfinite(value)]
    nan = sum(1 for value in values if math.isnan(value))
    posinf = sum(1 for value in values if value == math.inf)
    neginf = len(values) - len(finite) - nan - posinf
    low, high = (min(finite), max(finite)) if finite else (None, None)
    total = _known(sum(finite)) if finite else None
    return Cell(
        first_step, last_step, len(values), low, high, total, len(finite), nan, posinf, neginf
    )


def merge(cells: Sequence[Cell]) -> Cell:
    """Sum up one or more cells."""
    if len(cells) == 1:
        return cells[0]
    lows = [cell.minimum for cell in cells if cell.minimum is not None]
    highs = [cell.maximum for cell in cells if cell.maximum is not None]
    totals = [cell.total for cell in cells if cell.finite]
    return Cell(
        min(cell.first_step for cell in cells),
        max(cell.last_step for cell in cells),
        sum(cell.points for cell in cells),
        min(lows, default=None),
        max(highs, default=None),
        _known(sum(math.nan if total is None else total for total in totals)) if totals else None,
        sum(cell.finite for cell in cells),
        sum(cell.nan for cell in cells),
        sum(cell.posinf for cell in cells),
        sum(cell.neginf for cell in cells),
    )


def base_cells(steps: Sequence[int], values: Sequence[float]) -> dict[int, Cell]:
    """Return the lowest level's cells of these points by bucket; `steps` ascend."""
    cells: dict[int, Cell] = {}
    start = 0
    while start < len(steps):
        bucket = steps[start] // BASE_STEPS
        end = _first_at_or_after((bucket + 1) * BASE_STEPS, steps, start)
        cells[bucket] = summarise(steps[start], steps[end - 1], values[start:end])
        start = end
    return cells


def parents(cells: dict[int, Cell]) -> dict[int, Cell]:
    """Return the next level's cells by bucket."""
    children: dict[int, list[Cell]] = {}
    for bucket, cell in cells.items():
        children.setdefault(bucket // FACTOR, []).append(cell)
    return {bucket: merge(group) for bucket, group in children.items()}


def pyramid(steps: Sequence[int], values: Sequence[float]) -> Iterable[tuple[int, int, Cell]]:
    """Yield (level, bucket, cell) of every level; `steps` ascend."""
    cells = base_cells(steps, values)
    for level in range(LEVELS):
        for bucket, cell in cells.items():
            yield level, bucket, cell
        cells = parents(cells)


def _first_at_or_after(step: int, steps: Sequence[int], start: int) -> int:
    if isinstance(steps, range):
        return min(len(steps), step - steps[0])
    return bisect_left(steps, step, lo=start)


def _known(total: float) -> float | None:
    return None if math.isnan(total) else total
