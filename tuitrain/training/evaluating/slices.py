"""Which slice of the validation part each sample is in, by a column of what its data set knows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite

import numpy as np

from tuitrain.errors import UsageError

_MOST_VALUES = 20
"""Numbers of more different values are cut into quarters: a line a value would say nothing."""
_MOST_GROUPS = 500
_QUARTERS = (0.25, 0.5, 0.75)


def slices_of(by: str, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what each sample has in a column; of many numbers, in which quarter it is.

    Args:
        by: the column's name.
        columns: cells by column, one for each sample.

    Raises:
        UsageError: there is no such column, or it has too many different texts.
    """
    if by not in columns:
        raise UsageError(
            f"--by {by}: the data set knows no such column of its samples; it may be "
            + ", ".join(("class", *columns))
        )
    cells = list(columns[by])
    different = len(set(cells))
    numbers = _numbers(cells) if different > _MOST_VALUES else None
    if numbers is not None:
        return _quarters(numbers)
    if different > _MOST_GROUPS:
        raise UsageError(
            f"--by {by}: the column has {different:,} different texts, there may be {_MOST_GROUPS}"
        )
    return cells


def _numbers(cells: Sequence[str]) -> np.ndarray | None:
    """Return cells as finite numbers; None where one is not."""
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return None
    return np.array(numbers) if all(map(isfinite, numbers)) else None


def _quarters(numbers: np.ndarray) -> list[str]:
    """Return the range that each number is in, of up to four with as many numbers each."""
    cuts = np.unique(np.quantile(numbers, _QUARTERS))
    edges = [float(numbers.min()), *map(float, cuts), float(numbers.max())]
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    return [names[place] for place in np.searchsorted(cuts, numbers, side="left")]
