"""Whether probabilities hold what they say, and the temperature that would mend them.

Knows class scores and class numbers as arrays.
"""

from dataclasses import dataclass

import numpy as np

BINS = 15
"""As Guo et al. 2017."""
_LOG_RANGE = (-5.0, 5.0)
"""Of temperatures, as natural logarithms: 0.0067 to 148."""
_SEARCH_STEPS = 60
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities are from how often they are right."""

    ece: float
    """Mean of |accuracy - confidence| over bins of equal width, by their samples."""
    cross_entropy: float
    """In nats a sample."""
    temperature: float | None
    """What scores must be divided by for the least cross-entropy; above 1: overconfident. None: no
    temperature has the least, as where every sample is right."""
    ece_at_temperature: float | None
    cross_entropy_at_temperature: float | None
    bins: tuple[tuple[float, float, int], ...]
    """Mean confidence, accuracy and samples of each bin that has any."""


def calibrate(scores: np.ndarray, targets: np.ndarray) -> Calibration:
    """Return the calibration of scores [n, classes] for class numbers [n].

    The temperature is found on the same samples: it says how far off the scores are, and would be
    fitted on others to be used.
    """
    temperature = _best_temperature(scores, targets)
    bins = _bins(softmax(scores), targets)
    mended = None if temperature is None else scores / temperature
    return Calibration(
        ece=_error(bins, len(targets)),
        cross_entropy=float(cross_entropies(scores, targets).mean()),
        temperature=temperature,
        ece_at_temperature=(
            None if mended is None else _error(_bins(softmax(mended), targets), len(targets))
        ),
        cross_entropy_at_temperature=(
            None if mended is None else float(cross_entropies(mended, targets).mean())
        ),
        bins=tuple(bins),
    )


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return probabilities [n, classes]."""
    shifted = np.exp(scores.astype(float) - scores.max(1, keepdims=True))
    total: np.ndarray = shifted / shifted.sum(1, keepdims=True)
    return total


def cross_entropies(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the cross-entropy of each sample [n], in nats."""
    wide = scores.astype(float)
    most = wide.max(1)
    logs = np.log(np.exp(wide - most[:, None]).sum(1)) + most
    each: np.ndarray = logs - wide[np.arange(len(targets)), targets]
    return each


def _bins(probabilities: np.ndarray, targets: np.ndarray) -> list[tuple[float, float, int]]:
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == targets
    place = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    found = []
    for number in range(BINS):
        chosen = place == number
        if chosen.any():
            means = float(confidence[chosen].mean()), float(right[chosen].mean())
            found.append((*means, int(chosen.sum())))
    return found


def _error(bins: list[tuple[float, float, int]], number: int) -> float:
    return sum(abs(sure - right) * samples for sure, right, samples in bins) / max(1, number)


def _best_temperature(scores: np.ndarray, targets: np.ndarray) -> float | None:
    """Return the temperature of the least cross-entropy, by golden section over its logarithm.

    Where every sample is right, or the search ends at its border, there is none.
    """
    if bool((scores.argmax(1) == targets).all()):
        return None

    def loss(log_temperature: float) -> float:
        return float(cross_entropies(scores / np.exp(log_temperature), targets).mean())

    low, high = _LOG_RANGE
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    losses = [loss(place) for place in inner]
    for _step in range(_SEARCH_STEPS):
        if high - low < 1e-5:
            break
        if losses[0] < losses[1]:
            high = inner[1]
            inner = [high - _GOLDEN * (high - low), inner[0]]
            losses = [loss(inner[0]), losses[0]]
        else:
            low = inner[0]
            inner = [inner[1], low + _GOLDEN * (high - low)]
            losses = [losses[1], loss(inner[1])]
    found = (low + high) / 2
    at_border = min(found - _LOG_RANGE[0], _LOG_RANGE[1] - found) < 0.01
    return None if at_border else float(np.exp(found))
