"""Which learning rate a range test suggests, and when it suggests none.

Pure functions of rates and losses; knows nothing of how they were measured.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RULE = (
    "the rate at which the smoothed loss falls fastest for the same rise of the rate, before its "
    "lowest point"
)
_LEAST_STEPS = 20
_WINDOW_SHARE = 10
"""A tenth of the steps is smoothed over, and a slope measured over."""
_NOISE = 6.0
"""The loss has to fall by so many times the scatter that is left in the smoothed curve: the largest
of many means lies two or three of them above the true one, the least as far below."""
_LEAST_FALL = 0.05
"""And by this share of what it was at first."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a range test comes to."""

    rate: float | None
    """None: it does not say."""
    reason: str
    """Why not; empty where there is a rate."""
    smoothed: tuple[float, ...]
    """The loss of each step as a mean over those around it."""


def suggest_rate(rates: Sequence[float], losses: Sequence[float]) -> Suggestion:
    """Return the rate of the steepest descent, or why there is none to be sure of.

    Args:
        rates: rising by the same ratio from step to step.
        losses: of the same steps, finite ones.
    """
    if len(losses) < _LEAST_STEPS:
        reason = f"{len(losses)} steps are too few to tell, {_LEAST_STEPS} are needed"
        return Suggestion(None, reason, tuple(losses))
    half = max(3, len(losses) // _WINDOW_SHARE // 2)
    smoothed = _smooth(losses, half)
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    if lowest < half:
        return Suggestion(None, "the loss only rises: begin lower, with --min", smoothed)
    fall = max(smoothed[: lowest + 1]) - smoothed[lowest]
    # Beyond the lowest point the losses jump about: they say nothing of the noise before it.
    scatter = statistics.pstdev(
        losses[place] - smoothed[place] for place in range(max(_LEAST_STEPS // 2, lowest + 1))
    )
    if fall <= max(_NOISE * scatter / math.sqrt(2 * half + 1), _LEAST_FALL * abs(smoothed[0])):
        return Suggestion(None, "the loss does not fall by more than it scatters", smoothed)
    slopes = {place: _slope(smoothed, place, half) for place in range(half, lowest + 1)}
    steepest = min(slopes, key=slopes.__getitem__)
    if steepest >= len(losses) - 1 - half:
        reason = "the loss falls fastest at the end of the range: go further, with --max"
        return Suggestion(None, reason, smoothed)
    return Suggestion(_rounded(rates[steepest]), "", smoothed)


def _smooth(losses: Sequence[float], half: int) -> tuple[float, ...]:
    """Return the mean of each loss and `half` of them on both sides, fewer at the ends."""
    means = []
    for place in range(len(losses)):
        reach = min(half, place, len(losses) - 1 - place)
        means.append(statistics.fmean(losses[place - reach : place + reach + 1]))
    return tuple(means)


def _slope(values: Sequence[float], place: int, half: int) -> float:
    """Return the slope of the line that fits best the values around a place (least squares)."""
    reach = min(half, place, len(values) - 1 - place)
    offsets = range(-reach, reach + 1)
    squares = sum(offset * offset for offset in offsets) or 1
    return sum(offset * values[place + offset] for offset in offsets) / squares


def _rounded(rate: float) -> float:
    return float(f"{rate:.1e}")
