"""Which samples are held out for validation: a pure function of labels, share and seed."""

from collections.abc import Sequence

import numpy as np


def held_out(labels: Sequence[int], share: float, seed: int) -> np.ndarray:
    """Return [n] bool, true for samples of the validation part, each class in its share.

    A class of two samples or more has at least one of them in either part.
    """
    numbers = np.asarray(labels)
    held = np.zeros(len(numbers), dtype=bool)
    for label in np.unique(numbers):
        members = np.flatnonzero(numbers == label)
        count = min(max(1, round(len(members) * share)), len(members) - 1)
        # A stream of each class's own: a class more or less leaves the others as they are.
        order = np.random.default_rng([seed, int(label)]).permutation(len(members))
        held[members[order[:count]]] = True
    return held


def held_out_rows(count: int, share: float, seed: int) -> np.ndarray:
    """Return [count] bool, true for rows of the validation part, where there are no classes."""
    held = np.zeros(count, dtype=bool)
    number = min(max(1, round(count * share)), count - 1)
    held[np.random.default_rng(seed).permutation(count)[:number]] = True
    return held
