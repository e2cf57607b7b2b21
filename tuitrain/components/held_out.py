"""Which rows are held out for validation: the same for every seed, with each class in its share.

They are the rows that scikit-learn's `train_test_split(random_state=0, stratify=labels)` draws:
runs on record were trained without them. Importing it takes a second of a run's start.
"""

import math

import numpy as np

from tuitrain.errors import TrainingError


def held_out_rows(labels: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and those held out, both shuffled.

    Args:
        labels: [n] classes as whole numbers.
        fraction: of the rows that are held out, rounded up.

    Raises:
        TrainingError: a part would have fewer rows than there are classes.
    """
    _values, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    held = math.ceil(fraction * len(labels))
    if min(held, len(labels) - held) < len(counts):
        raise TrainingError(
            f"data.validation_fraction = {fraction} holds {held} of {len(labels)} samples out: "
            f"each of the {len(counts)} classes must have one in both parts"
        )
    random = np.random.RandomState(0)
    training = _shares(counts, len(labels) - held, random)
    validation = _shares(counts - training, held, random)
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    by_class = np.split(np.argsort(classes, kind="stable"), counts.cumsum()[:-1])
    for label, rows in enumerate(by_class):
        drawn = rows[random.permutation(len(rows))]
        first, second = training[label], training[label] + validation[label]
        parts[0].append(drawn[:first])
        parts[1].append(drawn[first:second])
    train, held_rows = (random.permutation(np.concatenate(part)) for part in parts)
    return train, held_rows


def _shares(counts: np.ndarray, number: int, random: np.random.RandomState) -> np.ndarray:
    """Return how many of each class are among `number` rows: the most probable draw.

    Args:
        counts: [classes] rows there are.
        number: of rows to draw.
        random: decides between classes whose shares have the same fraction of a row.
    """
    shares = counts / counts.sum() * number
    whole = np.floor(shares)
    rest = shares - whole
    missing = int(number - whole.sum())
    for fraction in np.unique(rest)[::-1]:
        if missing == 0:
            break
        (alike,) = np.nonzero(rest == fraction)
        whole[random.choice(alike, size=min(missing, len(alike)), replace=False)] += 1
        missing -= min(missing, len(alike))
    drawn: np.ndarray = whole.astype(int)
    return drawn
